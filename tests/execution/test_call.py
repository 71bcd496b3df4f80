"""What travels to a worker."""

import sys

import cloudpickle
import pytest

from adatom import Failure, change_settings, get_settings, job
from adatom.errors import InputError
from adatom.execution.arguments import Slot, fill, pack_arguments
from adatom.execution.call import header, pack_function


def generator():
    yield 1


# --- Packing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "name", "kind"),
    [
        ((generator(),), {}, "atoms", "generator"),
        ((1, 2, [generator()]), {}, "more", "tuple"),
        ((1,), {"steps": sys._getframe()}, "steps", "frame"),
        ((1,), {"other": {"x": generator()}}, "options", "dict"),
        ((), {"steps": generator()}, "steps", "generator"),  # and no atoms, which is said when it runs
    ],
)
def test_an_argument_that_cannot_travel_is_named(args, kwargs, name, kind):
    def function(atoms, *more, steps=1, **options): ...

    with pytest.raises(InputError, match=f"Argument '{name}' of relax Cu, a {kind}, cannot") as raised:
        pack_arguments("relax Cu", function, args, kwargs)
    assert "Pass plain data" in str(raised.value)
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.timeout(60)
def test_an_argument_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(InputError, match="An argument of work contains itself"):
        job(lambda value: value, name="work")(endless)


def test_a_function_that_cannot_travel_is_named():
    held = generator()
    with pytest.raises(InputError, match="The function of relax Cu cannot be sent"):
        pack_function("relax Cu", lambda: held)


def test_arguments_arrive():
    packed = pack_arguments("x", print, (1, [2]), {"sep": lambda: 3})
    args, kwargs = cloudpickle.loads(packed)
    assert args == (1, [2])
    assert kwargs["sep"]() == 3


def test_the_header_is_made_once_for_the_same_settings():
    first = header()
    assert header() is first
    with change_settings(gzip=not get_settings().gzip):
        assert header() is not first
        assert header() != first
    assert header() is first


def test_slots_are_filled_along_their_paths():
    upstream = [{"a": [7, 8]}, complex(1, 2)]
    arguments = ((Slot(0, (("item", "a"), ("item", 1))), "x"), {"k": [Slot(1, (("attribute", "imag"),)), Slot(0, ())]})
    assert fill(arguments, upstream) == ((8, "x"), {"k": [2.0, {"a": [7, 8]}]})


def test_a_path_ends_at_a_failure():
    failure = Failure("first", None, "ValueError", "x")
    assert fill([Slot(0, (("item", "a"),))], [failure]) == [failure]


# --- Running ----------------------------------------------------------------------------------------------------------
