"""Picture of the elastic constants of a crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.elastic import Elasticity

__all__ = ["draw_elasticity"]

_AXES = ("xx", "yy", "zz", "yz", "xz", "xy")


def draw_elasticity(document: Elasticity, figure: Figure) -> None:
    """Draw the elastic tensor in IEEE axes in GPa, as a table in colours.

    Parameters
    ----------
    document
        Elasticity document to draw.
    figure
        Empty figure to draw into.
    """
    axes = figure.subplots()
    tensor = np.array(document["elastic_tensor"]["ieee_format"])
    largest = np.abs(tensor).max()
    image = axes.imshow(tensor, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for (row, column), value in np.ndenumerate(tensor):
        shown = f"{value:.0f}".replace("-0", "0") if abs(value) < 0.5 else f"{value:.0f}"
        color = "white" if abs(value) > 0.6 * largest else "black"
        axes.text(column, row, shown, ha="center", va="center", color=color, fontsize="small")
    axes.set_xticks(range(6), _AXES)
    axes.set_yticks(range(6), _AXES)
    figure.colorbar(image, label="elastic tensor (GPa)")
    bulk, shear = (document[name]["vrh"] for name in ("bulk_modulus", "shear_modulus"))
    axes.set_title(f"K = {bulk:.1f} GPa, G = {shear:.1f} GPa", fontsize="medium")
