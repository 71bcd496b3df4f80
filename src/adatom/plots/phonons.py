"""Picture of phonon bands and of their density of states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.phonons import Phonons

__all__ = ["draw_phonons"]


def draw_phonons(document: Phonons, figure: Figure) -> None:
    """Draw the bands of a crystal in THz, and beside them the density of states. Imaginary frequencies are below zero.

    Parameters
    ----------
    document
        Phonons document to draw.
    figure
        Empty figure to draw into.
    """
    figure.set_figwidth(6.5)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    bands, dos = document["bands"], document["dos"]
    left.plot(bands["distances"], bands["frequencies"], color="C0", linewidth=1)
    for place in bands["label_distances"]:
        left.axvline(place, color="0.7", linewidth=0.8, zorder=0)
    left.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    left.set_xticks(bands["label_distances"], ["Γ" if name in ("G", "GAMMA") else name for name in bands["labels"]])
    left.set_xlim(0, np.max(bands["distances"]))
    left.set_ylabel("frequency (THz)")
    right.plot(dos["densities"], dos["frequencies"], color="C0", linewidth=1)
    right.set_xlim(left=0)
    right.set_xlabel("states/THz")
