"""Look that all pictures share."""

from __future__ import annotations

from typing import Any

__all__ = ["COLORS", "GREY", "marker"]

#: Colours in the order in which curves take them. Colour-blind readers can tell them apart: Petroff, arXiv:2107.02270.
COLORS = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
#: Look of lines that show a place and no data.
GREY: dict[str, Any] = {"color": "0.7", "linewidth": 0.8, "zorder": 0}

#: Fewer points than this are marked, since a line alone hides where they are, and one point has no line.
_FEW = 20


def marker(count: int) -> str:
    """Return matplotlib's name of the marker of the points of a curve; empty for a curve of many points.

    Parameters
    ----------
    count
        Number of points of the curve.
    """
    return "." if count < _FEW else ""
