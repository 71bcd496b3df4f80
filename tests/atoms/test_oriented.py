import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixBondLength

from adatom.atoms.oriented import oriented_crystal
from adatom.atoms.slabs import make_slabs
from adatom.errors import InputError


def displaced():
    atoms = bulk("Cu", a=3.75, cubic=True)
    atoms.symbols[0] = "Au"
    atoms.positions[2] += [0.1, 0.2, -0.1]
    return atoms


def left_handed():
    atoms = displaced()
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    return atoms


def in_plane(atoms):
    """Lengths of the first two cell vectors, and the angle of the lines that they lie on."""
    first, second, _ = atoms.cell.array
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    return *lengths, abs(first @ second) / np.prod(lengths)


@pytest.mark.parametrize("make", [lambda: bulk("Cu"), lambda: bulk("Cu", cubic=True), displaced, left_handed])
@pytest.mark.parametrize("width", [None, 6.0])
def test_it_is_the_crystal_in_the_cell_of_the_slab(make, width):
    atoms = make()
    atoms.set_tags(range(len(atoms)))
    atoms.calc = EMT()
    forces = atoms.get_forces()
    for slab in make_slabs(atoms, min_length_width=width):
        crystal = oriented_crystal(atoms, slab.info["in_plane"])
        np.testing.assert_allclose(in_plane(crystal), in_plane(slab), atol=1e-9)
        crystal.calc = EMT()
        assert crystal.get_potential_energy() / len(crystal) == pytest.approx(atoms.get_potential_energy() / len(atoms))
        np.testing.assert_allclose(crystal.get_forces(), forces[crystal.get_tags()], atol=1e-9)
        np.testing.assert_allclose(crystal.get_stress(), atoms.get_stress(), atol=1e-9)


def test_constraints_hold_the_images_too():
    atoms = displaced()
    atoms.set_tags([0, 0, 1, 0])
    atoms.set_constraint(FixAtoms([2]))
    crystal = oriented_crystal(atoms, [[3.75, 3.75, 0], [0, 0, 7.5]])
    assert len(crystal) == 8
    assert crystal.constraints[0].index.tolist() == np.flatnonzero(crystal.get_tags()).tolist()
    atoms.set_constraint(FixBondLength(0, 1))
    with pytest.raises(InputError, match="FixBondLengths, which does not hold"):
        oriented_crystal(atoms, [[3.75, 3.75, 0], [0, 0, 7.5]])
