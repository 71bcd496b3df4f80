"""`Operation`: a function that is applied to each item of a stream, with its options."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import numpy as np
from ase import Atoms

from adatom.cache.canonical import UnhashableError
from adatom.cache.packages import is_library
from adatom.cache.reduced import find_importable
from adatom.cache.source import source_of
from adatom.configs.extxyz_writer import frame_text
from adatom.execution.needs import Need, needs_said

__all__ = ["Operation", "Shape", "count_structures"]

Shape = int | None
"""Output of an item: None for one structure, else the number of structures in its group; 0 for no output."""


def count_structures(shapes: Iterable[Shape]) -> int:
    """Return the number of structures in the outputs of several items.

    Parameters
    ----------
    shapes
        Shape of each item's output.
    """
    return sum(1 if shape is None else shape for shape in shapes)


@dataclass(frozen=True)
class Operation:
    """Function that is applied to each item of a stream, with its options.

    Attributes
    ----------
    name
        Name of the operation in messages.
    function
        Function of an item, or with `whole` of a list of items, which returns a structure, a list of structures, or
        None for each item.
    kwargs
        Other arguments of the function, the same for all items.
    on_error
        Treatment of items that fail, same as in `adatom.configs.map`.
    retries
        Number of further attempts for an item for which the function raised.
    restarts
        Number of further attempts for an item whose worker died.
    mark
        Key of `Atoms.info` under which a structure that failed has the cause.
    seed
        Seed of the random numbers that the function is given as ``rng``; None: no ``rng`` is given.
    whole
        True if the function takes a list of items.
    calculators
        True if the function may use the calculators that structures have.
    prefix
        Prefix of the names of a recipe's results in its structure; None: they are results of its calculator.
    initializer
        Function without arguments that is called once in each worker, before anything else; None: no function.
    tags
        Entries that are added to `Atoms.info` of every output.
    write_kwargs
        Arguments of the writer of extended XYZ, if outputs are returned as text; None: they are structures.
    checks
        Functions that raise an exception for a structure that the output file does not hold.
    adds
        True if the function adds to a structure and changes nothing else, so that one which the output file does not
        hold need not be computed.
    """

    name: str
    function: Callable[..., Any]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    on_error: str = "raise"
    retries: int = 0
    restarts: int = 0
    mark: str = "failed"
    seed: int | None = None
    whole: bool = False
    calculators: bool = True
    prefix: str | None = None
    initializer: Callable[[], Any] | None = None
    tags: Mapping[str, Any] = field(default_factory=dict)
    write_kwargs: Mapping[str, Any] | None = None
    checks: tuple[Callable[[Atoms], Any], ...] = ()
    adds: bool = False

    @property
    def imported(self) -> list[Any]:
        """Functions and classes of the user's modules that a worker imports: their code may be another one there."""
        members = getattr(getattr(self.function, "__self__", self.function), "members", ())
        given = [self.function, *members, *self.kwargs.values()]
        given = [each[0] if isinstance(each, tuple) and each else each for each in given]
        code = [each if isinstance(each, FunctionType | type) else getattr(each, "fn", type(each)) for each in given]
        return [each for each in code if _is_imported(each)]

    @property
    def needs(self) -> list[Need]:
        """Functions that the operation calls, and packages that these say they need."""
        owner = getattr(self.function, "__self__", self.function)
        return [self.function, *needs_said(owner, (None,), self.kwargs)]

    def random(self, number: int) -> dict[str, Any]:
        """Return the argument ``rng`` for an item, which depends on nothing but the seed and the item's number.

        Parameters
        ----------
        number
            Index of the item in the whole stream.
        """
        if self.seed is None:
            return {}
        return {"rng": np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))}

    def stored(self, structures: Iterable[Atoms]) -> bytes:
        """Return structures as text, or nothing if they are not returned as text.

        Parameters
        ----------
        structures
            Structures of an output.

        Raises
        ------
        InputError
            The output file does not hold a structure.
        """
        if self.write_kwargs is not None:
            return "".join([frame_text(atoms, self.write_kwargs) for atoms in structures]).encode()
        if self.checks:
            for atoms in structures:
                for check in self.checks:
                    check(atoms)
        return b""

    def failed(self, item: Any) -> list[Atoms]:
        """Return the structures that are the output of an item that failed.

        Parameters
        ----------
        item
            Item as it was given to the function.
        """
        kept = [item] if isinstance(item, Atoms) else item if isinstance(item, list) else []
        return [atoms for atoms in kept if isinstance(atoms, Atoms)] if self.on_error in ("keep", "retry") else []


def _is_imported(code: Any) -> bool:
    if code.__module__ == "__main__" or is_library(code) or not find_importable(code):
        return False
    try:
        source_of(code)
    except UnhashableError:  # it reaches a lock or the like
        return False
    return True
