"""Which calls are the same, and which are not; each asked here and in a fresh interpreter."""

import enum
import functools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms, FixBondLength
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

import adatom
from adatom.cache.canonical import UnhashableError
from adatom.cache.key import make_key
from tests.cache.conftest import key_of


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Point:
    x: float
    y: float


class Model:
    def __init__(self, k):
        self.k = k

    def energy(self):
        return self.k


class OwnCalculator(Calculator):
    implemented_properties = ("energy",)

    def __init__(self, k):
        super().__init__()
        self.k = k

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": self.k}


def digest(value, **options):
    return key_of(value, **options).digest


def crystal() -> Atoms:
    """A structure with all that counts."""
    atoms = bulk("NaCl", "rocksalt", a=5.6401234567891) * (2, 1, 1)
    atoms.rattle(0.05, seed=1)
    atoms.set_initial_magnetic_moments([1.0, 0.0, -1.0, 0.5])
    atoms.set_initial_charges([0.1, -0.1, 0.0, 0.0])
    atoms.set_constraint(FixAtoms([0, 2]))
    atoms.info.update(name="salt", number=3)
    return atoms


def used(calculator):
    calculator.get_potential_energy(bulk("Cu"))
    return calculator


def elsewhere(*values) -> list[str]:
    """The keys that a process with another hash seed gives."""
    code = "import cloudpickle, sys; f, v = cloudpickle.load(sys.stdin.buffer); print(*map(f, v))"
    paths = [str(Path(adatom.__file__).parents[1]), str(Path(__file__).parents[2])]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", code], input=cloudpickle.dumps((digest, values)), capture_output=True, env=environment
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().split()


# --- Structures -------------------------------------------------------------------------------------------------------


def rebuilt(atoms):
    again = Atoms(atoms.get_chemical_symbols(), cell=list(atoms.cell), pbc=[1, 1, 1])
    again.positions = atoms.positions
    again.set_initial_magnetic_moments(atoms.get_initial_magnetic_moments())
    again.set_initial_charges(atoms.get_initial_charges())
    again.set_constraint(FixAtoms(mask=[True, False, True, False]))
    return again


def with_result(atoms):
    atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
    return atoms


def through(form):
    def there_and_back(atoms):
        write(f"atoms.{form}", atoms)
        return read(f"atoms.{form}")

    return there_and_back


def with_info_turned(atoms):
    atoms.info = dict(reversed(atoms.info.items()))
    return atoms


def with_zeros(atoms):
    atoms.set_tags([0] * len(atoms))
    atoms.set_momenta(np.zeros((len(atoms), 3)))
    return atoms


@pytest.mark.parametrize(
    "change",
    [rebuilt, Atoms.copy, with_info_turned, with_result, with_zeros, *map(through, ("extxyz", "traj", "json"))],
)
def test_the_same_structure_has_the_same_key(change, tmp_path):
    assert digest(change(crystal())) == digest(crystal())


def test_a_pickled_structure_has_the_same_key_in_another_process():
    assert elsewhere(crystal()) == [digest(crystal())]


def changed(**how):
    def change(atoms):
        for name, value in how.items():
            getattr(atoms, name)(*value)
        return atoms

    return change


def move(atoms):
    atoms.positions[1, 2] += 1e-6
    return atoms


def stretch(atoms):
    atoms.cell[0, 0] += 1e-6
    return atoms


def negate(name):
    def change(atoms):
        atoms.arrays[name] = -atoms.arrays[name]
        return atoms

    return change


OTHERS = [
    move,
    stretch,
    changed(set_pbc=([True, True, False],)),
    changed(set_chemical_symbols=("NaClNaBr",)),
    changed(set_constraint=(FixAtoms([0]),)),
    changed(set_constraint=()),
    changed(set_constraint=(FixBondLength(0, 1),)),
    negate("initial_magmoms"),
    negate("initial_charges"),
    changed(set_tags=([0, 0, 0, 1],)),
    changed(set_momenta=([[0, 0, 1e-3]] * 4,)),
    changed(set_masses=([1, 2, 3, 4],)),
    lambda atoms: atoms[::-1],
]


