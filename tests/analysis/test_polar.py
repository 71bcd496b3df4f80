"""The non-analytical correction, against a crystal whose phonons are known and against its formula."""

from functools import cache

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import make_supercell, sort

from adatom.analysis.phonons import as_phonopy, fit_phonons
from adatom.analysis.polar import check_polar
from adatom.atoms.displacements import make_displaced, make_undisplaced
from adatom.errors import InputError
from tests.analysis.rigid_ions import COULOMB, born_charges, forces, ionic_charges, optical_modes, rocksalt

TO_THZ = np.sqrt(units._e / units._amu) * 1e10 / (2 * np.pi) / 1e12
VACUUM = np.eye(3)  # the dielectric tensor of rigid ions
GAMMA = (0, 0, 0)


def phonons_of(atoms: Atoms, supercell, **options):
    displaced = make_displaced(atoms, supercell)
    return fit_phonons(atoms, supercell, displaced, [forces(each) for each in displaced], **options)


@cache
def salt(repeated: int, corrected: bool):
    """Phonons on the mesh of points where a supercell of 3 x 3 x 3 cells needs no correction."""
    atoms = rocksalt()
    tensors = {"born_charges": born_charges(atoms), "dielectric": VACUUM} if corrected else {}
    return phonons_of(atoms, [repeated] * 3, mesh=[3, 3, 3], **tensors)


def at_gamma(phonons) -> np.ndarray:
    """The frequencies at Γ along the path, in its order."""
    bands = phonons["bands"]
    return bands["frequencies"][np.abs(bands["qpoints"]).max(axis=1) < 1e-9]


def test_optical_modes_at_gamma_are_those_of_born_and_huang():
    transverse, longitudinal = optical_modes()
    for modes in at_gamma(salt(2, corrected=True)):
        assert modes == pytest.approx([0, 0, 0, transverse, transverse, longitudinal], abs=1e-3)
    plain = salt(2, corrected=False)
    for modes in at_gamma(plain):
        assert modes == pytest.approx([0, 0, 0, *[transverse] * 3], abs=1e-3)
    assert plain["born_charges"] is None
    assert plain["dielectric"] is None


def test_a_small_supercell_has_the_phonons_of_a_large_one():
    """Those at points that are exact there: all of the force but Coulomb's ends at the neighbours of an ion."""
    exact, found, plain = salt(3, corrected=False), salt(2, corrected=True), salt(2, corrected=False)
    at_point = [as_phonopy(each).run_qpoints([(0, 1 / 3, 1 / 3)]).frequencies[0] for each in (exact, found, plain)]
    assert at_point[1] == pytest.approx(at_point[0], abs=2e-3)
    assert at_point[0][-1] - at_point[2][-1] > 0.5
    for quantity in ("free_energy", "entropy", "heat_capacity"):
        values = [each["thermal_properties"][quantity] for each in (exact, found, plain)]
        assert np.abs(values[1] - values[0]).max() < 0.01 * np.abs(values[2] - values[0]).max()
    highest = [each["dos"]["frequencies"][each["dos"]["densities"] > 0].max() for each in (exact, found, plain)]
    assert highest[1] == pytest.approx(highest[0], abs=0.05)
    assert highest[0] - highest[2] > 0.5


def low() -> tuple[Atoms, np.ndarray, np.ndarray]:
    """A crystal without symmetry, with charges that are not symmetric."""
    atoms = rocksalt()
    atoms.positions[1] += 0.2, -0.1, 0.3
    atoms.set_cell(atoms.cell.array @ [[1, 0.03, 0], [0, 1.05, 0], [0.02, 0, 0.98]], scale_atoms=True)
    charge = np.array([[1.0, 0.3, -0.1], [0.0, 1.2, 0.2], [0.4, 0.1, 0.9]])
    return atoms, np.array([charge, -charge]), np.array([[2.0, 0.2, 0.1], [0.2, 3.0, -0.3], [0.1, -0.3, 2.5]])


def test_the_limit_along_the_path_is_the_formula():
    """D + 4π e²/V (q·Z)(q·Z)/(q·ε·q): X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), equation 60."""
    atoms, charges, tensor = low()
    residual = forces(make_undisplaced(atoms, [2, 2, 2]))
    options = {"residual_forces": residual, "mesh": [1, 1, 1], "ignore_imaginary": True}
    phonons = phonons_of(atoms, [2, 2, 2], born_charges=charges, dielectric=tensor, **options)
    bands, masses = phonons["bands"], np.repeat(atoms.get_masses(), 3)
    steps = np.diff(bands["distances"])
    matrix = as_phonopy({**phonons, "born_charges": None}).run_qpoints([GAMMA], with_dynamical_matrices=True)
    seen = []
    for place in np.flatnonzero(np.abs(bands["qpoints"]).max(axis=1) < 1e-9):
        before = place > 0 and steps[place - 1] > 0
        direction = bands["qpoints"][place - 1 if before else place + 1] @ phonons["primitive"].cell.reciprocal().array
        moved = np.einsum("a,kab->kb", direction, charges).ravel()
        term = 4 * np.pi * COULOMB / atoms.get_volume() * np.outer(moved, moved) / (direction @ tensor @ direction)
        squares = np.linalg.eigvalsh(matrix.dynamical_matrices[0].real + term / np.sqrt(np.outer(masses, masses)))
        expected = np.sign(squares) * np.sqrt(np.abs(squares)) * TO_THZ
        assert bands["frequencies"][place] == pytest.approx(expected, abs=1e-3)
        seen.append(expected[-1])
    assert len(seen) > 3
    assert np.ptp(seen) > 0.1


