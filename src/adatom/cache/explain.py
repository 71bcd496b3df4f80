"""Explanation of a hit or a miss: the pieces in which a key differs from stored ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field

from adatom.cache.index import Index
from adatom.cache.key import Key
from adatom.cache.store import Store

__all__ = ["Difference", "Explanation", "explain_key"]


_HASHED = re.compile(r"\S*[0-9a-f]{32}$")


@dataclass(frozen=True)
class Difference:
    """One piece in which a call differs from a stored one.

    Attributes
    ----------
    part
        Name of the piece: ``"source"``, a parameter, or a piece of one such as ``"atoms.positions"``.
    now
        Text of the piece in the call, a digest if it is long; empty if the call has no such piece.
    stored
        Text of the piece in the stored call, a digest if it is long; empty if the stored call has no such piece.
    code
        Names of the functions and classes whose code differs; empty unless `part` is ``"source"``.
    """

    part: str
    now: str
    stored: str
    code: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.code:
            return f"{self.part}: {', '.join(self.code)} changed"
        if _HASHED.search(self.now) and _HASHED.search(self.stored):
            return f"{self.part}: not the same"
        now, stored = (_HASHED.sub("there", text) or "not there" for text in (self.now, self.stored))
        return f"{self.part}: {now}, stored: {stored}"


@dataclass(frozen=True)
class Explanation:
    """Answer to the question if a call is in the store and, on a miss, how it differs from the nearest stored one.

    Attributes
    ----------
    hit
        Whether the call would be answered from the store.
    key
        Digest of the key of the call; empty if the call has no key.
    recipe
        Module and name of the function, ``module:name``.
    reason
        Explanation in one sentence, for people.
    nearest
        Digest of the stored key that differs least; empty if the store has no result of this recipe.
    differences
        Pieces in which the key differs from `nearest`; empty on a hit.
    """

    hit: bool
    key: str
    recipe: str
    reason: str
    nearest: str = ""
    differences: tuple[Difference, ...] = field(default=())

    def __str__(self) -> str:
        lines = [f"{'hit' if self.hit else 'miss'}: {self.recipe} {self.key}".rstrip(), f"  {self.reason}"]
        return "\n".join([*lines, *(f"  {difference}" for difference in self.differences)])


def explain_key(store: Store, key: Key) -> Explanation:
    """Say if a key is in a store and, on a miss, how it differs from the nearest stored one.

    Parameters
    ----------
    store
        Store to look in; nothing is written but its index.
    key
        Key of the call to explain.
    """
    there = store.entry(key.digest)
    if there is not None and there.key == key.digest:
        return Explanation(True, key.digest, key.recipe, "The result is stored.")
    others = []
    if store.directory.is_dir():
        with closing(Index(store)) as index:
            others = [entry for entry in index.entries(key.recipe) if entry.key != key.digest]
    if not others:
        return Explanation(False, key.digest, key.recipe, f"No result of {key.recipe} is in {store.directory}.")
    # Entries come newest first, and `min` takes the first of several that differ as little.
    nearest = min(others, key=lambda entry: len(_unlike(key.parts, entry.parts)))
    differences = tuple(
        Difference(name, key.parts.get(name, ""), nearest.parts.get(name, ""), _code(store, key, nearest.parts, name))
        for name in _unlike(key.parts, nearest.parts)
    )
    reason = f"Of {len(others)} stored results of this recipe the nearest, {nearest.key}, differs in:"
    return Explanation(False, key.digest, key.recipe, reason, nearest.key, differences)


def _unlike(now: Mapping[str, str], stored: Mapping[str, str]) -> list[str]:
    return [name for name in sorted(now.keys() | stored.keys()) if now.get(name) != stored.get(name)]


def _code(store: Store, key: Key, stored: Mapping[str, str], name: str) -> tuple[str, ...]:
    if name != "source" or "source" not in stored:
        return ()
    return tuple(_unlike(key.source, store.source(stored["source"])))
