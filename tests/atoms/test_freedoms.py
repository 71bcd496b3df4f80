import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.constraints import (
    FixAtoms,
    FixBondLengths,
    FixCartesian,
    FixCom,
    FixedLine,
    FixedPlane,
    FixLinearTriatomic,
    FixSymmetry,
    Hookean,
)

from adatom.atoms.freedoms import Freedoms

EVERY = range(3)


@pytest.mark.parametrize(
    ("constraints", "whole", "count"),
    [
        ([], 3, 6),
        ([FixAtoms([0])], 0, 6),
        ([FixCartesian([0], [True, False, False])], 2, 6),
        ([FixCartesian(EVERY, [False, False, True])], 2, 4),
        ([FixedPlane(EVERY, [1, 1, 1])], 2, 4),
        ([FixedLine(EVERY, [1, 2, 3])], 1, 2),
        ([FixBondLengths([(0, 1), (0, 2)])], 3, 4),
        ([FixBondLengths([(0, 1)]), FixAtoms([2])], 0, 5),
        ([FixCom()], 0, 6),
        ([FixAtoms([0]), FixAtoms([0, 1])], 0, 3),
        ([FixAtoms([0]), FixCartesian([0, 1], [True, False, True])], 0, 4),
        ([FixCartesian([0], [True, False, False]), FixedLine([0], [0, 0, 1])], 1, 6),
        ([FixedPlane([0], [1, 1, 0]), FixedPlane([0], [0, 1, 1])], 1, 6),
        ([FixAtoms([0]), FixBondLengths([(0, 1)])], 0, 5),
        ([Hookean(0, 1, 5.0, rt=1.2)], 3, 6),
    ],
)
def test_freedoms_of_water(constraints, whole, count):
    """What moves as a whole is no freedom, along the directions in which the constraints let it."""
    water = molecule("H2O")
    water.set_constraint(constraints)
    assert Freedoms(water, "Bussi").count == count
    assert Freedoms(water, "Langevin").count == count + whole  # friction and noise act on the centre of mass


def test_a_rigid_linear_molecule_rotates_only():
    gas = molecule("CO2")
    gas.set_constraint(FixLinearTriatomic([(1, 0, 2)]))
    assert Freedoms(gas, "VelocityVerlet").count == 2


def test_a_single_atom_has_no_other_motion():
    assert Freedoms(Atoms("Cu"), "VelocityVerlet").count == 3


def test_a_constraint_that_cannot_count_says_so():
    copper = bulk("Cu")
    copper.set_constraint(FixSymmetry(copper))
    with pytest.raises(NotImplementedError):
        Freedoms(copper, "Bussi")


@pytest.mark.parametrize("constraint", [None, FixedPlane(EVERY, [1, 1, 1])])
def test_motion_as_a_whole_is_not_hot(constraint):
    water = molecule("H2O")
    water.set_constraint(constraint)
    water.set_momenta(np.random.default_rng(1).normal(size=(3, 3)))
    freedoms, momenta = Freedoms(water, "VelocityVerlet"), water.get_momenta()
    along = np.array([1.0, -1.0, 0.0])  # in the plane
    faster = momenta + water.get_masses()[:, None] * along
    assert freedoms.temperature(faster) == pytest.approx(freedoms.temperature(momenta))
    at_rest = faster - freedoms.drift(faster)
    energy = (at_rest**2).sum(axis=1) @ (0.5 / water.get_masses())
    assert freedoms.kinetic_energy(faster) == pytest.approx(energy)
    assert freedoms.temperature(faster) == pytest.approx(2 * energy / freedoms.count / units.kB)
    np.testing.assert_allclose(at_rest.sum(axis=0) @ along, 0, atol=1e-10)
