"""Unknown keyword arguments are answered with the right name, and all else is as without the decorator."""

import inspect
import pickle
from dataclasses import dataclass
from functools import partial

import cloudpickle
import pytest

from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate
from adatom.errors import ArgumentsError
from adatom.utils.keywords import named_arguments, refuse_unknown


@named_arguments
def scaled(value, *, factor: float = 2.0):
    """Scale a value."""
    return factor * value


@named_arguments
@dataclass(frozen=True)
class Pair:
    first: int = 1
    second: int = 2


def test_a_function():
    assert scaled(3) == scaled(value=3, factor=2) == 6
    assert (scaled.__name__, scaled.__doc__) == ("scaled", "Scale a value.")
    assert str(inspect.signature(scaled)) == "(value, *, factor: float = 2.0)"
    with pytest.raises(
        ArgumentsError, match=r"parameter of scaled 'factr'. Did you mean 'factor'\? Valid: factor, value."
    ):
        scaled(3, factr=2)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        scaled()


def test_a_class():
    assert Pair(second=5) == Pair(1, 5)
    assert str(inspect.signature(Pair)) == "(first: int = 1, second: int = 2) -> None"
    with pytest.raises(ArgumentsError, match="parameter of Pair 'secnd'. Did you mean 'second'"):
        Pair(secnd=5)


@pytest.mark.parametrize("travel", [pickle, cloudpickle])
def test_they_travel(travel):
    for one in (scaled, calculate, Pair(3), AutoparaInfo(workers=2)):
        assert travel.loads(travel.dumps(one)) == one
    assert isinstance(travel.loads(travel.dumps(OutputSpec("a.xyz"))), OutputSpec)
    assert len(travel.loads(travel.dumps(ConfigSet()))) == 0


def test_functions_of_which_the_parameters_are_unknown_or_any_take_all():
    refuse_unknown(dict, "dict", ["zzz"], [])
    refuse_unknown(lambda atoms, **kwargs: atoms, "open", ["zzz"], [])
    with pytest.raises(ArgumentsError, match="Did you mean 'factor'"):
        refuse_unknown(partial(scaled, 3), "scaled", ["factr"], ["seed"])
    with pytest.raises(ArgumentsError, match="Did you mean 'seed'"):
        refuse_unknown(scaled, "scaled", ["sed"], ["seed"])
