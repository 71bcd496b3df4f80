"""tblite: its numbers, its forces and stress, and what is refused."""

import os
import sys

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, fcc111, molecule
from ase.data import chemical_symbols

from adatom import JobFailure
from adatom.errors import InputError
from adatom.recipes import tblite
from adatom.recipes.tblite import bulk_to_slabs_flow, freq_job, md_job, relax_job, static_job
from tests.codes import needs_code
from tests.interpreter import run

TIGHT = {"accuracy": 0.01}


@needs_code("tblite")
def test_the_parameters_are_those_of_the_calculator():
    from tblite.ase import TBLite

    own = {name for name in tblite.PARAMETERS if not name.endswith("_solvation")}
    assert own == set(TBLite.default_parameters)
    aliases = {name: "water" for name in tblite.PARAMETERS if name not in own}
    for name, solvent in aliases.items():
        assert TBLite(**{name: solvent}).parameters.solvation is not None, name
    assert TBLite.default_parameters["method"] == next(iter(tblite.METHODS))


@needs_code("tblite")
@pytest.mark.parametrize("method", tblite.METHODS)
def test_valence_electrons_are_those_that_tblite_fills_orbitals_with(method):
    from tblite.interface import Calculator

    for number, symbol in enumerate(chemical_symbols[1:87], 1):
        calculator = Calculator(method, np.array([number]), np.zeros((1, 3)))
        calculator.set("verbosity", 0)
        calculator.set("temperature", 0.1)  # in Hartree: at lower ones the SCF of some atoms does not converge
        filled = calculator.singlepoint().get("orbital-occupations").sum()
        assert tblite.valence_electrons(Atoms(symbol)) == pytest.approx(filled, abs=1e-6), symbol


@needs_code("tblite")
class TestWater:
    def test_numbers(self, capfd):
        static = static_job(molecule("H2O"))
        assert static["results"]["energy"] == pytest.approx(-137.96777594, rel=1e-6)
        assert static["results"]["charges"].sum() == pytest.approx(0, abs=1e-6)
        assert static["parameters"]["calculator"].items() >= {"name": "TBLite", "method": "GFN2-xTB"}.items()
        relaxed = relax_job(molecule("H2O"), fmax=0.01)
        assert relaxed["results"]["energy"] == pytest.approx(-137.97654191, rel=1e-6)
        assert capfd.readouterr().out == ""

    def test_vibrations_are_those_that_ase_finds(self):
        from ase.vibrations import Vibrations
        from tblite.ase import TBLite

        atoms = relax_job(molecule("H2O"), fmax=0.001)["atoms"]
        vib = freq_job(atoms)
        by_hand = atoms.copy()
        by_hand.calc = TBLite(verbosity=0)
        vibrations = Vibrations(by_hand)
        vibrations.run()
        assert vib["results"]["frequencies"] == pytest.approx(vibrations.get_frequencies().real[-3:], rel=1e-3)
        assert vib["thermo"]["model"] == "ideal_gas"
        assert vib["thermo"]["symmetry_number"] == 2
        # The tables of NIST and JANAF have 188.8 J/(mol K) for real water.
        assert vib["thermo"]["entropy"] / units.J * units.mol == pytest.approx(188.8, abs=0.5)

    def test_vibrations_before_it_is_relaxed(self):
        vib = freq_job(molecule("H2O"))["results"]
        assert len(vib["frequencies"]) == 3
        assert vib["frequencies"][0] == pytest.approx(1586.6, rel=1e-3)

    @pytest.mark.parametrize("method", tblite.METHODS)
    def test_forces_are_the_derivative_of_the_energy(self, method):
        kwargs = {"calc_kwargs": {**TIGHT, "method": method}}
        atoms = molecule("H2O")
        forces = static_job(atoms, **kwargs)["results"]["forces"]
        energies = []
        for step in (-1e-3, 1e-3):
            moved = atoms.copy()
            moved.positions[1, 2] += step
            energies.append(static_job(moved, **kwargs)["results"]["energy"])
        assert forces[1, 2] == pytest.approx((energies[0] - energies[1]) / 2e-3, abs=1e-4)
        assert abs(forces[1, 2]) > 0.1

    def test_dynamics_keep_the_energy(self):
        start = static_job(molecule("H2O"))["results"]["energy"]
        end = md_job(molecule("H2O"), steps=20, timestep=0.5)["results"]
        assert end["kinetic_energy"] > 1e-3
        assert end["energy"] + end["kinetic_energy"] == pytest.approx(start, abs=1e-3)

    def test_charge_counts_where_it_is_given(self):
        as_argument = static_job(molecule("H2O"), calc_kwargs={"charge": -1})
        charged = molecule("H2O")
        charged.set_initial_charges([0, 0, -1])
        assert static_job(charged)["results"]["energy"] == pytest.approx(as_argument["results"]["energy"], abs=1e-6)
        assert as_argument["results"]["charges"].sum() == pytest.approx(-1, abs=1e-6)

    def test_an_scf_that_does_not_converge_is_a_failure(self):
        with pytest.raises(JobFailure, match="not converged in 2 cycles"):
            static_job(molecule("H2O"), calc_kwargs={"max_iterations": 2})


