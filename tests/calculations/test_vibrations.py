import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import add_adsorbate, bulk, fcc111, molecule
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms

from adatom.calculations import run_optimize, run_vibrations
from adatom.errors import InputError


@pytest.mark.parametrize("name", ["N2", "H2"])
@pytest.mark.parametrize("relaxed", [True, False])
def test_a_linear_molecule_has_3n_minus_5_real_modes(name, relaxed):
    atoms = molecule(name)
    atoms.rotate(30, (1, 1, 0))
    if relaxed:
        atoms = run_optimize(atoms, EMT())["atoms"]
    results = run_vibrations(atoms, EMT())["results"]
    assert results["frequencies"].shape == (1,)
    assert results["frequencies"][0] > 100
    assert results["imaginary"] == 0
    assert results["zpe"] == pytest.approx(results["vib_energies"][0] / 2)


def test_frequency_of_a_lennard_jones_dimer():
    # V'' = 72 eps / (2^(1/3) sigma^2) at the minimum 2^(1/6) sigma
    epsilon, sigma, mass = 0.5, 2.0, 40.0
    dimer = Atoms("Ar2", positions=[[0, 0, 0], [0, 0, 2 ** (1 / 6) * sigma]], masses=[mass, mass])
    omega = np.sqrt(72 * epsilon / (2 ** (1 / 3) * sigma**2) / (mass / 2))
    exact = omega * units._hbar * np.sqrt(units._e / units._amu) * 1e10 / units._e
    for nfree, tolerance in ((2, 1e-2), (4, 1e-4)):
        calculator = LennardJones(epsilon=epsilon, sigma=sigma, rc=20.0)
        results = run_vibrations(dimer, calculator, delta=0.02, nfree=nfree)["results"]
        assert results["vib_energies"] == pytest.approx([exact], rel=tolerance)
        assert results["frequencies"] == pytest.approx([exact / units.invcm], rel=tolerance)


def test_a_bent_molecule_and_an_atom():
    water = run_optimize(molecule("H2O"), EMT())["atoms"]
    results = run_vibrations(water, EMT())["results"]
    assert results["frequencies"].shape == (3,)
    assert (np.diff(results["frequencies"]) > 0).all()
    assert run_vibrations(Atoms("O"), EMT())["results"]["frequencies"].shape == (0,)


def test_modes_outside_a_minimum_are_imaginary_and_negative():
    stretched = Atoms("Cu2", positions=[[0, 0, 0], [0, 0, 4.5]])
    results = run_vibrations(stretched, EMT())["results"]
    assert results["imaginary"] == 1
    assert results["frequencies"][0] < 0
    assert results["zpe"] == 0


def test_a_crystal_loses_its_translations_only():
    crystal = bulk("Cu", cubic=True)
    results = run_vibrations(crystal, EMT())["results"]
    assert results["frequencies"].shape == (9,)
    assert (results["frequencies"] > 10).all()
    assert run_vibrations(bulk("Cu"), EMT())["results"]["frequencies"].shape == (0,)


def test_a_molecule_in_a_periodic_box_can_be_called_one():
    boxed = run_optimize(molecule("N2", vacuum=6, pbc=True), EMT())["atoms"]
    assert run_vibrations(boxed, EMT())["results"]["frequencies"].shape == (3,)
    assert run_vibrations(boxed, EMT(), molecule=True)["results"]["frequencies"].shape == (1,)


def test_a_molecule_across_the_cell_is_the_same():
    boxed = run_optimize(molecule("CH4", vacuum=4, pbc=True), EMT(), fmax=0.001)["atoms"]
    boxed.set_masses([12, 1, 2, 1, 1])
    across = boxed.copy()
    across.positions -= boxed.positions[0]
    across.wrap()
    assert np.ptp(across.positions) > 6
    one, two = (run_vibrations(atoms, EMT(), molecule=True)["results"] for atoms in (boxed, across))
    assert one["frequencies"].shape == (9,)
    assert two["frequencies"] == pytest.approx(one["frequencies"], abs=0.1)


def test_a_chain_is_no_molecule(results_dir):
    chain = Atoms("C4", [[0, 0, 1.3 * i] for i in range(4)], cell=[9, 9, 5.2], pbc=True)
    with pytest.raises(InputError, match="no molecule"):
        run_vibrations(chain, EMT(), molecule=True)
    assert not results_dir.exists()


