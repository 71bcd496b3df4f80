"""Picture of the convergence of a property with settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.convergence import Convergence

__all__ = ["draw_convergence"]


def draw_convergence(document: Convergence, figure: Figure) -> None:
    """Draw, for each setting, the difference of the property from that at the last value of the setting.

    Parameters
    ----------
    document
        Convergence document to draw.
    figure
        Empty figure to draw into.
    """
    settings = list(document["chosen"])
    figure.set_figheight(1.2 + 2.4 * len(settings))
    panels = figure.subplots(len(settings), 1, squeeze=False)[:, 0]
    for setting, axes in zip(settings, panels, strict=True):
        rows = [row for row in document["table"] if row["setting"] == setting and row["difference"] is not None]
        names = [str(row["value"]) for row in rows]
        axes.semilogy(range(len(rows) - 1), [row["difference"] for row in rows[:-1]], "o-")
        axes.axhline(document["tolerance"], color="0.7", linewidth=0.8)
        axes.axvline(names.index(str(document["chosen"][setting])), color="C1", linewidth=0.8)
        axes.set_xticks(range(len(rows)), names)
        axes.set_xlabel(setting)
        axes.set_ylabel(f"|Δ {document['property'].rpartition('.')[2]}|")
