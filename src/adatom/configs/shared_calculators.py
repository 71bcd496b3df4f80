"""Packing of the items of a stream. A calculator that many structures share is sent to each worker once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from adatom.configs.columns import pack
from adatom.configs.handle import Handle
from adatom.configs.results import known_results

__all__ = ["ItemPacker"]

_KEPT = 8  # shared calculators that are remembered here; a worker remembers more


class ItemPacker:
    """Packer of the items of a stream, which sends each shared calculator once.

    Calculators may be large, and then make up most of the data. A calculator that structures of two consecutive batches
    have is sent to each worker once.

    Parameters
    ----------
    send
        Function that returns for a calculator the handle that a worker loads it from. None: calculators stay in this
        process, and only the results that they hold for their structures are packed.
    """

    def __init__(self, send: Callable[[Any], Handle] | None) -> None:
        self._send = send
        self._before: dict[int, Any] = {}  # calculators of the previous batch, by id
        self._sent: dict[int, tuple[Any, Handle]] = {}  # holds the calculator, so that no other object gets its id

    def pack(self, items: Sequence[Any]) -> bytes:
        """Return the items as bytes for `adatom.configs.columns.unpack`.

        Parameters
        ----------
        items
            Items to pack. They are not changed.
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
        seen: dict[int, Any] = {}  # by id: a structure that occurs twice stays one object
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
    """Stand-in for a calculator in packed items, which unpickles as that calculator."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle

    def __reduce__(self) -> Any:
        return _load, (self.handle,)


def _load(handle: Handle) -> Any:
    return handle.load()


def _with_calculators(item: Any) -> Iterator[Atoms]:
    """Yield the structures of an item that have a calculator which computes."""
    if isinstance(item, Atoms):
        if item.calc is not None and type(item.calc) is not SinglePointCalculator:
            yield item
    elif isinstance(item, list):
        for each in item:
            yield from _with_calculators(each)
