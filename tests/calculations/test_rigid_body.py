import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from adatom.calculations.rigid_body import rigid_motions


def bent(degrees):
    angle = np.radians(degrees)
    return Atoms("OCO", positions=[[-1.16, 0, 0], [0, 0, 0], [1.16 * np.cos(angle), 1.16 * np.sin(angle), 0]])


@pytest.mark.parametrize(
    ("atoms", "count"),
    [
        (Atoms("Ar"), 3),
        (molecule("N2"), 5),
        (molecule("C2H2"), 5),
        (molecule("H2O"), 6),
        (molecule("CH4"), 6),
        (bent(0.001), 5),
        (bent(2), 5),  # 0.027 Å from a line
        (bent(20), 6),  # 0.13 Å
    ],
)
def test_count(atoms, count):
    atoms.rotate(40, (1, 2, 3))  # linear along no axis
    basis = rigid_motions(atoms)
    assert basis.shape == (3 * len(atoms), count)
    np.testing.assert_allclose(basis.T @ basis, np.eye(count), atol=1e-12)


def test_a_small_rotation_is_in_the_span():
    atoms = molecule("H2O")
    turned = atoms.copy()
    turned.rotate(1e-4, (1, 2, 3), center="COM")
    motion = (np.sqrt(atoms.get_masses())[:, None] * (turned.positions - atoms.positions)).ravel()
    basis = rigid_motions(atoms)
    np.testing.assert_allclose(basis @ (basis.T @ motion), motion, atol=1e-10)
    without = rigid_motions(atoms, rotations=False)
    assert np.linalg.norm(without.T @ motion) < 1e-10
