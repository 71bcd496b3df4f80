import copy
import gc
import pickle
import weakref
from copy import deepcopy

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from hypothesis import given
from hypothesis import strategies as st

from adatom.configs.columns import item_digest, pack, unpack


def computed(atoms: Atoms) -> Atoms:
    atoms.calc = EMT()
    atoms.calc = SinglePointCalculator(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    return atoms


def fixed() -> Atoms:
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.set_constraint(FixAtoms([1]))
    atoms.set_celldisp([0.1, 0.2, 0.3])
    return atoms


def with_arrays(value: float) -> Atoms:
    atoms = molecule("H2O")
    atoms.info["about"] = {"deep": [1, 2.5, "three"], "array": np.arange(3)}
    atoms.set_array("charges", np.full(3, value))
    atoms.set_array("labels", np.array(["O", "H1", "H2"]))
    return atoms


KINDS = {
    "plain": lambda: bulk("Cu"),
    "molecule": lambda: molecule("CH3OH"),
    "computed": lambda: computed(bulk("Cu", cubic=True)),
    "fixed": fixed,
    "arrays": lambda: with_arrays(0.5),
    "other arrays": lambda: with_arrays(1.5),
    "empty": Atoms,
}


def same(one: Atoms, other: Atoms) -> bool:
    assert one == other
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert array.dtype == other.arrays[name].dtype
        assert (array == other.arrays[name]).all()
    assert repr(one.info) == repr(other.info)
    assert [c.todict() for c in one.constraints] == [c.todict() for c in other.constraints]
    assert (one.get_celldisp() == other.get_celldisp()).all()
    assert (one.calc is None) == (other.calc is None)
    if one.calc:
        assert one.get_potential_energy() == other.get_potential_energy()
        assert (one.get_forces() == other.get_forces()).all()
    return True


@given(st.lists(st.sampled_from(sorted(KINDS)), max_size=6))
def test_what_is_unpacked_is_what_was_packed(kinds):
    given = [KINDS[kind]() for kind in kinds]
    found = unpack(pack(given))
    assert len(found) == len(given)
    assert all(map(same, given, found))
    assert [item_digest(atoms) for atoms in found] == [item_digest(atoms) for atoms in given]


def test_a_structure_that_is_given_twice_becomes_two():
    atoms = with_arrays(0.5)
    one, other = unpack(pack([atoms, atoms]))
    one.info["about"]["deep"].append("more")
    one.positions += 1
    assert same(other, atoms)


@pytest.mark.parametrize("kind", KINDS)
def test_structures_that_were_unpacked_can_be_changed_as_any(kind):
    [atoms] = unpack(pack([KINDS[kind]()]))
    reference = KINDS[kind]()
    for each in (atoms, reference):
        each.set_cell([5, 6, 7])
        each.pbc = True
        each.positions += 0.5
        each.set_array("new", np.arange(len(each)))
        each.calc = None
        each.extend(Atoms("Ag"))
    assert same(atoms, reference)
    assert same(copy.deepcopy(atoms), reference)


def test_vars_of_a_structure_are_those_of_ase():
    assert vars(unpack(pack([bulk("Cu")]))[0]).keys() == vars(bulk("Cu")).keys()


def test_a_live_calculator_travels():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    [found] = unpack(pack([atoms]))
    assert found.get_potential_energy() == pytest.approx(-0.0056815, abs=1e-6)


def test_results_of_another_structure_stay_what_they_are():
    atoms = computed(bulk("Cu", cubic=True))
    atoms.rattle(0.1)  # now the results are of another structure
    [found] = unpack(pack([atoms]))
    assert found.calc.check_state(found)


@pytest.mark.parametrize("items", [["CCO", "O"], [1, 2], [[bulk("Cu"), bulk("Ag")], [bulk("Ni")]], []])
def test_anything_else_travels_too(items):
    assert unpack(pack(items)) == items


@pytest.mark.parametrize(
    "change",
    [
        lambda atoms: atoms.positions.__setitem__((0, 0), 1e-9),
        lambda atoms: atoms.info.update(more=1),
        lambda atoms: atoms.set_pbc([True, True, False]),
        lambda atoms: atoms.set_constraint(FixAtoms([0])),
        lambda atoms: atoms.set_tags([7]),
        lambda atoms: atoms.symbols.__setitem__(0, "Ag"),
        lambda atoms: setattr(atoms, "calc", SinglePointCalculator(atoms, energy=1.0)),
    ],
)
def test_a_digest_tells_what_changed(change):
    atoms = bulk("Cu")
    before = item_digest(atoms)
    assert item_digest(bulk("Cu")) == before
    change(atoms)
    assert item_digest(atoms) != before


def test_a_digest_tells_numbers_of_other_kinds_apart():
    assert len({item_digest(item) for item in (1, 1.0, "1", [1], (1,), True, None, np.arange(2), [0, 1])}) == 9


def test_the_class_of_a_structure_is_kept():
    class Mine(Atoms):
        pass

    [found] = unpack(pack([Mine("H")]))
    assert type(found) is Mine


def test_a_structure_that_nobody_needs_is_forgotten_at_once():
    """ASE's own SinglePointCalculator holds itself, and waits for Python to look for it."""
    [found] = unpack(pack([computed(bulk("Cu", cubic=True))]))
    left = weakref.ref(found.calc)
    with pytest.warns(FutureWarning, match="does not implement get_spin_polarized"):
        assert found.calc.get_spin_polarized() is False
    for copied in (deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert copied.calc.results["energy"] == found.calc.results["energy"]
        assert vars(copied.calc).keys() == vars(found.calc).keys()
    gc.disable()
    try:
        del found
        assert left() is None
    finally:
        gc.enable()
