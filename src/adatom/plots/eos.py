"""Picture of an equation of state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adatom.plots.style import COLORS, GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.eos import EquationOfState

__all__ = ["draw_eos"]


def draw_eos(document: EquationOfState, figure: Figure) -> None:
    """Draw the points and the equation that was fitted to them, in Å³ and eV.

    Parameters
    ----------
    document
        Equation of state to draw.
    figure
        Empty figure to draw into.
    """
    from adatom.analysis.eos import energies_of

    axes = figure.subplots()
    volumes = np.asarray(document["volumes"])
    grid = np.linspace(volumes.min(), volumes.max(), 200)
    axes.plot(grid, energies_of(document, grid), color=COLORS[0], label=document["equation"].replace("_", "-"))
    axes.plot(volumes, document["energies"], "o", color=COLORS[1], label="computed")
    axes.axvline(document["v0"], **GREY)
    axes.set_xlabel("volume of the cell (Å³)")
    axes.set_ylabel("energy (eV)")
    axes.set_title(f"K = {document['bulk_modulus']:.1f} GPa, V₀ = {document['v0']:.3f} Å³", fontsize="medium")
    axes.legend(frameon=False)
