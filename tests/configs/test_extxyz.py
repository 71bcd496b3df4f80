"""Extended XYZ is read as ASE reads it: the same values, types, shapes and errors."""

import string
from io import StringIO

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixCartesian
from ase.io import write
from ase.io.extxyz import read_xyz
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from adatom.configs import extxyz
from adatom.configs.extxyz import read_frame, split_frames


@pytest.fixture(params=["with the C reader", "without"])
def reader(request, monkeypatch):
    """Both ways to read; the C one for structures of any size."""
    if request.param == "without":
        monkeypatch.setattr(extxyz, "_c_reader", lambda: None)
    else:
        pytest.importorskip("extxyz")
        monkeypatch.setattr(extxyz, "_MANY", 1)


def same(ours, theirs, where="atoms"):
    """That two objects are made of the same, down to the types of numbers and the names of attributes."""
    if isinstance(ours, Atoms):
        len(ours)  # those from a store make the copy of a calculator when it is looked at
    assert type(ours) is type(theirs), where
    if isinstance(ours, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), where
        assert ours.flags.writeable
        if ours.dtype.kind == "f":
            assert ours.tobytes() == theirs.tobytes(), where
        else:
            assert ours.tolist() == theirs.tolist(), where
    elif isinstance(ours, dict):
        assert list(ours) == list(theirs), where
        for key, value in ours.items():
            same(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for one, other in zip(ours, theirs, strict=True):
            same(one, other, where)
    elif hasattr(ours, "__dict__") and not callable(ours):
        same(vars(ours), vars(theirs), where)
    elif not callable(ours):
        assert ours == theirs or (ours != ours and theirs != theirs), where


def by_ase(text):
    return list(read_xyz(StringIO(text), slice(None)))


def by_us(text):
    return [read_frame(lines) for lines in split_frames(StringIO(text))]


def check(text):
    try:
        expected = by_ase(text)
    except Exception as error:
        # ASE looks for later structures first; an integer of more than 32 bits is an OverflowError of NumPy's.
        with pytest.raises((type(error), ValueError, KeyError, OverflowError)):
            by_us(text)
    else:
        same(by_us(text), expected)


def as_text(structures):
    file = StringIO()
    write(file, structures, format="extxyz")
    return file.getvalue()


def computed(atoms, **results):
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def slab(*constraints):
    atoms = fcc111("Cu", (2, 1, 3), vacuum=5)
    atoms.set_constraint(constraints)
    return computed(atoms, energy=1.5, forces=np.ones((6, 3)))


def many_properties():
    atoms = computed(
        bulk("NaCl", "rocksalt", 5.64),
        energy=-1.0,
        free_energy=-2,
        forces=np.arange(6.0).reshape(2, 3) / 7,
        stress=np.arange(6) / 3,
        dipole=np.array([1, 2, 3]),
        magmom=0.5,
        magmoms=np.array([0.25, -0.25]),
        charges=np.array([1, -1]),
        energies=np.array([-0.5, -0.5]),
    )
    atoms.set_tags([1, 2])
    atoms.set_momenta([[1, 2, 3], [4, 5, 6]])
    atoms.set_masses([1.5, 2.5])
    atoms.arrays["label"] = np.array(["one", "two"])
    atoms.arrays["flag"] = np.array([True, False])
    atoms.arrays["flags"] = np.array([[True, False], [False, True]])
    atoms.arrays["pair"] = np.array([[1, 2], [3, 4]])
    atoms.info.update(
        name="salt", text="two words", number=3, real=0.1, yes=True, no=np.bool_(False), nothing=None, quoted='a "b" c',
        ints=np.arange(3), reals=np.array([0.5, 1e-30]), flags=np.array([True, False]), matrix=np.eye(3), braces="{x}",
        nested={"a": [1, 2, {"b": None}]}, list=[1, 2], words=["a", "b"], unicode="Å", equals="a=b", virial=np.eye(3),
        uid="0012", large=10**30, comma="1,2", bare="None", small=-1e-5, back="a\\b", int64=2**40,
    )  # fmt: skip
    return computed(atoms, **atoms.calc.results)


STRUCTURES = {
    "crystal": bulk("Cu"),
    "molecule": molecule("CH3CH2OH"),
    "one side periodic": Atoms("H", cell=[1, 2, 3], pbc=[True, False, False]),
    "cell that is not periodic": Atoms("H", cell=np.arange(9).reshape(3, 3) + np.eye(3)),
    "no atoms": Atoms(),
    "no atoms in a cell": Atoms(cell=[1, 2, 3], pbc=True),
    "fixed": slab(FixAtoms([0, 2])),
    "fixed in a direction": slab(FixCartesian([1, 3], [True, False, True])),
    "fixed in both ways": slab(FixAtoms([0]), FixCartesian([1], [False, True, False])),
    "charges at the start": Atoms("Na", charges=[0.5], magmoms=[1.0]),
    "many properties": many_properties(),
    "40 atoms": computed(bulk("Cu", cubic=True) * (5, 2, 1), energy=1.0, forces=np.linspace(-1, 1, 120).reshape(40, 3)),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_what_ase_writes(name, reader):
    text = as_text(STRUCTURES[name])
    same(by_us(text), by_ase(text))
    check(as_text([STRUCTURES[name], STRUCTURES["crystal"], STRUCTURES[name]]))


def test_the_usual_is_not_left_to_ase(reader, monkeypatch):
    texts = [as_text(STRUCTURES[name]) for name in ("crystal", "fixed", "40 atoms")]
    expected = [by_ase(text) for text in texts]
    monkeypatch.setattr(extxyz, "read_xyz", None)
    same([by_us(text) for text in texts], expected)


COMMENTS = [
    "",
    "energy=1",
    "energy=1.5 stress=2",
    "stress='1 2 3 4 5 6 7 8 9'",
    'stress="1 2 3 4 5 6 7 8 9" virial="1 2 3 4 5 6 7 8 9.5"',
    'stress="1 2 3"',
    'Lattice="1 0 0 0 2 0 0 0 3"',
    'Lattice="1 0 0 0 2 0 0 0 3" pbc=T',
    'Lattice="1 0 0 0 2 0 0 0 3" pbc="1 0 T"',
    'Lattice="1 0 0 0 2 0 0 0 3" pbc="T F"',
    'Lattice="1e0,0,0 0 2. 0 0 0 .3" pbc="T F T"',
    'Lattice="1 2 3"',
    "Lattice=1",
    "Lattice=[[1,0,0],[0,1,0],[0,0,1]]",
    "pbc=[T,F,T]",
    "pbc=x",
    "a free comment of five words",
    "a=1 a=2.5 b a=3",
    "a= b=1",
    'a="" b=1',
    'a =1 b= 2 c = "3 4"',
    'a="1 2"b=3',
    'a=1"2 3"',
    "a='1 2' b={1 2 3} c=[1 2.5] d={x y}",
    r'a="say \"hi\"" b=c\ d',
    "a=b=c",
    'a="b=c d=e"',
    "=1",
    '"a b"=1',
    "uid=0012 UID=1",
    "a=1_000 b=+1 c=-0 d=0012 e=1e5 f=.5 g=5. h=0x10 i=1d5 j=nan k=inf l=-inf",
    "a=99999999999999999999 b=9223372036854775807 c=9223372036854775808",
    'a="1 99999999999999999999" b="1, 2,3" c="1 2 x" d="T F" e="true False"',
    "a=T b=true c=TRUE d=t e=F f=false g=None",
    'a="_JSON {\\"b\\": [1, 2]}" b="_JSON [1, 2]"',
    'a="_JSON {broken"',
    'a="  1   2  " b="	3"',
    "energy=low",
    'dipole="1 2 3" free_energy=2 magmom="1 2"',
    "ünï=1 b=ünï",
    "a=1 b=\x1f2 c=\u00a03",
    "energy=1 energy=2 Properties=species:S:1:pos:R:3",
]


@pytest.mark.parametrize("comment", COMMENTS)
def test_comments(comment, reader):
    check(f"2\n{comment}\nH 0 0 0\nO 0.5 1 2\n")


@pytest.mark.parametrize(
    ("properties", "row"),
    [
        ("species:S:1:pos:R:3", "cu 1 2 3"),
        ("species:S:1:pos:R:3", "CU 1 2 3 4 5"),
        ("species:S:1:pos:R:3", "Cu 1 2"),
        ("species:S:1:pos:R:3", "Cu 1 2 x"),
        ("species:S:1:pos:R:3", "Xyz 1 2 3"),
        ("species:S:1:pos:R:3", "29 1 2 3"),
        ("pos:R:3:species:S:1", "1 2 3 Cu"),
        ("Z:I:1:pos:R:3", "29 1 2 3"),
        ("species:S:1:Z:I:1:pos:R:3", "Cu 29 1 2 3"),
        ("species:S:1:pos:I:3", "Cu 1 2 3"),
        ("species:S:1:pos:R:2", "Cu 1 2"),
        ("species:S:1", "Cu"),
        ("pos:R:3", "1 2 3"),
        ("species:S:1:pos:R:3:pos:R:3", "Cu 1 2 3 4 5 6"),
        ("species:S:1:pos:R:3:positions:R:3", "Cu 1 2 3 4 5 6"),
        ("species:S:1:pos:R:3:a:X:1", "Cu 1 2 3 4"),
        ("species:S:1:pos:R:3:a:I", "Cu 1 2 3 4"),
        ("species:S:1:pos:R:3:a:I:1", "Cu 1 2 3 2147483647"),
        ("species:S:1:pos:R:3:a:I:1", "Cu 1 2 3 2147483648"),
        ("species:S:1:pos:R:3:a:I:1", "Cu 1 2 3 1.0"),
        ("species:S:1:pos:R:3:a:L:2", "Cu 1 2 3 TRUE False"),
        ("species:S:1:pos:R:3:a:L:2", "Cu 1 2 3 0 true"),
        ("species:S:1:pos:R:3:a:S:2", "Cu 1 2 3 TRUE Å"),
        ("species:S:1:pos:R:3:a:S:2", "Cu 1 2 3 a\x0bb"),
        ("species:S:1:pos:R:3:forces:R:3", "Cu nan inf 3 1d5 0x10 1_0"),
        ("species:S:1:pos:R:3:forces:R:3", "Cu nan inf 3 -Infinity 1e400 1e-400"),
        ("species:S:1:pos:R:3:energy:R:1:charge:I:1", "Cu 1 2 3 4 5"),
        ("species:S:1:pos:R:3:energies:S:1", "Cu 1 2 3 x"),
        ("species:S:1:pos:R:3:move_mask:L:1", "Cu 1 2 3 F"),
        ("species:S:1:pos:R:3:move_mask:I:1", "Cu 1 2 3 0"),
        ("species:S:1:pos:R:3:move_mask:L:2", "Cu 1 2 3 F T"),
        ("species:S:1:pos:R:3:initial_charges:R:1:tags:I:1", "Cu 1 2 3 0.5 1"),
        ("species:S:1:pos:R:3:masses:R:1:momenta:R:3", "Cu 1 2 3 5 1 2 3"),
        ("species:S:1:pos:R:3:one:R:0", "Cu 1 2 3"),
    ],
)
def test_columns(properties, row, reader):
    check(f"2\nProperties={properties} energy=1\n{row}\n{row}\n")


@pytest.mark.parametrize(
    "text",
    [
        "1\n\nH 0 0 0",
        "1\r\na=1\r\nH 0 0 0\r\n",
        "1\n\nH 0 0 0\n\n\n",
        " 1 \n\n\tH  0 0\t0 \n",
        "2\na=1\nH 0 0 0\n",
        "2\na=1\nH 0 0 0\n1\n\nH 0 0 0\n",
        "1\na=1\nH 0 0 0\nH 1 1 1\n",
        "1\n",
        "1 atom\n\nH 0 0 0\n",
        "0\n\n",
        "1\ncomment of old\nH 0 0 0\nVEC1 1 0 0\nVEC2 0 1 0\n1\n\nH 0 0 0\n",
        "1\ncomment of old\nH 0 0 0\nVEC2 1 0 0\n",
        "1\n\nVEC1 0 0 0\n",
    ],
)
def test_files(text, reader):
    check(text)


KEYS = st.text(string.ascii_letters + "_", min_size=1, max_size=6).filter(
    lambda key: key not in {"stress", "virial", "Lattice", "Properties", "pbc", "energy", "dipole", "magmom"}
)
NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.booleans())
TEXTS = st.text(string.ascii_letters + string.digits + " .,+-=\"'{}[]\\_:Åé", max_size=12)
VALUES = st.one_of(
    NUMBERS,
    TEXTS,
    st.none(),
    st.lists(st.integers(-9, 9), max_size=4),
    st.dictionaries(KEYS, st.integers(), max_size=2),
    arrays_of.arrays(st.sampled_from([float, int, bool]), st.integers(1, 4)),
)


@settings(max_examples=150)
@given(
    symbols=st.lists(st.sampled_from(["H", "Cu", "Cd", "X"]), min_size=1, max_size=5),
    info=st.dictionaries(KEYS, VALUES, max_size=5),
    data=st.data(),
)
@pytest.mark.parametrize("many", [1, 10**6])
def test_any_structure(many, symbols, info, data):
    def columns(dtype, width):
        return data.draw(arrays_of.arrays(dtype, (len(symbols), width)))

    atoms = Atoms(symbols, positions=columns(float, 3), info=info)
    atoms.arrays["own"] = data.draw(st.sampled_from([float, np.int32, bool]).map(lambda kind: columns(kind, 2)))
    computed(atoms, energy=data.draw(st.floats()), forces=columns(float, 3))
    if data.draw(st.booleans()):
        atoms.set_cell(data.draw(arrays_of.arrays(float, (3, 3), elements=st.floats(-1e3, 1e3))))
        atoms.pbc = data.draw(st.tuples(*[st.booleans()] * 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extxyz, "_MANY", many)
        check(as_text(atoms))


TOKENS = st.sampled_from(
    ["1", "-0.5", "1e5", "1E-05", "1d5", ".5", "5.", "+1", "nan", "inf", "1_0", "0x1", "T", "F", "TRUE", "H", "Cd", "é",
     "9007199254740993", "4.9e-324", "1.7976931348623157e308", "2147483648", "0" * 60 + "1", "1." + "3" * 400, '"']
)  # fmt: skip


@settings(max_examples=300)
@given(
    rows=st.lists(st.lists(TOKENS, min_size=6, max_size=8), min_size=1, max_size=3),
    shift=st.integers(-1, 1),
    ends=st.sampled_from(["\n", "\r\n", " \n"]),
)
@example(rows=[["H", "1", "1", "1", "1", "T", "x"]], shift=0, ends="\n")
@example(rows=[["H", "1", "1", "1", "9007199254740993", "T", "x"], ["H"]], shift=-1, ends="\n")
@pytest.mark.parametrize("many", [1, 10**6])
def test_any_rows(many, rows, shift, ends):
    body = ends.join(" ".join(row) for row in rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extxyz, "_MANY", many)
        check(f"{max(1, len(rows) + shift)}\nProperties=species:S:1:pos:R:3:a:I:1:b:L:1:c:S:1{ends}{body}{ends}")


def test_each_structure_has_its_own_arrays():
    text = as_text(many_properties())
    first, second = by_us(text + text)
    first.cell[:] = first.pbc[:] = first.positions[:] = first.arrays["pair"][:] = 0
    first.info["matrix"][:] = first.info["ints"][:] = 0
    first.info["nested"]["a"].append(3)
    first.calc.results["stress"][:] = 0
    same([second], by_ase(text))
    assert first.calc.check_state(first) or first.calc.atoms.positions.any()


def test_a_blank_line_between_structures_is_not_the_end(reader):
    text = "1\na=1\nH 0 0 0\n"
    same(by_us(f"\n{text}\n \t\n{text}{text}\n\n"), by_ase(text * 3))


def test_no_structure_has_fewer_than_no_atoms():
    with pytest.raises(ValueError, match="islice"):
        by_us("-1\n\n")


def test_a_file_is_read_as_far_as_it_is_needed():
    frames = split_frames(StringIO("1\n\nH 0 0 0\n" * 2 + "broken\n"))
    assert len(next(frames)) == len(next(frames)) == 3
    with pytest.raises(ValueError, match="broken"):
        next(frames)
