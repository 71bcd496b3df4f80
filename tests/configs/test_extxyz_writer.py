"""Extended XYZ that is written is read back equal by ASE and by adatom, or it is refused by name."""

import datetime
import string
import warnings
from io import StringIO

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLength, FixCartesian
from ase.io.extxyz import read_xyz, write_xyz
from ase.spacegroup import crystal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from adatom.configs.blocks import Block, encode
from adatom.configs.extxyz import read_frame, split_frames
from adatom.configs.extxyz_writer import check_options, frame_text
from adatom.errors import InputError
from tests.configs.test_extxyz import STRUCTURES, same


def by_ase(text):
    [found] = read_xyz(StringIO(text), slice(None))
    return found


def by_us(text):
    [found] = [read_frame(lines) for lines in split_frames(StringIO(text))]
    return found


def text_of_ase(atoms):
    file = StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a value is skipped
        write_xyz(file, [atoms])
    return file.getvalue()


def equal(one, other):
    """That two values are equal; tuples, lists and arrays with the same elements are, and numbers of any width."""
    if isinstance(one, dict):
        return type(other) is dict and list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray) and not one.ndim:
        return equal(one[()], other)
    if isinstance(one, list | tuple | np.ndarray):
        if not isinstance(other, list | tuple | np.ndarray):
            return False
        rows = [each.tolist() if isinstance(each, np.ndarray) else each for each in (one, other)]
        return len(one) == len(other) and all(map(equal, *rows))
    if one is None or isinstance(one, str):
        return type(other) is (str if isinstance(one, str) else type(None)) and one == other
    logical = [isinstance(each, bool | np.bool_) for each in (one, other)]
    return logical[0] == logical[1] and bool(one == other or (one != one and other != other))


def moves(atoms):
    free = np.ones((len(atoms), 3), bool)
    for constraint in atoms.constraints:
        free[constraint.index] &= ~constraint.mask if isinstance(constraint, FixCartesian) else False
    return free.tolist()


def check_equal(found, atoms):
    for name in ("numbers", "pbc"):
        assert getattr(found, name).tolist() == getattr(atoms, name).tolist()
    assert equal(atoms.cell.array, found.cell.array)
    assert moves(found) == moves(atoms)
    results = [each.calc.results if each.calc else {} for each in (atoms, found)]
    for ours, read in ((atoms.arrays, found.arrays), (atoms.info, found.info), results):
        assert ours.keys() == read.keys()
        for key, value in ours.items():
            assert equal(value, read[key]), (key, value, read[key])
    assert {key: array.shape for key, array in found.arrays.items()} == {
        key: array.shape for key, array in atoms.arrays.items()
    }


def ase_holds(atoms):
    try:
        check_equal(by_ase(text_of_ase(atoms)), atoms)
    except Exception:  # it is not written, not read, or not equal
        return False
    return True


def computed(atoms, **results):
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


SIGNS = string.ascii_letters + string.digits + " .,+-=\"'{}[]\\_:\n\r\t\0Å"
TEXTS = st.text(SIGNS, max_size=6) | st.text(max_size=3)
KEYS = TEXTS | st.sampled_from(["energy", "pbc", "uid", "virial", "stress", "forces", "T", "5", "note", "Properties"])
SCALARS = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.complex_numbers(), st.dates(),
    st.binary(max_size=2), st.floats(width=32).map(np.float32), st.integers(-9, 9).map(np.int8),
    st.sampled_from(["5", "T", "", "nan", "1_0", "_JSON 1", "None", "\\", "a\\", '"', "a b\\"]),
)  # fmt: skip
DTYPES = st.sampled_from([float, np.float32, int, np.int32, bool, np.uint8, np.uint64, complex, "U3", "S2", "M8[s]"])
ARRAYS = DTYPES.flatmap(lambda kind: arrays_of.arrays(kind, arrays_of.array_shapes(min_dims=0, max_dims=3, max_side=3)))
VALUES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(KEYS | st.integers(), inner, max_size=2)
        | st.sets(st.integers(), max_size=1)
    ),
    max_leaves=5,
)
NAMES = KEYS | st.sampled_from(["tags", "masses", "initial_charges", "pos0", "charge", "move_mask", "a b", "Z", "x"])
NUMBERS = st.floats(allow_nan=False)


