"""The arguments of calls, and the results that fill places in them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cloudpickle

from adatom.errors import InputError
from adatom.execution.failure import Failure
from adatom.utils.nested import substitute

__all__ = ["Arguments", "Slot", "fill", "follow", "pack_arguments", "read_arguments"]

_Given = tuple[tuple[Any, ...], dict[str, Any]]


class Arguments:
    """Positional and keyword arguments of one call.

    Parameters
    ----------
    given
        Arguments, or their pickle, which was made when the job was called: later changes do not reach it.
    values
        Results for the slots in `given`.
    """

    __slots__ = ("_given", "_values")

    def __init__(self, given: _Given | bytes, values: Sequence[Any] = ()) -> None:
        self._given, self._values = given, values

    @property
    def live(self) -> _Given:
        """Positional and keyword arguments, with results in place of slots."""
        given: _Given = cloudpickle.loads(self._given) if isinstance(self._given, bytes) else self._given
        return fill(given, self._values)

    @property
    def waited(self) -> bool:
        """True if results of other jobs are among the arguments."""
        return bool(self._values)

    def pack(self, name: str, function: Callable[..., Any]) -> bytes:
        """Return the pickled arguments, for `read_arguments`.

        Parameters
        ----------
        name, function
            Name and function of the job, for the message.

        Raises
        ------
        InputError
            An argument cannot be pickled; the message names it.
        """
        if isinstance(self._given, bytes):
            try:
                return self._given + cloudpickle.dumps(self._values) if self._values else self._given
            except Exception:
                pass  # below, the argument is named
        return pack_arguments(name, function, *self.live)


def pack_arguments(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    """Pickle the arguments of a call.

    Parameters
    ----------
    name, function
        Name and function of the job, for the message.
    args, kwargs
        Positional and keyword arguments.

    Raises
    ------
    InputError
        An argument cannot be pickled; the message names it.
    """
    try:
        return cloudpickle.dumps((args, kwargs))
    except Exception as error:
        reason = error
    try:
        given = inspect.signature(function).bind(*args, **kwargs).arguments
    except (TypeError, ValueError):
        given = {**{f"#{i}": item for i, item in enumerate(args)}, **kwargs}
    for key, item in given.items():
        try:
            cloudpickle.dumps(item)
        except Exception as error:
            raise InputError(
                f"Argument {key!r} of {name}, a {type(item).__name__}, cannot be sent to a worker: {error}. "
                "Pass plain data, or make it inside the job."
            ) from error
    raise InputError(f"The arguments of {name} cannot be sent to a worker: {reason}.") from reason


def read_arguments(packed: bytes) -> _Given:
    """Return positional and keyword arguments.

    Parameters
    ----------
    packed
        Pickled arguments and, where these have slots, the pickled results for them behind.
    """
    file = BytesIO(packed)
    given: _Given = cloudpickle.load(file)
    return fill(given, cloudpickle.load(file)) if file.tell() < len(packed) else given


@dataclass(frozen=True)
class Slot:
    """Place in a call's arguments for a result that the engine hands over.

    Attributes
    ----------
    index
        Position among the results that the engine hands over.
    path
        Path of a part of that result, as for `follow`.
    """

    index: int
    path: tuple[tuple[str, Any], ...]


def fill(arguments: Any, upstream: Sequence[Any]) -> Any:
    """Return arguments with results in place of their slots.

    Parameters
    ----------
    arguments
        Nested containers with slots.
    upstream
        Results by the index of their slots.
    """
    if not upstream:
        return arguments
    return substitute(arguments, Slot, lambda slot: follow(upstream[slot.index], slot.path))


def follow(value: Any, path: tuple[tuple[str, Any], ...]) -> Any:
    """Return the part of a result at the end of a path, or the `Failure` met on the way.

    Parameters
    ----------
    value
        Result of a job.
    path
        Pairs of ``"item"`` or ``"attribute"`` and a key.
    """
    for how, key in path:
        if isinstance(value, Failure):
            break
        value = value[key] if how == "item" else getattr(value, key)
    return value
