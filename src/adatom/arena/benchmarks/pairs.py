"""Heteronuclear pairs: two atoms of different elements at many distances."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import combinations
from typing import Any

from ase.data import chemical_symbols

from adatom import subflow
from adatom.arena.benchmark import Size
from adatom.arena.benchmarks.diatomics import DIATOMICS
from adatom.atoms.dimers import diatomic_distances
from adatom.recipes import mlip

__all__ = ["PAIRS"]

_SMALL = (("H", "C"), ("H", "O"), ("C", "O"), ("O", "Mg"), ("O", "Si"), ("O", "Fe"), ("Na", "Cl"), ("Al", "Ni"))
_MEDIUM = ("H", "Li", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ti", "Fe", "Ni", "Cu")
_FULL = chemical_symbols[1 : chemical_symbols.index("Bi") + 1]


def systems(size: Size, elements: Collection[str] | None) -> dict[str, tuple[str, str]]:
    """Return the pairs of a set, such as ``"O-Mg"``; all of the elements that are given."""
    known: Collection[str] = _MEDIUM if size == "medium" else _FULL
    if elements is not None:
        known = sorted(elements, key=chemical_symbols.index)
    pairs = _SMALL if elements is None and size == "small" else tuple(combinations(known, 2))
    return {"-".join(pair): pair for pair in pairs}


@subflow
def pair_flow(pair: tuple[str, str], *, scan_job: Callable[..., Any] = mlip.scan_job) -> dict[str, Any]:
    """Compute the curve of two elements.

    Parameters
    ----------
    pair
        Symbols of the elements.
    scan_job
        Job that computes the pair at all distances.

    Returns
    -------
    dict
        Same as of `adatom.recipes.mlip.diatomic_flow`.
    """
    return mlip.diatomic_flow(*pair, scan_job=scan_job)


PAIRS = replace(
    DIATOMICS,
    name="pairs",
    title="Heteronuclear pairs",
    about=DIATOMICS.about.replace("Two atoms of an element", "Two atoms of different elements"),
    systems=systems,
    flow=pair_flow,
    calls=lambda pair: (len(diatomic_distances(*pair)), 2),
)
