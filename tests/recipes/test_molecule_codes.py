"""Codes for molecules that run here: MOPAC, NWChem, PySCF and Psi4."""

import stat
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from adatom import JobFailure, Remove, change_settings
from adatom.calculations import run_static
from adatom.calculators.spin import with_state
from adatom.errors import InputError, ProgramError
from adatom.recipes import mopac, nwchem, psi4, pyscf
from tests.codes import provide_code

TIGHT = {"grid": "fine", "convergence": {"energy": 1e-9, "density": 1e-7, "gradient": 1e-6}}
SETTINGS = {
    mopac: {},
    nwchem: {"xc": "pbe", "basis": "3-21G", "dft": TIGHT},
    pyscf: {"xc": "pbe", "basis": "3-21g", "grid_response": True},
    psi4: {"method": "pbe", "basis": "3-21g", "options": {"scf_type": "pk", "dft_radial_points": 99}},
}
FORCES = {mopac: 1e-3, nwchem: 2e-3, pyscf: 5e-4, psi4: 2e-3}  # eV/Å; two leave out how the grid moves with the atoms


def short(module):
    return module.__name__.rpartition(".")[2]


SLOW = pytest.mark.deep(reason="seconds for each energy")


@pytest.fixture(params=[*(c for c in SETTINGS if c is not psi4), pytest.param(psi4, marks=SLOW)], ids=short)
def code(request):
    provide_code(short(request.param))
    return request.param


@pytest.fixture
def programs():
    for module in SETTINGS:
        provide_code(short(module))


def static(code, atoms, **more):
    return code.static_job(atoms, calc_kwargs={**SETTINGS[code], **more})


def bent(**kwargs):
    water = molecule("H2O", **kwargs)
    water.positions[1] += (0.02, 0.05, -0.03)
    return water


def test_forces_are_the_derivative_of_the_energy(code):
    forces, step = static(code, bent())["results"]["forces"], 0.005
    for atom, axis in ((0, 2), (1, 1)):
        energies = []
        for sign in (1, -1):
            moved = bent()
            moved.positions[atom, axis] += sign * step
            energies.append(static(code, moved)["results"]["energy"])
        assert forces[atom, axis] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=FORCES[code])


@pytest.mark.parametrize(
    "code",
    [mopac, *(pytest.param(code, marks=pytest.mark.deep(reason="a minute")) for code in (nwchem, psi4)), pyscf],
    ids=short,
)
def test_relaxed_water_has_three_vibrations(code):
    provide_code(short(code))
    water = code.relax_job(molecule("H2O"), fmax=0.005, calc_kwargs=SETTINGS[code])
    assert water["atoms"].get_distance(0, 1) == pytest.approx(0.97, abs=0.04)  # Å
    assert water["atoms"].get_angle(1, 0, 2) == pytest.approx(105, abs=4)
    frequencies = code.freq_job(water["atoms"], calc_kwargs=SETTINGS[code])["results"]["frequencies"]
    assert frequencies == pytest.approx([1600, 3500, 3600], rel=0.25)  # cm⁻¹; measured: 1595, 3657, 3756


@pytest.mark.parametrize(
    ("name", "state"),
    [("H2O", {}), ("OH", {"multiplicity": 2}), ("O2", {"multiplicity": 3}), ("NH3", {}), ("OH", {"charge": -1})],
)
def test_codes_agree(programs, name, state):
    atoms = molecule(name)
    if state.get("charge"):
        atoms.set_initial_magnetic_moments(None)  # those of the radical
    one, other, third = (static(code, atoms, **state)["results"] for code in (nwchem, pyscf, psi4))
    for found in (other, third):
        assert one["energy"] == pytest.approx(found["energy"], abs=1e-4)  # eV
        assert one["forces"] == pytest.approx(found["forces"], abs=2e-3)  # eV/Å
    if not state.get("charge"):
        assert one["dipole"] == pytest.approx(other["dipole"], abs=1e-3)  # e Å


def test_a_state_is_given_by_numbers_or_by_the_atoms(code):
    """The charge and the spin of O2⁻ and of the triplet, in the words of `calc_kwargs` or as the atoms carry them."""
    plain = Atoms("O2", positions=[(0, 0, 0), (0, 0, 1.25)])
    carbene = molecule("CH2_s1A1d")
    for state, charges, moments in (
        ({"multiplicity": 3}, None, (1, 1)),
        ({"charge": -1, "multiplicity": 2}, (-0.5, -0.5), (0.5, 0.5)),
    ):
        carried = plain.copy()
        carried.set_initial_charges(charges)
        carried.set_initial_magnetic_moments(moments)
        by_atoms, by_numbers = static(code, carried), static(code, plain, **state)
        assert by_atoms["results"]["energy"] == pytest.approx(by_numbers["results"]["energy"], abs=1e-5)
    singlet, triplet = (static(code, carbene, multiplicity=one)["results"]["energy"] for one in (1, 3))
    assert abs(singlet - triplet) > 0.1  # eV


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"multiplicity": 2}, "10 electrons, and the multiplicity is 2. Possible multiplicities: 1, 3, 5"),
        ({"charge": 1, "multiplicity": 1}, "9 electrons, and the multiplicity is 1"),
        ({"charge": 0.5}, "The charge is 0.5. Give a whole number"),
    ],
)
def test_states_that_cannot_be_are_refused(code, state, message):
    with pytest.raises(JobFailure, match=message):
        static(code, molecule("H2O"), **state)


