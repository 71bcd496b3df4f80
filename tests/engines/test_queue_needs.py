"""Modules that a job needs in any case."""

from functools import partial

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from adatom.configs.evaluate import Evaluate
from adatom.configs.handle import Handle
from adatom.configs.operation import Operation
from adatom.configs.part import run_part
from adatom.engines.queue.needs import needs_of
from adatom.engines.remote.listening import call_and_listen
from adatom.execution.arguments import pack_arguments
from adatom.execution.call import Call, pack_function
from adatom.recipes import emt, mlip, tblite


def needs(function, *args, **kwargs):
    packed = pack_arguments("job", function, args, kwargs)
    return needs_of(Call("job", "", b"", pack_function("job", function), packed, "queue"))


def uses_global():
    return np.pi


def imports():
    """It has a docstring."""
    number = 1
    import not_here.sub
    from also_not import here

    return not_here, here, number


def may_return_before(number):
    if number:
        return
    import not_here  # noqa: F401


def may_import(number):
    if number:
        import not_here  # noqa: F401
    try:
        import also_not  # noqa: F401
    except ImportError:
        pass


def tries_to_import():
    try:
        import not_here
    except ImportError as error:
        raise RuntimeError("not here") from error
    return not_here


def tries_and_returns():
    try:
        return 1
    except ValueError:
        raise
    import not_here  # noqa: F401


def imports_of_python():
    import json

    return json


def closure():
    module = ase

    def inner():
        return module

    return inner


CASES = [
    (uses_global, {"numpy"}),
    (imports, {"not_here", "also_not"}),
    (may_return_before, set()),
    (may_import, set()),
    (tries_to_import, {"not_here"}),
    (tries_and_returns, set()),
    (imports_of_python, set()),
    (closure(), {"ase"}),
    (lambda: np.pi, {"numpy"}),
]


@pytest.mark.parametrize(("function", "modules"), CASES)
def test_by_value(function, modules, monkeypatch):
    monkeypatch.setattr(function, "__module__", "__main__")
    assert needs(function) == modules
    assert needs(call_and_listen, "job", "", function, (), {}) >= modules  # as `remote` sends it
    assert needs(run_part, Handle.packed(Operation("map", function), "map"), [], b"", "") >= modules


def test_a_module_of_the_users_own_needs_what_it_imports():
    assert needs(may_import) == {"ase", "numpy", "pytest"}


def test_a_module_of_others_stands_for_itself():
    assert needs(np.linalg.norm, 1) == {"numpy"}


def test_arguments():
    assert needs(len, [bulk("Cu")]) >= {"ase", "numpy"}
    assert needs(len, [may_import]) >= {"pytest"}


D3 = {"dispersion": {"model": "d3", "method": "PBE", "damping": "d3bj"}}
RECIPES = [
    (emt.static_job, {}, set()),
    (emt.static_job, {"calc_kwargs": D3}, {"dftd3"}),
    (tblite.relax_job, {}, {"tblite"}),
    (tblite.relax_job.bind(fmax=0.1), {}, {"tblite"}),
    (mlip.static_job, {"calculator": "mace:my.model"}, {"mace-torch"}),
    (mlip.static_job.bind(calculator="sevennet-0"), {}, {"sevenn"}),
    (mlip.static_job, {"calculator": (LennardJones, [], {})}, set()),
    (mlip.static_job, {"calculator": EMT, "calc_kwargs": D3}, {"dftd3"}),
    (mlip.static_job, {"calculator": "no such model"}, set()),  # which the job says
]


@pytest.mark.parametrize(("recipe", "options", "packages"), RECIPES)
def test_codes(recipe, options, packages):
    assert needs(recipe, bulk("Cu"), **options) - {"ase", "numpy"} == packages
    assert needs(call_and_listen, "job", "", recipe, (bulk("Cu"),), options) >= packages
    for stream in (Operation("map", recipe, options), Operation("map", partial(recipe, **options))):
        assert needs(run_part, Handle.packed(stream, "map"), [], b"", "") >= packages


class Unhashable:
    __hash__ = None

    def __call__(self, atoms):
        return atoms

    def method(self, atoms):
        import not_here

        return not_here


def test_a_function_need_not_have_a_hash():
    for function, modules in ((Unhashable(), {"pytest"}), (Unhashable().method, {"pytest", "not_here"})):
        assert needs(run_part, Handle.packed(Operation("map", function), "map"), [], b"", "") >= modules


def test_a_calculation_of_many_structures():
    evaluate = Evaluate(["chgnet", (LennardJones, [], {})], None, "M_", None)
    for function in (evaluate, evaluate.many):
        assert needs(run_part, Handle.packed(Operation("calculate", function), "M"), [], b"", "") >= {"chgnet", "ase"}