@st.composite
def structures(draw):
    count = draw(st.integers(0, 3))
    symbols = draw(st.lists(st.integers(0, 118), min_size=count, max_size=count))
    positions = draw(arrays_of.arrays(float, (count, 3), elements=NUMBERS))
    atoms = Atoms(symbols, positions, pbc=draw(st.tuples(*[st.booleans()] * 3)))
    atoms.info = draw(st.dictionaries(KEYS, VALUES, max_size=3))
    if draw(st.booleans()):
        atoms.cell = draw(arrays_of.arrays(float, (3, 3), elements=NUMBERS))
    for name in draw(st.lists(NAMES, max_size=2)):
        more = draw(st.just(()) | arrays_of.array_shapes(min_dims=0, max_dims=2, max_side=3))
        atoms.arrays[name] = draw(arrays_of.arrays(draw(DTYPES), (count, *more)))
    constraints = [FixAtoms([0]), FixCartesian([count - 1], [True, False, True]), FixBondLength(0, 1)]
    atoms.set_constraint(draw(st.lists(st.sampled_from(constraints), max_size=2)) if count > 1 else [])
    results = {
        "energy": st.floats() | st.floats(width=32).map(np.float32),
        "stress": arrays_of.arrays(float, (6,)),
        "forces": arrays_of.arrays(float, (count, 3)),
        "born_effective_charges": arrays_of.arrays(float, (count, 3, 3)),
        "dipole": arrays_of.arrays(float, (3,)),
    }
    names = draw(st.lists(st.sampled_from(list(results)), unique=True, max_size=3))
    return computed(atoms, **{name: draw(results[name]) for name in names}) if names else atoms


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(structures())
def test_any_structure_is_read_back_equal_or_refused(atoms):
    try:
        text = frame_text(atoms)
    except InputError:
        # Without atoms there are no rows, which tell ASE what it cannot hold: it reads any array back empty. A column
        # without a name it reads back if the array has several.
        assert not (len(atoms) and all(atoms.arrays) and ase_holds(atoms))
        return
    check_equal(by_ase(text), atoms)
    check_equal(by_us(text), atoms)
    assert not ase_holds(atoms) or text == text_of_ase(atoms)


@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(structures())
def test_any_structure_is_stored_or_refused(atoms):
    try:
        data = encode([atoms])
    except InputError:
        return
    [found] = Block(data)
    assert repr(found.info) == repr(atoms.info)
    assert [repr(each.todict()) for each in found.constraints] == [repr(each.todict()) for each in atoms.constraints]
    assert repr(found.arrays) == repr(atoms.arrays)
    assert repr(found.calc.results if found.calc else {}) == repr(atoms.calc.results if atoms.calc else {})


@pytest.mark.parametrize("name", [name for name in STRUCTURES if not name.startswith("fixed")])
def test_usual_structures_are_written_as_ase_writes_them(name):
    atoms = STRUCTURES[name].copy()
    for key in ("nothing", "large", "comma", "back"):
        atoms.info.pop(key, None)  # those that ASE does not read back equal
    results = STRUCTURES[name].calc.results if STRUCTURES[name].calc else {}
    computed(atoms, **{key: value if key == "stress" else np.round(value, 8) for key, value in results.items()})
    assert frame_text(atoms) == text_of_ase(atoms)


@pytest.mark.parametrize("array", [[0.1234567890123, 1], [1e-12, 0], [1e300, -5e-324], [np.nan, 1e-9], [np.inf, 1 / 3]])
def test_numbers_keep_all_their_digits(array):
    atoms = Atoms("H2", positions=[[0, 0, each] for each in np.nan_to_num(array)])
    atoms.arrays["own"] = np.array(array)
    check_equal(by_ase(frame_text(atoms)), atoms)


def test_integers_of_a_column_have_32_bits():
    atoms = Atoms("H", info={"number": 2**62})
    atoms.arrays["id"] = np.array([2**31 - 1])
    check_equal(by_us(frame_text(atoms)), atoms)
    atoms.arrays["id"] += 1
    with pytest.raises(InputError, match=r"arrays\['id'\].*more than 32 bits"):
        frame_text(atoms)