@pytest.mark.parametrize("change", OTHERS)
def test_another_structure_has_another_key(change):
    assert digest(change(crystal())) != digest(crystal())


def test_info_and_arrays_count_where_the_job_reads_them():
    labelled = crystal()
    labelled.info["charge"] = 1
    labelled.arrays["site"] = np.arange(4)
    assert digest(labelled) == digest(crystal())
    for reads in (["info.charge"], ["info"], ["arrays.site"], ["arrays"]):
        assert digest(labelled, reads=reads) != digest(crystal(), reads=reads), reads
    assert digest(labelled, reads=["info.other"]) == digest(crystal(), reads=["info.other"])


def test_the_calculator_that_a_structure_carries_counts():
    one, two = crystal(), crystal()
    one.calc, two.calc = EMT(), LennardJones()
    assert len({digest(one), digest(two), digest(crystal())}) == 3


# --- Calculators ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [EMT, LennardJones, MorsePotential, lambda: OwnCalculator(2.0)])
def test_a_calculator_that_was_used_has_the_same_key(make):
    assert digest(used(make())) == digest(make())
    assert elsewhere(used(make())) == [digest(make())]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LennardJones(), LennardJones(epsilon=2.0)),
        (EMT(), EMT(asap_cutoff=True)),
        (EMT(), LennardJones()),
        (OwnCalculator(1.0), OwnCalculator(2.0)),
    ],
)
def test_another_calculator_has_another_key(one, other):
    assert digest(one) != digest(other)


def test_another_model_under_the_same_name_has_another_key(tmp_path):
    model = tmp_path / "model.pt"
    keys = set()
    for content in ("one", "two"):
        model.write_text(content)
        keys |= {digest({"model": str(model)}), digest(model), digest(LennardJones(model=str(model)))}
    assert len(keys) == 6
    model.write_text("one")
    assert digest(model) in keys


def test_files_in_a_directory_count_where_the_job_reads_them(tmp_path):
    (tmp_path / "wave").write_text("one")
    before = digest(str(tmp_path)), digest(str(tmp_path), reads=["value"])
    (tmp_path / "wave").write_text("two")
    assert (digest(str(tmp_path)) == before[0], digest(str(tmp_path), reads=["value"]) == before[1]) == (True, False)


# --- Values -----------------------------------------------------------------------------------------------------------


