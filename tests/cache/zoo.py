"""Pairs of functions that make two values which differ, by type: what a job may reach."""

import argparse
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import itertools
import operator
import pathlib
import random
import re
import types
import uuid
import zoneinfo
from typing import NamedTuple

import attrs
import numpy as np
import pydantic
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from pymatgen.core import Lattice, Structure
from scipy.interpolate import CubicSpline, interp1d


class Level(enum.Enum):
    LOW = 1
    HIGH = 2


class Flags(enum.Flag):
    A = 1
    B = 2


@dataclasses.dataclass
class Point:
    x: float

    def energy(self):
        return self.x


@dataclasses.dataclass
class Hidden:
    x: float = 1.0

    def __post_init__(self):
        self.scale = 1.0


@dataclasses.dataclass(slots=True, frozen=True)
class Slotted:
    x: float


class Plain:
    def __init__(self, x):
        self.x = x

    def method(self, y):
        return self.x + y

    def __call__(self, y):
        return self.x * y


class WithSlots:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x


class Pair(NamedTuple):
    x: float
    y: float = 0.0


@attrs.define
class Attrs:
    x: float


class Model(pydantic.BaseModel):
    x: float
    more: dict[str, float] = {}


class Numbers(list):
    pass


class Table(dict):
    pass


class Whole(int):
    pass


class Labelled(np.ndarray):
    pass


class Crystal(Atoms):
    pass


def with_attribute(value, **attributes):
    for name, given in attributes.items():
        setattr(value, name, given)
    return value


def closure(x):
    return lambda y: x + y


def with_default(x):
    def inner(y, z=x):
        return y + z

    return inner


def dispatched(x):
    @functools.singledispatch
    def energy(value):
        return value

    energy.register(int, closure(x))
    return energy


def lambdas(*order):
    found = [lambda y: y + 1, lambda y: y + 2]
    return [found[i] for i in order]


def calculated(x):
    atoms = bulk("Cu")
    atoms.calc = SinglePointCalculator(atoms, energy=x)
    return atoms


def with_calculator(x):
    atoms = bulk("Cu")
    atoms.calc = LennardJones(epsilon=x)
    return atoms


def made_class(x):
    return type("Made", (), {"cutoff": x, "method": closure(x)})


STRUCTURED = [("a", "i4"), ("b", "f8")]

