import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from adatom.atoms.equivalence import species_labels


def test_elements_masses_and_moments_count():
    atoms = Atoms("HOHH", masses=[1.008, 15.999, 2.014, 1.008])
    assert species_labels(atoms).tolist() == [0, 2, 1, 0]
    iron = bulk("Fe", cubic=True) * (2, 1, 1)
    assert set(species_labels(iron)) == {0}
    iron.set_initial_magnetic_moments([2.2, 2.2, -2.2, 2.2])
    assert species_labels(iron).tolist() == [1, 1, 0, 1]
    assert set(species_labels(iron, moments=False)) == {0}


def test_nothing_else_counts():
    iron = bulk("Fe", cubic=True)
    iron.set_initial_charges([1, 0])
    iron.set_tags([0, 1])
    iron.rattle(0.1)
    assert set(species_labels(iron)) == {0}


def test_moments_may_be_vectors():
    iron = Atoms("Fe4", magmoms=[[0, 0, 1], [0, 1, 0], [0, 0, 1], [0, 0, -1]])
    assert species_labels(iron).tolist() == [1, 2, 1, 0]


@pytest.mark.parametrize("moment", [2.2, 2.0005, 0.0, -1e-9])
def test_noise_of_a_calculation_does_not_count(moment):
    """Rounding would part values that lie beside a rounded value's border."""
    iron = bulk("Fe") * (3, 3, 3)
    iron.set_initial_magnetic_moments(moment + np.random.default_rng(0).uniform(-4e-4, 4e-4, len(iron)))
    assert set(species_labels(iron)) == {0}
    assert set(species_labels(iron, tolerance=1e-8)) == set(range(27))


def test_a_structure_without_atoms():
    assert len(species_labels(Atoms())) == 0
