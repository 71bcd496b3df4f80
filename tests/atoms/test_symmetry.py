import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from adatom.atoms.symmetry import point_group
from adatom.errors import InputError


@pytest.mark.parametrize(
    ("crystal", "order"),
    [
        (bulk("Cu"), 48),
        (bulk("Cu", cubic=True), 48),
        (bulk("Cu", cubic=True) * (2, 1, 1), 48),  # what the supercell hides is there
        (bulk("Zn"), 24),
        (bulk("ZnS", "zincblende", a=5.41), 24),
        (Atoms("Cu", cell=[3, 4, 5], pbc=True), 8),
    ],
)
def test_rotations_bring_the_crystal_to_itself(crystal, order):
    crystal.rotate(37, (1, 2, 3), rotate_cell=True)
    rotations = point_group(crystal)
    assert len(rotations) == order
    np.testing.assert_allclose(rotations @ rotations.swapaxes(1, 2), np.tile(np.eye(3), (order, 1, 1)), atol=1e-9)
    lattice = crystal.cell.array if len(crystal) < 3 else bulk("Cu", cubic=True).cell.array
    if len(crystal) < 3:
        for rotation in rotations:
            fractional = np.linalg.solve(lattice.T, (lattice @ rotation.T).T)
            np.testing.assert_allclose(fractional, fractional.round(), atol=1e-9)


def test_magnetic_moments_and_masses_count():
    crystal = bulk("Fe", cubic=True)
    assert len(point_group(crystal)) == 48
    layers = crystal * (1, 1, 2)
    layers.set_initial_magnetic_moments([2, 2, -2, -2])
    assert len(point_group(layers)) == 16
    layers.set_initial_magnetic_moments([2, 2, 2, 2])
    assert len(point_group(layers)) == 48
    layers.set_masses([55.8, 55.8, 57, 57])
    assert len(point_group(layers)) == 16


def test_atoms_at_one_place_are_refused():
    with pytest.raises(InputError, match="no symmetry"):
        point_group(Atoms("Cu2", positions=[[0, 0, 0]] * 2, cell=[3] * 3, pbc=True))
