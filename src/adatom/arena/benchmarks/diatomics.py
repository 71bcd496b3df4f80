"""Homonuclear diatomics: two atoms of each element at many distances."""

from __future__ import annotations

from collections.abc import Collection

from ase.data import chemical_symbols

from adatom.arena.benchmark import Benchmark, Metric, Size
from adatom.atoms.dimers import diatomic_distances
from adatom.recipes.mlip import diatomic_flow

__all__ = ["DIATOMICS"]

#: The small set has one element of each kind, the medium set those that most models are trained on.
_SMALL = ("H", "C", "O", "Na", "Al", "Si", "Fe", "Cu")
_LAST = {"medium": "Bi", "full": "Og"}


def systems(size: Size, elements: Collection[str] | None) -> dict[str, str]:
    """Return the elements of a set by their symbols."""
    wanted = _SMALL if size == "small" else chemical_symbols[1 : chemical_symbols.index(_LAST[size]) + 1]
    if elements is not None:
        wanted = chemical_symbols[1:]
    return {symbol: symbol for symbol in wanted if elements is None or symbol in elements}


DIATOMICS = Benchmark(
    name="diatomics",
    title="Homonuclear diatomics",
    about="Two atoms of an element from deep in their repulsion to far apart. A physical curve has one well, a "
    "repulsion that only grows, and forces that are the derivative of the energy.",
    systems=systems,
    flow=diatomic_flow,
    document="diatomic_curve",
    metrics=(
        Metric("conservation_deviation", "mean deviation of the force from the slope of the energy", 0.0, 1.0, "eV/Å"),
        Metric("tortuosity", "total variation of the energy in parts of that of one well", 1.0, 3.0),
        Metric("energy_flips", "changes of direction of the energy", 1, 5),
        Metric("force_flips", "changes of sign of the force", 1, 5),
        Metric("energy_jump", "sum of the steps at the turns of the energy", 0.01, 1.0, "eV", logarithmic=True),
        Metric("repulsion", "rank correlation of distance and energy before the minimum", -1.0, 0.0),
        Metric("attraction", "rank correlation of distance and energy behind the minimum", 1.0, 0.0),
        Metric("force_repulsion", "rank correlation of distance and force before the lowest force", -1.0, 0.0),
        Metric("force_attraction", "rank correlation of distance and force behind the lowest force", 1.0, 0.0),
    ),
    curves=(("distances", "energies"), ("distances", "forces")),
    calls=lambda symbol: (len(diatomic_distances(symbol, symbol)), 2),
    citation="Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE",
)
