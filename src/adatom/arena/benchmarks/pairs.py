"""Heteronuclear pairs: two atoms of different elements at many distances."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import combinations

from ase.data import chemical_symbols

from adatom import subflow
from adatom.arena.benchmark import Size
from adatom.arena.benchmarks.diatomics import DIATOMICS
from adatom.atoms.dimers import diatomic_distances
from adatom.recipes.mlip import diatomic_flow, scan_job

__all__ = ["PAIRS"]

_SMALL = (("H", "C"), ("H", "O"), ("C", "O"), ("Na", "Cl"), ("Mg", "O"), ("Al", "Ni"), ("Si", "O"), ("Fe", "O"))
_ELEMENTS = {"medium": ("H", "Li", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ti", "Fe", "Ni", "Cu")}


def systems(size: Size, elements: Collection[str] | None) -> dict[str, tuple[str, str]]:
    """Return the pairs of a set, such as ``"Na-Cl"``; all of the elements that are given."""
    if elements is None and size == "small":
        pairs = list(_SMALL)
    else:
        known = chemical_symbols[1 : chemical_symbols.index("Bi") + 1]
        pairs = list(
            combinations(sorted(elements, key=chemical_symbols.index) if elements else _ELEMENTS.get(size, known), 2)
        )
    return {"-".join(pair): pair for pair in pairs}


@subflow
def pair_flow(pair: tuple[str, str], *, scan_job=scan_job, arena_compat: bool = False):  # type: ignore[no-untyped-def]
    """Compute the curve of a pair of elements."""
    return diatomic_flow(*pair, scan_job=scan_job, arena_compat=arena_compat)


PAIRS = replace(
    DIATOMICS,
    name="pairs",
    title="Heteronuclear pairs",
    about=DIATOMICS.about.replace("Two atoms of an element", "Two atoms of different elements"),
    systems=systems,
    flow=pair_flow,
    calls=lambda pair: (len(diatomic_distances(*pair)), 2),
)
