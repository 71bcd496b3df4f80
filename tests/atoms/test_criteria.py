import copy
import pickle

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from ase.data import atomic_numbers, covalent_radii
from hypothesis import given
from hypothesis import strategies as st

from adatom.atoms.criteria import ForcesAbove, TemperatureAbove, TooClose
from adatom.errors import InputError


@given(
    st.sampled_from(["H", "O", "Cu", "Cs"]),
    st.sampled_from(["H", "O", "Cu", "Cs"]),
    st.floats(0.2, 1.5),
    st.sampled_from([0.99, 1.01]),
)
def test_atoms_are_too_close_below_a_part_of_their_radii(first, second, fraction, factor):
    bond = sum(covalent_radii[atomic_numbers[symbol]] for symbol in (first, second))
    pair = Atoms([first, second], [[0, 0, 0], [0, 0, factor * fraction * bond]])
    # Nothing else tells whether they are: one atom of the pair, alone, never is.
    assert (TooClose(fraction)(pair), TooClose(fraction)(pair[:1])) == (factor < 1, False)


def test_images_are_neighbours_too():
    atom = bulk("Cu")  # 2.55 Å from its images, of a sum of radii of 2.64 Å
    assert (TooClose(0.9)(atom), TooClose(1.0)(atom)) == (False, True)
    atom.pbc = False
    assert not TooClose(1.0)(atom)


def test_the_temperature_is_that_of_the_velocities():
    atoms = bulk("Cu", cubic=True)
    assert not TemperatureAbove(1)(atoms)  # at rest
    atoms.set_velocities(np.full((4, 3), np.sqrt(units.kB * 500 / atoms.get_masses()[0])))
    assert (TemperatureAbove(499)(atoms), TemperatureAbove(501)(atoms)) == (True, False)


def test_forces_are_lengths_of_vectors_and_held_atoms_do_not_count():
    atoms = Atoms("Cu2", [[0, 0, 0], [2, 0, 0]])
    atoms.calc = SinglePointCalculator(atoms, energy=0.0, forces=[[3, 4, 0], [0, 0, 1]])
    assert (ForcesAbove(4.9)(atoms), ForcesAbove(5.1)(atoms)) == (True, False)
    atoms.set_constraint(FixAtoms([0]))
    assert (ForcesAbove(4.9)(atoms), ForcesAbove(0.9)(atoms)) == (False, True)


def test_criteria_are_plain_values():
    for criterion in (TooClose(), TemperatureAbove(300), ForcesAbove(10)):
        assert pickle.loads(pickle.dumps(criterion)) == copy.deepcopy(criterion) == criterion
    assert repr(TemperatureAbove(300)) == "TemperatureAbove(limit=300)"


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), True, "3", None, EMT])
def test_limits_are_numbers_above_zero(value):
    for criterion, name in ((TooClose, "fraction"), (TemperatureAbove, "limit"), (ForcesAbove, "limit")):
        with pytest.raises(InputError, match=rf"{criterion.__name__}\({name}=.*give a number above 0"):
            criterion(value)
