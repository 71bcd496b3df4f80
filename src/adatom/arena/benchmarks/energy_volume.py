"""Energies of crystals by their volume, from half of it to almost twice as much."""

from __future__ import annotations

from adatom.arena.benchmark import Benchmark, Metric
from adatom.arena.systems import crystals
from adatom.recipes.mlip import energy_volume_flow

__all__ = ["ENERGY_VOLUME"]

ENERGY_VOLUME = Benchmark(
    name="energy-volume",
    title="Energy by volume",
    about="A crystal without relaxation, from half of its volume to almost twice as much. A physical curve has one "
    "minimum, and a pressure that only rises in compression.",
    systems=crystals,
    flow=energy_volume_flow,
    document="energy_volume_curve",
    metrics=(
        Metric("tortuosity", "total variation of the energy in parts of that of one minimum", 1.0, 3.0),
        Metric("energy_flips", "changes of direction of the energy", 1, 5),
        Metric("compression", "rank correlation of volume and energy below the minimum", -1.0, 0.0),
        Metric("tension", "rank correlation of volume and energy above the minimum", 1.0, 0.0),
        Metric("derivative_compression", "rank correlation of volume and slope below the minimum", 1.0, 0.0),
    ),
    curves=(("volumes", "energies"),),
    calls=lambda atoms: (21, len(atoms)),
    citation="Y. Chiang et al., MLIP Arena, AI4Mat workshop at ICLR (2025), https://openreview.net/forum?id=ysKfIavYQE",
)
