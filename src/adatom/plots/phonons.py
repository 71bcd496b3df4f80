"""Picture of phonon bands and of their density of states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from adatom.plots.style import COLORS, GREY

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from adatom.analysis.phonon_bands import Bands
    from adatom.analysis.phonons import Phonons

__all__ = ["draw_phonons"]

#: Width of a letter at a special point, in parts of the length of the path.
_LETTER = 0.018


def draw_phonons(document: Phonons, figure: Figure) -> None:
    """Draw the bands of a crystal in THz, and beside them the density of states. Imaginary frequencies are below zero.

    At a jump of the path, the bands are interrupted, and the names of both points stand there: ``K|U``. So are those of
    a polar crystal at Γ, where each segment has its own limit.

    Parameters
    ----------
    document
        Phonons document to draw.
    figure
        Empty figure to draw into.
    """
    from adatom.analysis.phonons import IMAGINARY

    figure.set_figwidth(7.0)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[4, 1])
    bands, dos = document["bands"], document["dos"]
    _draw_bands(left, bands)
    imaginary = document["lowest_frequency"] < -IMAGINARY
    left.set_ylabel("frequency (THz), imaginary below 0" if imaginary else "frequency (THz)")
    right.plot(dos["densities"], dos["frequencies"], color=COLORS[0], linewidth=1)
    right.axhline(0, **GREY)
    right.set_xlim(left=0)
    right.set_xlabel("states/THz")
    primitive = document["primitive"]
    figure.suptitle(
        f"{primitive.get_chemical_formula()}, {document['space_group']}, {primitive.get_volume():.2f} Å³",
        fontsize="medium",
    )


def _draw_bands(axes: Axes, bands: Bands) -> None:
    distances = np.asarray(bands["distances"])
    jumps = np.flatnonzero(np.diff(distances) == 0) + 1
    axes.plot(
        np.insert(distances, jumps, np.nan),
        np.insert(np.asarray(bands["frequencies"]), jumps, np.nan, axis=0),
        color=COLORS[0],
        linewidth=1,
    )
    labels: dict[float, str] = {}
    for place, name in zip(bands["label_distances"], bands["labels"], strict=True):
        shown = "Γ" if name in ("G", "GAMMA") else name
        labels[place] = f"{labels[place]}|{shown}" if labels.get(place, shown) != shown else shown
    for place in labels:
        axes.axvline(place, **GREY)
    axes.axhline(0, **GREY)
    axes.set_xticks(list(labels), _lowered(list(labels.values()), np.array(list(labels)) / distances.max()))
    axes.set_xlim(0, distances.max())


def _lowered(names: Sequence[str], places: Sequence[float]) -> list[str]:
    """Return names at places between 0 and 1, with a name on a lower line where it would touch another."""
    ends: list[float] = []  # of the last name on each line
    shown = []
    for name, place in zip(names, places, strict=True):
        half = (len(name) + 1) * _LETTER / 2
        line = next((line for line, end in enumerate(ends) if end <= place - half), len(ends))
        ends[line : line + 1] = [place + half]
        shown.append("\n" * line + name)
    return shown