@pytest.mark.parametrize(
    ("code", "atoms", "arguments", "message"),
    [
        (mopac, molecule("H2O"), {"method": "PM9"}, "Unknown method of MOPAC 'PM9'. Did you mean 'PM7'"),
        (mopac, molecule("H2O"), {"methd": "PM7"}, "Unknown argument of MOPAC 'methd'. Did you mean 'method'"),
        (mopac, Atoms("Gd"), {}, "MOPAC has no parameters for Gd"),
        (mopac, Atoms("Mn"), {"multiplicity": 6}, "The multiplicity is above 5"),
        (pyscf, molecule("H2O"), {"base": "3-21g"}, "Unknown argument of PySCF 'base'. Did you mean 'basis'"),
        (pyscf, bulk("Cu"), {}, "periodic along .*are for molecules"),
        (mopac, bulk("Si"), {"relax_cell": True}, "stress"),
    ],
)
def test_bad_input_is_refused(programs, code, atoms, arguments, message):
    relax = {"relax_cell": arguments.pop("relax_cell")} if "relax_cell" in arguments else {}
    with pytest.raises(JobFailure, match=message):
        (code.relax_job if relax else code.static_job)(atoms, calc_kwargs=arguments, **relax)


@pytest.mark.parametrize(
    ("code", "arguments", "message"),
    [
        (mopac, {"task": "1SCF GRADIENTS ITRY=2"}, "ConvergenceError: The SCF of mopac did not converge. Add PULAY"),
        (mopac, {"task": "1SCF GRADIENTS PULAI"}, r"(?s)ProgramError: mopac ended without.*UNRECOGNIZED.*\(PULAI\)"),
        (nwchem, {"dft": {"iterations": 2}}, "ConvergenceError: The SCF of nwchem did not converge.*'iterations': 200"),
        (nwchem, {"basis": "3-22G"}, r"(?s)ProgramError: nwchem ended with exit status.*3-22g"),
        (psi4, {"basis": "3-22G"}, "(?s)ProgramError: psi4 raised BasisSetNotFound.*3-22G"),
        (psi4, {"method": "pbx"}, "ProgramError: psi4 raised ValidationError: .*Did you mean"),
        (pyscf, {"max_cycle": 2}, "ConvergenceError: The SCF of PySCF did not converge in 2 cycles"),
    ],
)
def test_a_failure_says_why_and_keeps_its_files(programs, code, arguments, message):
    with pytest.raises(JobFailure, match=message) as caught:
        static(code, molecule("H2O"), **arguments)
    if code is not pyscf:
        assert list(Path(caught.value.failure.directory).glob(f"{short(code)}.*"))


@pytest.mark.parametrize("code", [mopac, nwchem], ids=short)
def test_a_program_that_is_not_there_is_told_before_the_run(code):
    name = short(code)
    with (
        change_settings(commands={name: f"/nowhere/{name}"}),
        pytest.raises(InputError, match=f"(?s)/nowhere/{name} is not there.*ADATOM_COMMANDS__.*apt-get install"),
    ):
        getattr(code, name).calculator(molecule("H2O"))


def test_a_program_that_dies_is_told(tmp_path):
    program = tmp_path / "mopac"
    program.write_text("#!/bin/sh\necho about to die\nkill -9 $$\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with (
        change_settings(commands={"mopac": str(program)}),
        pytest.raises(ProgramError, match="(?s)mopac was killed by SIGKILL.*about to die"),
    ):
        run_static(molecule("H2O"), mopac.mopac.calculator(molecule("H2O")))


def test_the_input_follows_the_structure(code):
    """A turned molecule has the same energy, and its vectors turn with it."""
    water, turned = bent(), bent()
    turned.rotate(35, (1, 2, 3))
    one, other = static(code, water)["results"], static(code, turned)["results"]
    assert other["energy"] == pytest.approx(one["energy"], abs=2e-4)
    water.arrays["forces"] = one["forces"]
    by_hand = Atoms("H3", positions=one["forces"])
    by_hand.rotate(35, (1, 2, 3))
    assert other["forces"] == pytest.approx(by_hand.positions, abs=5e-3)


def test_a_crystal_of_mopac_has_the_cell():
    provide_code("mopac")
    diamond = bulk("C", cubic=True) * (1, 1, 2)
    with pytest.raises(JobFailure, match="translation vectors are unreasonably small"):
        static(mopac, diamond)
    kwargs = {"task": "1SCF GRADIENTS GEO-OK"}
    bound = static(mopac, diamond, **kwargs)["results"]["energy"]
    diamond.pbc = False
    assert static(mopac, diamond, **kwargs)["results"]["energy"] > bound + 10  # eV: surfaces cost that at least


def test_state_of_a_copy():
    water = molecule("H2O", magmoms=[0, 1, 1])
    given = with_state(water, 1, 2)
    assert given.get_initial_charges().sum() == 1
    assert given.get_initial_magnetic_moments().sum() == 1
    assert np.array_equal(water.get_initial_magnetic_moments(), [0, 1, 1])
    assert with_state(water, None, None).get_initial_magnetic_moments().sum() == 2


def test_a_parameter_can_be_removed():
    provide_code("mopac")
    assert static(mopac, molecule("H2O"), relscf=Remove)["results"]["energy"] == pytest.approx(-2.5019, abs=2e-4)