@needs_code("tblite")
def test_stress_is_the_derivative_of_the_energy():
    crystal = bulk("Si", cubic=True)
    crystal.rattle(0.05, seed=1)
    kwargs = {"calc_kwargs": {**TIGHT, "method": "GFN1-xTB"}}
    stress = static_job(crystal, properties=["energy", "stress"], **kwargs)["results"]["stress"]
    voigt = [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]
    for index in (0, 3):
        row, column = voigt[index]
        energies = []
        for step in (-1e-3, 1e-3):
            strain = np.zeros((3, 3))
            strain[row, column] += step / 2
            strain[column, row] += step / 2
            strained = crystal.copy()
            strained.set_cell(crystal.cell @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(static_job(strained, **kwargs)["results"]["energy"])
        # A shear in one of the six components is half of it in each of the two elements of the tensor.
        derivative = (energies[1] - energies[0]) / 2e-3 / crystal.get_volume()
        assert stress[index] == pytest.approx(derivative, rel=1e-3, abs=1e-6)
    assert stress[0] < 0  # the crystal is smaller than it would be


@needs_code("tblite")
def test_spin():
    triplet, singlet = (static_job(molecule("O2"), calc_kwargs={"multiplicity": m, **TIGHT}) for m in (3, 1))
    from_moments = static_job(molecule("O2"), calc_kwargs=TIGHT)  # which are 1 on each atom
    assert from_moments["results"]["energy"] == pytest.approx(triplet["results"]["energy"], abs=1e-9)
    assert abs(singlet["results"]["energy"] - triplet["results"]["energy"]) > 0.01


@needs_code("tblite")
def test_slabs():
    small = {"min_slab_size": 4.0, "min_vacuum_size": 10.0, "min_length_width": None}
    method = {"calc_kwargs": {"method": "GFN1-xTB"}}
    result = bulk_to_slabs_flow(bulk("Ar", "fcc", 5.3), slab_kwargs=small, job_params={"all": method})
    assert len(result["relax"]) == len(result["static"]) == 4
    for relaxed, static in zip(result["relax"], result["static"], strict=True):
        assert static["parameters"]["calculator"]["method"] == "GFN1-xTB"
        assert static["results"]["energy"] == pytest.approx(relaxed["results"]["energy"], abs=1e-4)


def hydroxyl(moments=(0, 0), charges=(0, 0)):
    return Atoms("OH", [[0, 0, 0], [0, 0, 0.97]], magmoms=moments, charges=charges)


REFUSED = {
    "a singlet of 7 electrons": (hydroxyl(), {"multiplicity": 1}, r"HO with charge 0 has 7 electrons.* 2, 4, 6, 8\."),
    "a doublet of 8": (hydroxyl(), {"charge": -1, "multiplicity": 2}, r"charge -1 has 8 .* 1, 3, 5, 7, 9\."),
    "moments": (hydroxyl([2, 0]), {}, "moments add up to 2, which is a multiplicity of 3. Possible"),
    "moments that cancel": (hydroxyl([1, -1]), {}, "which is a multiplicity of 1"),
    "charges on atoms": (hydroxyl(charges=[-1, 0]), {"multiplicity": 2}, "with charge -1 has 8 electrons"),
    "more spin than electrons": (
        molecule("H2"),
        {"multiplicity": 5},
        r"has 2 electrons.*Possible multiplicities: 1, 3\.",
    ),
    "more charge than electrons": (Atoms("Gd"), {"charge": 4}, "there are 3 electrons to take"),  # a crash of tblite
    "part of an electron": (hydroxyl(charges=[-0.8, 0.3]), {}, "charge is -0.5.*whole number"),
    "a charge in words": (hydroxyl(), {"charge": "1"}, "charge is '1'"),
    "a multiplicity of none": (hydroxyl(), {"multiplicity": 0}, "multiplicity is 0"),
    "a method": (molecule("H2O"), {"method": "GFN2"}, "method of tblite 'GFN2'. Did you mean 'GFN2-xTB'"),
    "an argument": (molecule("H2O"), {"max_iter": 3}, "'max_iter'. Did you mean 'max_iterations'"),
    "an element": (Atoms("U"), {}, "no parameters for U"),
    "a slab": (fcc111("Al", (1, 1, 2), vacuum=6), {}, r"atoms.pbc = True"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_before_anything_is_computed(case, results_dir):
    atoms, kwargs, said = REFUSED[case]
    with pytest.raises(InputError, match=said):
        static_job.fn(atoms, calc_kwargs=kwargs)
    with pytest.raises(JobFailure, match=said):
        relax_job(atoms, calc_kwargs=kwargs)
    assert not list(results_dir.rglob("*.traj"))


@pytest.mark.parametrize("workers", [1, 2])
def test_without_the_package(tmp_path, workers):
    """Its recipes can be imported, and a job says how to get it."""
    code = """
from ase.build import molecule
from adatom.recipes import tblite
from adatom.recipes.tblite import static_job
static_job(molecule("H2O"))
"""
    (tmp_path / "tblite.py").write_text("raise ImportError('hidden by the test')")
    path = os.pathsep.join([str(tmp_path), *sys.path])
    said = run(code, tmp_path, check=False, PYTHONPATH=path, ADATOM_LOCAL_WORKERS=workers)
    assert "tblite is not installed. Get it with: pip install 'adatom[tblite]'" in said
    assert "MissingExtraError" in said
    assert not list(tmp_path.rglob("*.traj"))
