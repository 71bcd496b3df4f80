import numpy as np
from ase.build import fcc111
from ase.constraints import FixAtoms

from adatom.calculators.bare import bare


def test_what_a_code_depends_on():
    slab = fcc111("Cu", (1, 1, 2), vacuum=5)
    slab.set_cell(slab.cell.array[[1, 0, 2]])
    slab.set_constraint(FixAtoms([0]))
    slab.set_masses([60, 70])
    slab.set_velocities(np.ones((2, 3)))
    slab.set_initial_charges([0.1, 0])
    slab.set_initial_magnetic_moments([1, -1])
    given = bare(slab)
    assert given.cell.handedness == 1 == -slab.cell.handedness
    assert np.array_equal(given.positions, slab.positions)
    assert np.array_equal(given.get_initial_charges(), [0.1, 0])
    assert np.array_equal(given.get_initial_magnetic_moments(), [1, -1])
    assert not given.constraints
    assert not {"tags", "masses", "momenta"} & given.arrays.keys()
    assert given.pbc.tolist() == [True, True, False]
    assert bare(slab, periodic=True).pbc.all()