@pytest.mark.parametrize(
    ("shift", "modes", "said"),
    [(0.02, 4, None), (0.1, 4, "0.067 Å.*linear"), (0.2, 3, "0.133 Å.*bent"), (0.6, 3, None)],
)
def test_a_bent_linear_molecule_keeps_its_bends(shift, modes, said):
    springs = Springs()
    atoms = Atoms("OCO", [[-1.2, 0, 0], [0, shift, 0], [1.2, 0, 0]])
    with warnings.catch_warnings(record=True, action="always") as caught:
        results = run_vibrations(atoms, springs)["results"]
    assert results["frequencies"].shape == (modes,)
    assert [bool(re.search(said or "nothing", str(warning.message))) for warning in caught] == [True] * bool(said)
    if modes == 4:
        assert results["frequencies"][0] == pytest.approx(results["frequencies"][1], rel=0.02)
        assert results["imaginary"] == 0


class Springs(Calculator):
    """CO2 whose energy is harmonic in its bonds and in the sine of its angle: it is straight at its minimum."""

    implemented_properties = ("energy", "forces")

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)

        def energy(positions):
            one, two = positions[0] - positions[1], positions[2] - positions[1]
            lengths = np.linalg.norm(one), np.linalg.norm(two)
            bend = np.linalg.norm(one / lengths[0] + two / lengths[1])
            return 40 * sum((length - 1.2) ** 2 for length in lengths) + 2 * bend**2

        self.results = {"energy": energy(self.atoms.positions), "forces": np.zeros((3, 3))}
        for place in np.ndindex(3, 3):
            for sign in (1, -1):
                moved = self.atoms.positions.copy()
                moved[place] += sign * 1e-4
                self.results["forces"][place] -= sign * energy(moved) / 2e-4


class Magnetic(EMT):
    """EMT that reports a total magnetic moment, and counts its calculations."""

    implemented_properties = (*EMT.implemented_properties, "magmom")

    def __init__(self, moment):
        super().__init__()
        self.moment, self.calls = moment, 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["magmom"], self.calls = self.moment, self.calls + 1


def test_the_spin_is_that_of_the_computed_moment():
    o2 = molecule("O2")  # with moments of 1 on each atom
    assert run_vibrations(o2, EMT())["parameters"]["spin"] == 1
    assert run_vibrations(o2, Magnetic(0.02))["parameters"]["spin"] == 0
    assert run_vibrations(o2, Magnetic(2.0), spin=1)["parameters"]["spin"] == 1
    calculator = Magnetic(2.0)
    with pytest.raises(InputError, match="spin is 0, but the energy was computed with a magnetic moment of 2"):
        run_vibrations(o2, calculator, spin=0)
    assert calculator.calls == 1  # none of the displacements


def test_a_crystal_has_no_spin_of_its_own():
    assert run_vibrations(bulk("Cu"), EMT())["parameters"]["spin"] is None
    with pytest.raises(InputError, match="spin is 0.5, which only counts for a molecule"):
        run_vibrations(bulk("Cu"), EMT(), spin=0.5)


def test_atoms_that_are_held_do_not_vibrate():
    slab = fcc111("Cu", (2, 2, 2), vacuum=8)
    add_adsorbate(slab, "O", 1.2, "fcc")
    slab.set_constraint(FixAtoms(range(8)))
    free, chosen = run_vibrations(slab, EMT()), run_vibrations(slab, EMT(), indices=[8])
    assert free["results"]["frequencies"].shape == (3,)
    assert chosen["results"]["frequencies"] == pytest.approx(free["results"]["frequencies"])
    assert len(run_vibrations(slab, EMT(), indices=[0, 8])["results"]["frequencies"]) == 6


def test_what_is_on_disk():
    water = run_optimize(molecule("H2O"), EMT())["atoms"]
    result = run_vibrations(water, EMT())
    data = np.load(Path(result["dir_name"]) / "vib.npz")
    assert data["frequencies"] == pytest.approx(result["results"]["frequencies"])
    # modes are mass-weighted and orthonormal
    weighted = (data["modes"] * water.get_masses()[:, None] ** 0.5).reshape(3, 9)
    np.testing.assert_allclose(weighted @ weighted.T, np.eye(3), atol=1e-10)
    assert len((Path(result["dir_name"]) / "vib.log").read_text().splitlines()) == 4
    np.testing.assert_array_equal(result["atoms"].positions, water.positions)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"delta": 0}, "delta is 0"),
        ({"nfree": 3}, "Valid: 2, 4"),
        ({"indices": [0, 0]}, r"\[0, 0\]"),
        ({"indices": [5]}, "0 to 2"),
        ({"indices": []}, "No atom is free"),
        ({"spin": 0.3}, "spin is 0.3"),
    ],
)
def test_bad_arguments_are_refused_before_a_directory_is_made(arguments, said, results_dir):
    with pytest.raises(InputError, match=said):
        run_vibrations(molecule("H2O"), EMT(), **arguments)
    assert not results_dir.exists()