def test_what_slabs_and_crystals_of_ase_have_is_kept():
    slab = fcc111("Cu", (1, 1, 3), vacuum=5)
    check_equal(by_us(frame_text(slab)), slab)
    salt = crystal(["Na", "Cl"], [(0, 0, 0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=[5.64] * 3 + [90] * 3)
    assert by_us(frame_text(salt)).info["spacegroup"] == "F m -3 m"


@pytest.mark.parametrize(
    ("attach", "said"),
    [
        (lambda atoms: atoms.info.update(day=datetime.date(2026, 11, 1)), r"info\['day'\] = datetime.date"),
        (lambda atoms: atoms.info.update(some={1, 2}), r"info\['some'\] = \{1, 2\}"),
        (lambda atoms: atoms.info.update(raw=b"x"), r"info\['raw'\] = b'x'"),
        (lambda atoms: atoms.info.update({3: 1}), "the key 3 is no text"),
        (lambda atoms: atoms.info.update({"a\nb": 1}), r"info\['a\\nb'\]"),
        (lambda atoms: atoms.info.update(pbc=True), r"info\['pbc'\]: .*own data"),
        (lambda atoms: atoms.info.update(energy=1.0), r"info\['energy'\].*'REF_energy'"),
        (lambda atoms: atoms.info.update(ragged=[[1], [1, 2]]), r"info\['ragged'\]"),
        (lambda atoms: atoms.set_array("born", np.zeros((1, 3, 3))), r"arrays\['born'\].*too many dimensions"),
        (lambda atoms: atoms.set_array("one", np.zeros((1, 1))), r"arrays\['one'\].*another shape"),
        (lambda atoms: atoms.set_array("lvl:x", np.zeros(1)), r"arrays\['lvl:x'\]"),
        (lambda atoms: atoms.set_array("word", np.array(["a b"])), r"arrays\['word'\].*'a b'.*without blanks"),
        (lambda atoms: atoms.set_array("word", np.array([""])), r"arrays\['word'\].*without blanks"),
        (lambda atoms: atoms.set_array("z", np.zeros(1, complex)), r"arrays\['z'\].*complex128"),
        (lambda atoms: atoms.set_array("forces", np.zeros((1, 3))), r"arrays\['forces'\].*results"),
        (lambda atoms: atoms.set_celldisp([1, 0, 0]), "celldisp"),
        (lambda atoms: atoms.set_constraint(FixBondLength(0, 0)), "and not FixBondLength"),
        (lambda atoms: atoms.arrays.update(numbers=np.array([119])), "no chemical symbol"),
    ],
)
def test_what_is_refused_is_named(attach, said):
    atoms = bulk("Cu")
    attach(atoms)
    with pytest.raises(InputError, match=said):
        frame_text(atoms)


def test_results_of_another_structure_are_not_written():
    atoms = computed(bulk("Cu"), energy=1.0)
    assert "energy=1.0" in frame_text(atoms)
    atoms.rattle(0.1)
    assert "energy" not in frame_text(atoms)


def test_arguments_of_the_writer():
    atoms = computed(bulk("Cu"), energy=0.5, forces=np.ones((1, 3)))
    atoms.info["note"] = ""
    atoms.set_tags([1])
    for options in (
        {"columns": ["symbols", "positions", "forces"]},
        {"columns": ["symbols", "positions", "tags"], "write_results": False},
        {"plain": True},
        {"vec_cell": True},
    ):
        check_options(options)
        found = by_us(frame_text(atoms, options))
        assert found.get_tags().tolist() == [1 if "tags" in str(options) else 0]
        assert (found.calc is not None) == ("forces" in str(options))
        assert found.info.get("note") == ("" if "columns" in options else None)
    same(by_us(frame_text(atoms, {"write_info": False})).info, {})
    with pytest.raises(InputError, match="no array 'own'"):
        frame_text(atoms, {"columns": ["symbols", "positions", "own"]})
    atoms.positions += 1
    with pytest.raises(InputError, match="write_kwargs"):
        frame_text(atoms, {"comment": "Properties=species:S:1"})


@pytest.mark.parametrize(
    "options",
    [{"colums": []}, {"plain": "yes"}, {"comment": "a\nb"}, {"columns": "pos"}, {"columns": ["positions", "symbols"]}],
)
def test_arguments_that_no_structure_can_be_written_with(options):
    with pytest.raises(InputError, match="write_kwargs"):
        check_options(options)
