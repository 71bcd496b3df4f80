"""The calculators that structures bring along, on their way to workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from adatom.configs.columns import pack
from adatom.configs.handle import Handle
from adatom.configs.results import known_results

__all__ = ["Attached"]

_KEPT = 8  # calculators that many structures share; a worker keeps more


class Attached:
    """Packs the items of a stream.

    Calculators may be large, and are then most of what is sent: one that structures of two batches in a row have is
    sent to each worker once.

    Parameters
    ----------
    send
        Makes of a calculator what a worker loads it from; None: the calculators stay here, and what they know of their
        structures goes along.
    """

    def __init__(self, send: Callable[[Any], Handle] | None) -> None:
        self._send = send
        self._before: dict[int, Any] = {}  # calculators of the batch before
        self._sent: dict[int, tuple[Any, Handle]] = {}  # with the calculator, so that its id is no other's

    def pack(self, items: Sequence[Any]) -> bytes:
        """The items, for `adatom.configs.columns.unpack`.

        Parameters
        ----------
        items
            The items. They stay as they are.
        """
        here = {id(atoms.calc): atoms.calc for item in items for atoms in _with_calculators(item)}
        if not here:
            return pack(items)
        if self._send is not None:
            for key in here.keys() & self._before.keys() - self._sent.keys():
                while len(self._sent) >= _KEPT:
                    del self._sent[next(iter(self._sent))]
                self._sent[key] = here[key], self._send(here[key])
        self._before = here
        seen: dict[int, Any] = {}  # so that a structure that is there twice still is
        return pack([self._as_sent(item, seen) for item in items])

    def _as_sent(self, item: Any, seen: dict[int, Any]) -> Any:
        if isinstance(item, list):
            return [self._as_sent(each, seen) for each in item]
        if not any(_with_calculators(item)):
            return item
        if id(item) not in seen:
            seen[id(item)] = changed = copy(item)
            changed.__dict__["_calc"] = self._of(item)
        return seen[id(item)]

    def _of(self, atoms: Atoms) -> Any:
        if self._send is None:
            results = known_results(atoms)
            return SinglePointCalculator(atoms, **results) if results else None
        found = self._sent.get(id(atoms.calc))
        return _Sent(found[1]) if found else atoms.calc


class _Sent:
    """What is packed in place of a calculator, which comes out."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle

    def __reduce__(self) -> Any:
        return _load, (self.handle,)


def _load(handle: Handle) -> Any:
    return handle.load()


def _with_calculators(item: Any) -> Iterator[Atoms]:
    """The structures of an item whose calculators compute."""
    if isinstance(item, Atoms):
        if item.calc is not None and type(item.calc) is not SinglePointCalculator:
            yield item
    elif isinstance(item, list):
        for each in item:
            yield from _with_calculators(each)
