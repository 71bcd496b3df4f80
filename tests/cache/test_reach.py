"""A value that code can reach is in the key, by content, or the job has no key: over many types and places."""

import functools
import os
import random
import subprocess
import sys
import threading
import types
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import adatom
from adatom.cache.canonical import UnhashableError
from adatom.cache.key import make_key
from adatom.cache.source import Source
from adatom.cache.store import CacheWarning
from tests.cache.zoo import BY_NUMBER, GLOBAL_ONLY, Plain


def made(text, **names):
    """The function ``job`` of a program of the user's."""
    space = {"__name__": "program", **names}
    exec(text, space)
    return space["job"]


def in_closure(value):
    def job(x):
        return value, x

    return job


def in_default(value):
    def job(x, *, held=value):
        return held, x

    return make_helper(job)


def make_helper(helper):
    def job(x):
        return helper(x)

    return job


def decorated(value):
    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return value, function(*args)

        return wrapper

    return decorate(lambda x: x)


def in_module(value):
    module = types.ModuleType("program_settings")
    module.value = value
    sys.modules["program_settings"] = module
    return module


def as_local_module(value):
    in_module(value)
    return made("def job(x):\n    import program_settings as s\n    return s.value")


PLACES = {
    "global": lambda value: made("def job(x): return VALUE", VALUE=value),
    "inner function": lambda value: made("def job(x): return [(lambda: VALUE)() for i in x]", VALUE=value),
    "helper": lambda value: made("def helper(): return VALUE\ndef job(x): return helper()", VALUE=value),
    "closure": in_closure,
    "default": in_default,
    "decorator": decorated,
    "attribute of an object": lambda value: made("def job(x): return HOLDER.x", HOLDER=Plain(value)),
    "attribute of a class": lambda value: made("def job(x): return Held.x", Held=type("Held", (), {"x": value})),
    "attribute of a base": lambda value: made(
        "class Held(Base): pass\ndef job(x): return Held().x", Base=type("Base", (), {"x": value})
    ),
    "attribute of a module": lambda value: made("def job(x): return s.value", s=in_module(value)),
    "module that is handed on": lambda value: made(
        "def get(m): return m.value\ndef job(x): return get(s)", s=in_module(value)
    ),
    "module that a function imports": as_local_module,
    "container": lambda value: made("def job(x): return ALL['a'][0]", ALL={"a": [value]}),
}
SAMPLES = BY_NUMBER | GLOBAL_ONLY


def key(job, *args):
    return make_key(job, args, {}).digest


@pytest.mark.parametrize("name", SAMPLES)
def test_a_global_counts_by_content(name):
    make, place = SAMPLES[name], PLACES["global"]
    assert key(place(make(2.0)), 1) != key(place(make(3.0)), 1)
    assert key(place(make(2.0)), 1) == key(place(make(2.0)), 1)


@pytest.mark.parametrize("name", BY_NUMBER)
def test_an_argument_counts_by_content(name):
    make, job = BY_NUMBER[name], PLACES["global"](None)
    assert key(job, make(2.0)) != key(job, make(3.0))
    assert key(job, [make(2.0)]) != key(job, [make(3.0)])
    assert key(job, make(2.0)) == key(job, make(2.0))


@given(st.sampled_from(sorted(SAMPLES)), st.sampled_from(sorted(PLACES)))
@settings(max_examples=100, deadline=None)
def test_every_place_counts_by_content(name, where):
    make, place = SAMPLES[name], PLACES[where]
    assert len({key(place(make(x)), 1) for x in (2.0, 3.0, 2.0, 3.0)}) == 2


def test_keys_are_the_same_in_another_process():
    show = (
        "from tests.cache import test_reach as t\n"
        "for name, make in t.SAMPLES.items(): print(name, t.key(t.PLACES['global'](make(2.0)), 1))\n"
        "for name, make in t.BY_NUMBER.items(): print(name, t.key(t.PLACES['global'](None), make(2.0)))"
    )
    paths = [str(Path(adatom.__file__).parents[1]), str(Path(__file__).parents[2])]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", show],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in "12"
    ]
    one, other = (process.communicate()[0].splitlines() for process in running)
    assert len(one) == len(SAMPLES) + len(BY_NUMBER)
    assert [line for line in one if line not in other] == []


@pytest.mark.parametrize("change", [lambda n: n.update(a=3), lambda n: n.setdefault("b", [])])
def test_a_value_that_is_changed_in_place_counts(change):
    value = types.SimpleNamespace(held={"a": 2})
    job = made("def job(x): return VALUE.held", VALUE=value)
    before = key(job, 1)
    assert key(job, 1) == before
    change(value.held)
    assert key(job, 1) != before


def test_what_is_replaced_counts():
    job = made(
        "class Held:\n    def f(self): return 1\ndef helper(x): return x\ndef job(x): return Held().f(), helper(x)"
    )
    space = job.__globals__
    keys = [key(job, 1)]
    space["Held"].f = lambda self: 2
    keys.append(key(job, 1))
    space["helper"].__defaults__ = (3,)
    keys.append(key(job, 1))
    space["helper"].__code__ = (lambda x: -x).__code__
    keys.append(key(job, 1))
    space["Held"].more = 4
    keys.append(key(job, 1))
    space["helper"].factor = 5
    keys.append(key(job, 1))
    assert len(set(keys)) == 6


