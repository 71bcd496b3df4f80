"""Pictures of surface energies and of energies of adsorption."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from adatom.plots.style import COLORS, GREY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.surfaces import AdsorptionEnergies, SurfaceEnergies, SurfaceEnergy

__all__ = ["draw_adsorption_energies", "draw_surface_energies"]


def draw_surface_energies(document: SurfaceEnergies, figure: Figure) -> None:
    """Draw surface energies in J/m², a row for each surface. A surface without an energy has a row without a point.

    Surfaces with the same Miller index are told apart by their shifts.

    Parameters
    ----------
    document
        Surface energies to draw.
    figure
        Empty figure to draw into.
    """
    surfaces = document["surfaces"]
    times = Counter(map(_name, surfaces))
    names = [
        f"{_name(each)}, shift {each['shift']:.3g}" if times[_name(each)] > 1 else _name(each) for each in surfaces
    ]
    _draw_rows(figure, names, [each["surface_energy"] for each in surfaces], "surface energy (J/m²)")


def draw_adsorption_energies(document: AdsorptionEnergies, figure: Figure) -> None:
    """Draw the energies of adsorption in eV, a row for each site. A site without an energy has a row without a point.

    Parameters
    ----------
    document
        Adsorption energies to draw.
    figure
        Empty figure to draw into.
    """
    names = [f"{each['site']} {each['site_index']}" for each in document["sites"]]
    energies = [each["adsorption_energy"] for each in document["sites"]]
    _draw_rows(figure, names, energies, f"adsorption energy of {document['adsorbate']} (eV)")


def _name(surface: SurfaceEnergy) -> str:
    return f"({' '.join(map(str, surface['miller_index']))}){' turned' if surface['flipped'] else ''}"


def _draw_rows(figure: Figure, names: Sequence[str], energies: Sequence[float | None], label: str) -> None:
    """Draw named energies as points, one below the other: the axis need not begin at 0, and no two numbers touch."""
    figure.set_figheight(0.9 + 0.28 * max(len(names), 4))
    axes = figure.subplots()
    for row, energy in enumerate(energies):
        axes.axhline(row, **GREY)
        if energy is not None:
            axes.plot(energy, row, "o", color=COLORS[0])
            axes.annotate(
                f"{energy:.2f}",
                (energy, row),
                (7, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )
    shown = [name if energy is not None else f"{name}: none" for name, energy in zip(names, energies, strict=True)]
    axes.set_yticks(range(len(names)), shown)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.2)
    axes.locator_params(axis="x", nbins=6)
    if not any(energy is not None for energy in energies):
        axes.set_xticks([])
    axes.set_xlabel(label)