def tetragonal() -> Atoms:
    """Rocksalt, longer along z: there the longitudinal mode has another frequency than across."""
    atoms = rocksalt()
    atoms.set_cell(atoms.cell.array * [1, 1, 1.06], scale_atoms=True)
    return atoms


def left_handed(atoms: Atoms) -> Atoms:
    changed = atoms.copy()
    changed.set_cell(atoms.cell.array[[1, 0, 2]])
    return changed


def rotated(atoms: Atoms) -> Atoms:
    changed = atoms.copy()
    changed.rotate(40, (1, 2, 3), rotate_cell=True)
    return changed


CONVENTIONAL = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
DESCRIPTIONS = {
    "permuted": lambda atoms: atoms[::-1],
    "left_handed": left_handed,
    "rotated": rotated,
    "conventional": lambda atoms: sort(make_supercell(atoms, CONVENTIONAL)),
}


@cache
def described(description: str | None = None):
    atoms = DESCRIPTIONS[description](tetragonal()) if description else tetragonal()
    axes = np.eye(3)
    if description == "rotated":
        axes = np.linalg.solve(tetragonal().cell.array, atoms.cell.array)
    matrix = np.rint(2 * np.linalg.inv(CONVENTIONAL)) if description == "conventional" else 2 * np.eye(3)
    along = axes.T @ np.diag([1.0, 1.0, 1.4]) @ axes
    charges = ionic_charges(atoms)[:, None, None] * along
    return phonons_of(atoms, matrix.astype(int), born_charges=charges, dielectric=2 * along, mesh=[3, 3, 3])


@pytest.mark.parametrize("description", DESCRIPTIONS)
def test_description(description):
    found, expected = described(description), described()
    assert len(found["primitive"]) == 2
    assert found["bands"]["path"] == expected["bands"]["path"]
    for phonons in (found, expected):
        limits = np.unique(at_gamma(phonons)[:, 3:].round(3))
        assert len(limits) > 3
        assert limits == pytest.approx(np.unique(at_gamma(expected)[:, 3:].round(3)), abs=2e-3)
    assert found["bands"]["frequencies"].max() == pytest.approx(expected["bands"]["frequencies"].max(), abs=1e-3)
    for quantity in ("free_energy", "entropy"):
        one, other = (phonons["thermal_properties"][quantity] for phonons in (found, expected))
        assert one == pytest.approx(other, rel=1e-4, abs=1e-6)
    charges = {
        symbol: np.linalg.eigvalsh(charge)
        for symbol, charge in zip(found["primitive"].symbols, found["born_charges"], strict=True)
    }
    assert charges["Na"] == pytest.approx([1.0, 1.0, 1.4])
    assert charges["Cl"] == pytest.approx([-1.4, -1.0, -1.0])


SODIUM, CHLORINE = np.eye(3), -np.eye(3)


@pytest.mark.parametrize(
    ("charges", "tensor", "message"),
    [
        ([SODIUM, CHLORINE], None, "born_charges is given without dielectric"),
        (None, VACUUM, "dielectric is given without born_charges"),
        ([1, -1], VACUUM, r"born_charges has the shape \(2,\).*shape \(2, 3, 3\)"),
        ([SODIUM], VACUUM, r"born_charges has the shape \(1, 3, 3\)"),
        ([SODIUM, CHLORINE], 2.3, r"dielectric has the shape \(\)"),
        ("ab", VACUUM, "born_charges is 'ab'"),
        ([SODIUM, CHLORINE * np.nan], VACUUM, "is not finite"),
        ([SODIUM, CHLORINE], np.eye(3) + np.eye(3, k=1), "which is not symmetric"),
        ([SODIUM, CHLORINE], np.diag([2, 2, -2]), "the eigenvalue -2"),
        ([SODIUM, CHLORINE], np.diag([2, 2, 0.5]), "none below 1"),
        ([SODIUM, 0.7 * CHLORINE], VACUUM, "a component of 0.15 e, and the acoustic sum rule allows 0.1 e"),
        ([np.diag([1, 1, 2]), -np.diag([1, 1, 2])], VACUUM, "symmetry of the crystal changes born_charges by 0.667 e"),
    ],
)
def test_tensors_that_cannot_be(charges, tensor, message):
    with pytest.raises(InputError, match=message):
        check_polar(rocksalt(), charges, tensor)


def test_what_is_nearly_right_is_made_right():
    charges, tensor = check_polar(rocksalt(), [SODIUM, 0.9 * CHLORINE + 0.01 * np.eye(3, k=1)], 2 * VACUUM)
    assert charges == pytest.approx(np.array([SODIUM, CHLORINE]) * 0.95)
    assert tensor == pytest.approx(2 * VACUUM)
    assert check_polar(rocksalt(), None, None) is None
