"""Picture of a crystal in the quasi-harmonic approximation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from adatom.plots.style import COLORS, marker

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.qha import QuasiHarmonic

__all__ = ["draw_qha"]


def draw_qha(document: QuasiHarmonic, figure: Figure) -> None:
    """Draw volume, thermal expansion and bulk modulus against temperature.

    Parameters
    ----------
    document
        Quasi-harmonic document to draw.
    figure
        Empty figure to draw into.
    """
    figure.set_figheight(6.0)
    panels = figure.subplots(3, 1, sharex=True)
    shown = {
        "volume (Å³)": document["volumes"],
        "expansion (10⁻⁶/K)": 1e6 * np.asarray(document["thermal_expansion"]),
        "bulk modulus (GPa)": document["bulk_moduli"],
    }
    for axes, (label, values) in zip(panels, shown.items(), strict=True):
        axes.plot(document["temperatures"], values, marker=marker(len(values)), color=COLORS[0])
        axes.set_ylabel(label)
    panels[-1].set_xlabel("temperature (K)")
