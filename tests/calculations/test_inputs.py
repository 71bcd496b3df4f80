import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms

from adatom.calculations.inputs import differences, fingerprint


def test_the_same_inputs_have_the_same_texts():
    def inputs():
        atoms = bulk("Cu") * (2, 1, 1)
        atoms.set_constraint(FixAtoms([0]))
        given = {"kpts": (2, 2, 2), "width": np.float64(0.1), "object": object(), "friction": np.ones(2), "none": None}
        return fingerprint(atoms, kwargs=given, empty={})

    assert inputs() == inputs()
    assert differences(inputs(), inputs()) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda atoms: atoms.set_positions([[1e-12, 0, 0]]), "positions"),
        (lambda atoms: atoms.set_cell([4, 4, 4]), "cell"),
        (lambda atoms: atoms.set_pbc([True, False, False]), "pbc"),
        (lambda atoms: atoms.set_atomic_numbers([47]), "numbers"),
        (lambda atoms: atoms.set_masses([60.0]), "masses"),
        (lambda atoms: atoms.set_initial_magnetic_moments([1.0]), "initial_magmoms"),
        (lambda atoms: atoms.set_constraint(FixAtoms([0])), "constraints"),
    ],
)
def test_another_structure_differs_by_name(change, name):
    atoms, other = Atoms("Cu"), Atoms("Cu")
    change(other)
    (said,) = differences(fingerprint(atoms), fingerprint(other))
    assert said.startswith(f"structure.{name} is ")


def test_values_are_shown_where_they_are_short():
    before = fingerprint(bulk("Cu"), a={"b": {"c": 1, "long": "x" * 100}}, only={"here": 1})
    now = fingerprint(bulk("Cu"), a={"b": {"c": "two", "long": "y" * 100}}, array=np.ones(2))
    assert differences(before, now) == [
        'a.b.c is "two", not 1',
        "a.b.long is another",
        "array is another",
        "only.here is unset, not 1",
    ]