# Name: function of 2.0 or 3.0.
BY_NUMBER = {
    "namespace": lambda x: argparse.Namespace(cutoff=x),
    "simple namespace": lambda x: types.SimpleNamespace(cutoff=x),
    "decimal": lambda x: decimal.Decimal(str(x)),
    "fraction": lambda x: fractions.Fraction(int(x), 7),
    "path": lambda x: pathlib.Path("data") / str(int(x)),
    "pure path": lambda x: pathlib.PurePosixPath("data", str(int(x))),
    "ordered dictionary": lambda x: collections.OrderedDict(a=x),
    "default dictionary": lambda x: collections.defaultdict(list, a=x),
    "counter": lambda x: collections.Counter(a=int(x)),
    "deque": lambda x: collections.deque([x], maxlen=3),
    "deque of a length": lambda x: collections.deque([1], maxlen=int(x)),
    "chain map": lambda x: collections.ChainMap({"a": x}, {}),
    "regular expression": lambda x: re.compile(f"a{x}"),
    "flags of a regular expression": lambda x: re.compile("a", re.I if x == 2 else 0),
    "partial": lambda x: functools.partial(operator.mul, x),
    "keyword of a partial": lambda x: functools.partial(sorted, key=closure(x)),
    "bound method": lambda x: Plain(x).method,
    "builtin method": lambda x: {"a": x}.get,
    "itemgetter": lambda x: operator.itemgetter(int(x)),
    "callable object": lambda x: Plain(x),
    "slots": lambda x: WithSlots(x),
    "enum": lambda x: Level(int(x) - 1),
    "flag": lambda x: Flags(int(x)),
    "dataclass": lambda x: Point(x),
    "dataclass, outside its fields": lambda x: with_attribute(Hidden(), scale=x),
    "frozen dataclass": lambda x: Slotted(x),
    "named tuple": lambda x: Pair(x),
    "attrs": lambda x: Attrs(x),
    "pydantic": lambda x: Model(x=x),
    "pydantic, nested": lambda x: Model(x=1.0, more={"a": x}),
    "subclass of list": lambda x: Numbers([x]),
    "attribute of a list": lambda x: with_attribute(Numbers([1]), unit=x),
    "subclass of dict": lambda x: Table(a=x),
    "attribute of a dict": lambda x: with_attribute(Table(a=1), unit=x),
    "subclass of int": lambda x: Whole(x),
    "datetime": lambda x: datetime.datetime(2026, 1, int(x), tzinfo=datetime.UTC),
    "date": lambda x: datetime.date(2026, 1, int(x)),
    "timedelta": lambda x: datetime.timedelta(seconds=x),
    "time zone": lambda x: zoneinfo.ZoneInfo({2: "Europe/Berlin", 3: "UTC"}[int(x)]),
    "uuid": lambda x: uuid.UUID(int=int(x)),
    "complex": lambda x: complex(1, x),
    "bytes": lambda x: bytes([int(x)]),
    "bytearray": lambda x: bytearray([int(x)]),
    "memoryview": lambda x: memoryview(bytes([int(x)])),
    "frozenset": lambda x: frozenset(["a", x]),
    "set of mixed types": lambda x: {"a", 1, None, (1, "b"), x, b"c"},
    "set of enums": lambda x: {Level.LOW, Flags(int(x))},
    "range": lambda x: range(int(x)),
    "slice": lambda x: slice(int(x)),
    "mapping proxy": lambda x: types.MappingProxyType({"a": x}),
    "dictionary view": lambda x: {"a": x}.values(),
    "iterator": lambda x: iter([1, x]),
    "count": lambda x: itertools.count(int(x)),
    "nested": lambda x: {"a": [1, (2, {"b": [Plain([x])]})]},
    "exception": lambda x: ValueError(x),
    "random generator": lambda x: random.Random(int(x)),
    "numpy generator": lambda x: np.random.default_rng(int(x)),
    "numpy state": lambda x: np.random.RandomState(int(x)),
    "array": lambda x: np.array([1.0, x]),
    "object array": lambda x: np.array([1, "a", None, Plain(x)], dtype=object),
    "structured array": lambda x: np.array([(1, x)], dtype=STRUCTURED),
    "names of a structured array": lambda x: np.array([(1, 2.0)], dtype=[("a", "i4"), (f"b{x}", "f8")]),
    "record": lambda x: np.array([(1, x)], dtype=STRUCTURED)[0],
    "masked array": lambda x: np.ma.array([1.0, 2.0, 3.0], mask=[x == 2, False, False]),
    "matrix": lambda x: np.matrix([[1, x]]),
    "attribute of an array": lambda x: with_attribute(np.zeros(2).view(Labelled), unit=x),
    "long double": lambda x: np.longdouble(1) + np.finfo(np.longdouble).eps * np.longdouble(x),
    "array of long doubles": lambda x: np.ones(2, np.longdouble) + np.finfo(np.longdouble).eps * np.longdouble(x),
    "complex array": lambda x: np.array([1 + 1j * x]),
    "time of numpy": lambda x: np.datetime64("2026-01-01", {2: "ns", 3: "s"}[int(x)]),
    "times of numpy": lambda x: np.array([int(x)], dtype="m8[s]"),
    "strings of numpy": lambda x: np.array(["a", str(x)]),
    "data type": lambda x: np.dtype({2: "f4", 3: "f8"}[int(x)]),
    "vectorized": lambda x: np.vectorize(closure(x)),
    "polynomial": lambda x: np.polynomial.Polynomial([1, x]),
    "spline": lambda x: CubicSpline([0, 1, 2], [0, x, 2]),
    "interpolation": lambda x: interp1d([0, 1], [0, x]),
    "calculator": lambda x: LennardJones(epsilon=x),
    "structure with a calculator": with_calculator,
    "attribute of a structure": lambda x: with_attribute(Crystal("Cu"), cutoff=x),
    "pymatgen": lambda x: Structure(Lattice.cubic(x), ["Cu"], [[0, 0, 0]]),
    "pymatgen site properties": lambda x: Structure(
        Lattice.cubic(3), ["Cu"], [[0, 0, 0]], site_properties={"magmom": [x]}
    ),
    "closure": closure,
    "default": with_default,
    "single dispatch": dispatched,
    "order of lambdas": lambda x: lambdas(0, 1) if x == 2 else lambdas(1, 0),
    "attribute of a function": lambda x: with_attribute(closure(1), cutoff=x),
    "class": made_class,
    "made dataclass": lambda x: dataclasses.make_dataclass("Made", [("a", float, x)]),
    "property": lambda x: property(closure(x)),
    "cached property": lambda x: functools.cached_property(closure(x)),
    "lru_cache": lambda x: functools.lru_cache(closure(x)),
    "static method": lambda x: staticmethod(closure(x)),
    "wrapped": lambda x: functools.wraps(closure)(closure(x)),
    "enumeration": lambda x: enum.Enum("Made", {"A": x}),
    "default of a model": lambda x: pydantic.create_model("Made", a=(float, x)),
    "attrs class": lambda x: attrs.make_class("Made", {"a": attrs.field(default=x)}),
    "attrs factory": lambda x: attrs.make_class("Made", {"a": attrs.field(factory=closure(x))}),
}
# Which differ in what only code sees: a global is reached as a whole.
GLOBAL_ONLY = {
    "info of a structure": lambda x: Atoms("Cu", info={"cutoff": x}),
    "results of a structure": calculated,
}
