"""Picture of a reaction path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adatom.plots.style import COLORS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.path import ReactionPath

__all__ = ["draw_path"]


def draw_path(document: ReactionPath, figure: Figure) -> None:
    """Draw the energies along a path in eV against its length in Å, and the curve through them.

    Parameters
    ----------
    document
        Reaction path to draw.
    figure
        Empty figure to draw into.
    """
    axes = figure.subplots()
    axes.plot(document["curve_coordinates"], document["curve_energies"], color=COLORS[0])
    axes.plot(document["coordinates"], document["energies"], "o", color=COLORS[1])
    axes.set_xlabel("reaction coordinate (Å)")
    axes.set_ylabel("relative energy (eV)")
    axes.set_title(
        f"barrier {document['forward_barrier']:.3f} eV, back {document['reverse_barrier']:.3f} eV", fontsize="medium"
    )
