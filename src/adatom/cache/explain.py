"""Why a job would run, or would not."""

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
    """What is not the same.

    Attributes
    ----------
    part
        The recipe's source, a parameter, or what of a structure.
    now
        What it is in the call; empty if it has no such part.
    stored
        What it was when the stored result was computed. Of long values both are digests.
    code
        Of the source: the functions that are not the same.
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
    """Whether a call is in the store and, if it is not, what differs from the nearest one that is.

    Attributes
    ----------
    hit
        Whether the call would be answered from the store.
    key
        The key of the call; empty where it has none.
    recipe
        Module and name of the function.
    reason
        In a sentence.
    nearest
        The key of the stored result that differs least; empty if there is none of this recipe.
    differences
        In what.
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
    """Say whether a key is in a store and, if it is not, what differs from the nearest one that is.

    Parameters
    ----------
    store
        The store.
    key
        The key.
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
    nearest = min(others, key=lambda entry: len(_unlike(key.parts, entry.parts)))  # the newest of equals
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
