"""Digest of things that refer to one another in circles, which does not depend on the order in which they are met."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adatom.cache.unhashable import digest

__all__ = ["refined"]


def refined(texts: Sequence[str], references: Sequence[Sequence[Any]]) -> str:
    """Return a digest of the first of several things.

    Two first things have one digest if, and only if, no sequence of references leads from them to different texts.

    Parameters
    ----------
    texts
        Text of each thing, without what it refers to.
    references
        Numbers of the things that each refers to, in order; a tuple stands for several that form a group.
    """
    labels = [digest(text) for text in texts]
    wholes = [tuple(refers) for refers in references]
    kinds = 0
    while kinds < (kinds := len(set(labels))):  # each round tells as many apart as the last, or more
        before = labels
        groups: dict[int, str] = {}
        labels = [digest(label + _label(whole, labels, groups)) for label, whole in zip(labels, wholes, strict=True)]
    return digest(repr((labels[0], sorted(set(zip(before, labels, strict=True))))))


def _label(reference: Any, labels: Sequence[str], groups: dict[int, str]) -> str:
    if not isinstance(reference, tuple):
        return labels[reference]
    if id(reference) not in groups:
        groups[id(reference)] = digest(",".join(_label(item, labels, groups) for item in reference))
    return groups[id(reference)]