def test_a_method_of_a_library_that_is_replaced_counts(monkeypatch):
    from ase import Atoms

    job = made("def job(x): return Atoms('Cu').get_volume()", Atoms=Atoms)
    before = key(job, 1)
    monkeypatch.setattr(Atoms, "get_volume", made("def job(self): return 3"))
    assert key(job, 1) != before


def test_a_function_of_adatom_that_is_replaced_counts(monkeypatch):
    from adatom.calculations import steps
    from adatom.recipes.emt import relax_job

    before = key(relax_job, 1)
    assert key(relax_job, 1) == before
    name = next(name for name, held in vars(steps).items() if f"{steps.__name__}.{name}" in Source(relax_job).pieces)
    monkeypatch.setattr(steps, name, made("def job(*args): return 3"))
    assert key(relax_job, 1) != before


def generator():
    yield 1


IRREDUCIBLE = {
    "lock": threading.Lock,
    "generator": generator,
    "file": lambda: open(os.devnull),  # noqa: SIM115
    "object with a lock": lambda: Plain([threading.Lock()]),
    "ufunc of the user's": lambda: np.frompyfunc(lambda x: x, 1, 1),
    "list that contains itself": lambda: with_itself([]),
    "object that reaches itself": lambda: reaching_itself(),
}


def with_itself(held):
    held.append(held)
    return held


def reaching_itself():
    one = Plain(None)
    one.x = Plain({"up": one})
    return one


@pytest.mark.parametrize("name", IRREDUCIBLE)
@pytest.mark.parametrize("where", PLACES)
def test_what_cannot_be_told_apart_has_no_key(name, where):
    with pytest.raises(UnhashableError):
        key(PLACES[where](IRREDUCIBLE[name]()), 1)


LOCK = threading.Lock()
OPTIONS = types.SimpleNamespace(factor=2.0)


@adatom.job(cache=True)
def locked(x):
    with LOCK:
        return x + 1


@adatom.job(cache=True)
def scaled(x):
    return x * OPTIONS.factor


@pytest.fixture
def at_home(tmp_path):
    with adatom.change_settings(
        workflow_engine="local", local_workers=1, cache_dir=tmp_path / "cache", results_dir=tmp_path / "results"
    ):
        yield


def test_one_warning_names_the_value(at_home):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert locked(1) == 2
    [said] = [warning for warning in caught if warning.category is CacheWarning]
    assert "locked runs uncached: LOCK in tests.cache.test_reach.locked, a _thread.lock" in str(said.message)
    assert "make such an object inside the function" in str(said.message)


def test_a_global_that_is_changed_is_no_hit(at_home, monkeypatch):
    assert scaled(1.0) == 2.0
    monkeypatch.setattr(OPTIONS, "factor", 3.0)
    assert not adatom.explain(scaled, 1.0).hit
    monkeypatch.setattr(OPTIONS, "factor", 2.0)
    assert adatom.explain(scaled, 1.0).hit


def test_the_name_is_said():
    with pytest.raises(UnhashableError, match=r"VALUE\['a'\].* in program.job.*_thread.lock"):
        key(PLACES["global"]({"a": threading.Lock()}), 1)
    with pytest.raises(UnhashableError, match="eval in program.job, which may reach any value"):
        key(made("def job(x): return eval('x')"), 1)


@pytest.mark.parametrize("place", ["global", "argument", "constant"])
def test_numbers_count_by_value_in_every_place(place):
    def of(value):
        if place == "constant":
            return key(made(f"def job(x): return {value!r}"), 1)
        return key(PLACES["global"](value), 1) if place == "global" else key(PLACES["global"](None), value)

    same = (1, 1.0) if place == "constant" else (1, 1.0, np.float32(1), np.float64(1), np.int8(1))
    assert len({of(value) for value in same}) == 1
    assert len({of(value) for value in (1, True, "1", 1j)}) == 4


def test_what_is_reached_by_many_ways_costs_little():
    held = [random.random()]
    for _ in range(60):
        held = [held, held]
    assert key(PLACES["global"](held), 1) == key(PLACES["global"](held), 1)


def test_functions_that_call_one_another_have_one_key():
    text = "\n".join(f"def f{i}(x): return {', '.join(f'f{j}(x)' for j in range(12))}" for i in range(12))
    one, again = made(f"{text}\njob = f0"), made(f"{text}\njob = f0")
    assert key(one, 1) == key(again, 1)
    assert key(one, 1) != key(made(f"{text.replace('f7(x), f8(x)', 'f8(x), f7(x)')}\njob = f0"), 1)


def test_ranges_of_handlers_count():
    one = "def job(x):\n    try:\n        a = f()\n        b = g()\n    except E:\n        return 1\n    return 2"
    other = "def job(x):\n    a = f()\n    try:\n        b = g()\n    except E:\n        return 1\n    return 2"
    assert key(made(one), 1) != key(made(other), 1)