EQUAL = [
    (100, 100.0),
    (np.float64(0.5), 0.5),
    (np.int32(3), 3),
    (0.0, -0.0),
    (np.arange(3), np.arange(3.0)),
    (np.arange(3, dtype=np.int32), np.arange(3, dtype=np.float32)),
    (np.array([[1, 2], [3, 4]]).T, np.array([[1, 3], [2, 4]])),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ({3, 1, 2}, {2, 3, 1}),
    (Point(1, 2), Point(1.0, 2.0)),
    (Model(3), Model(3.0)),
    (functools.partial(max, 1), functools.partial(max, 1.0)),
    ({"a": 1, "provenance": {"cached_from": "x"}}, {"a": 1, "provenance": {}}),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_equal_values_have_equal_keys(one, other):
    assert digest(one) == digest(other)
    assert digest([one]) == digest([other])


DIFFERENT = [
    (1, 2),
    (0.1, 0.1 + 1e-15),
    (1, "1"),
    (1, True),
    (None, 0),
    ("", None),
    ([1, 2], [2, 1]),
    ([1, 2], (1, 2)),
    ([[1], 2], [[1, 2]]),
    ({"a": 1}, {"a": 2}),
    ({"a": 1}, {"b": 1}),
    ({"a": {"b": 1}}, {"a.b": 1}),
    (b"x", "x"),
    (np.arange(4), np.arange(4).reshape(2, 2)),
    (np.array([0.1]), np.array([0.1], dtype=np.float32)),
    (float("nan"), float("inf")),
    (Color.RED, Color.BLUE),
    (Point(1, 2), Point(2, 1)),
    (Model(1), Model(2)),
    (max, min),
    (functools.partial(max, 1), functools.partial(max, 2)),
    (np.random.default_rng(1), np.random.default_rng(2)),
    (1j, 1),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_values_have_different_keys(one, other):
    assert digest(one) != digest(other)
    assert digest({"x": [one]}) != digest({"x": [other]})


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.frozensets(st.integers() | st.text(max_size=2), max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(plain, min_size=1, max_size=8))
@settings(max_examples=60)
def test_keys_do_not_depend_on_the_process(values):
    copies = cloudpickle.loads(cloudpickle.dumps(values))
    assert [digest(value) for value in copies] == [digest(value) for value in values]


def samples():
    """All that is the same or not above, for those who compute keys elsewhere."""
    atoms = [crystal(), *(change(crystal()) for change in OTHERS)]
    return [*atoms, *(value for pair in (*EQUAL, *DIFFERENT) for value in pair), {"set": {"a", "b", "c"}}]


def test_all_keys_are_the_same_in_another_process():
    assert elsewhere(*samples()) == [digest(value) for value in samples()]


def test_what_cannot_be_hashed_is_said_by_name():
    with pytest.raises(UnhashableError) as raised:
        digest({"log": [1, open(os.devnull)]})  # noqa: SIM115
    assert "value.log[1]" in str(raised.value)
    assert "TextIOWrapper" in str(raised.value)
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(UnhashableError, match="contains itself"):
        digest(loop)


# --- Calls ------------------------------------------------------------------------------------------------------------


def relax(atoms, fmax=0.01, **more):
    return atoms, fmax, more


def test_how_a_call_is_written_does_not_count():
    calls = [((1,), {}), ((), {"atoms": 1}), ((1, 0.01), {}), ((), {"fmax": 0.01, "atoms": 1.0})]
    assert len({make_key(relax, *call).digest for call in calls}) == 1
    assert make_key(relax, (1,), {"fmax": 0.02}).digest != make_key(relax, (1,), {}).digest


def test_the_recipe_and_its_version_count():
    def other(atoms, fmax=0.01, **more):
        return atoms, fmax, more

    keys = {
        make_key(relax, (1,), {}, policy="inputs").digest,
        make_key(other, (1,), {}, policy="inputs").digest,
        make_key(relax, (1,), {}, policy="inputs", version=1).digest,
        make_key(relax, (1,), {}, policy="inputs", version=2).digest,
        make_key(relax, (1,), {}).digest,
    }
    assert len(keys) == 5


def test_a_key_function_says_what_counts():
    def formula(arguments):
        return arguments["atoms"].get_chemical_formula()

    one, other = (make_key(relax, (molecule("H2O"),), {"fmax": fmax}, policy=formula).digest for fmax in (0.1, 0.2))
    assert one == other
    assert one != make_key(relax, (molecule("CO"),), {}, policy=formula).digest


def test_parts_name_what_counts():
    parts = make_key(relax, (crystal(),), {"options": {"a": {"b": 2}}}).parts
    assert parts["fmax"] == "0.01"
    assert parts["more.options.a.b"] == "2"
    assert {"atoms.positions", "atoms.cell", "atoms.pbc", "atoms.species", "atoms.constraints"} <= set(parts)
    json.dumps(parts)


def test_an_option_says_what_counts_of_an_argument():
    def energy(atoms, model="a:1"):
        return model

    def of(model, **options):
        return make_key(energy, (1,), {"model": model}, policy="inputs", **options)

    family = {"key_functions": {"model": lambda text: text.partition(":")[0]}}
    assert of("a:1", **family).digest == of("a:2", **family).digest != of("b:1", **family).digest
    assert of("a:1").digest != of("a:2").digest
