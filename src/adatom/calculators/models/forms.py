"""Forms in which a calculator may be given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ase.calculators.calculator import BaseCalculator

from adatom.errors import InputError

__all__ = ["Calculator", "Triple", "refuse_list", "triple"]

Triple = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]
Calculator = str | BaseCalculator | type[BaseCalculator] | Callable[..., BaseCalculator] | Triple | None


def refuse_list(calculator: Any) -> None:
    """Refuse a list of constructor, positional arguments and keyword arguments, which has to be a tuple.

    Parameters
    ----------
    calculator
        Calculator that was given; anything but such a list is left alone.

    Raises
    ------
    InputError
        It is such a list: other lists are committees.
    """
    match calculator:
        case [make, list() | tuple(), Mapping()] if isinstance(calculator, list) and callable(make):
            name = getattr(make, "__name__", repr(make))
            raise InputError(
                f"The calculator is the list {calculator!r}. Did you mean the tuple ({name}, {calculator[1]!r}, "
                f"{calculator[2]!r})?"
            )


def triple(calculator: tuple[Any, ...]) -> Triple:
    """Return the constructor, positional arguments and keyword arguments of a calculator that is given as a tuple.

    Parameters
    ----------
    calculator
        Calculator that was given.

    Raises
    ------
    InputError
        The tuple has another form.
    """
    if len(calculator) != 3 or not callable(calculator[0]) or not isinstance(calculator[2], Mapping):
        raise InputError(
            f"The calculator is {calculator!r}. As a tuple it is (constructor, [arguments], {{keyword arguments}})."
        )
    return calculator[0], calculator[1] or (), calculator[2]
