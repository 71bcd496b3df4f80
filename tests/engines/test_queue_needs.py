"""Modules that a job needs in any case."""

import ase
import cloudpickle
import numpy as np
import pytest

from adatom.engines.queue.needs import needed_modules


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
    (imports_of_python, set()),
    (closure(), {"ase"}),
    (lambda: np.pi, {"numpy"}),
]


@pytest.mark.parametrize(("function", "modules"), CASES)
def test_by_value(function, modules, monkeypatch):
    monkeypatch.setattr(function, "__module__", "__main__")
    assert needed_modules(cloudpickle.dumps(function)) == modules


def test_a_module_of_the_users_own_needs_what_it_imports():
    assert needed_modules(cloudpickle.dumps(may_import)) == {"ase", "numpy", "pytest"}


def test_a_module_of_others_stands_for_itself():
    assert needed_modules(cloudpickle.dumps(np.linalg.norm)) == {"numpy"}
