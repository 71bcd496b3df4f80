"""Pictures of surface energies and of energies of adsorption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from adatom.analysis.surfaces import AdsorptionEnergies, SurfaceEnergies

__all__ = ["draw_adsorption_energies", "draw_surface_energies"]


def draw_surface_energies(document: SurfaceEnergies, figure: Figure) -> None:
    """Draw surface energies in J/m² as bars. A surface without an energy has no bar.

    Parameters
    ----------
    document
        Surface energies to draw.
    figure
        Empty figure to draw into.
    """
    names = [
        f"({' '.join(map(str, each['miller_index']))}){' turned' if each['flipped'] else ''}"
        for each in document["surfaces"]
    ]
    _bars(figure, names, [each["surface_energy"] for each in document["surfaces"]], "surface energy (J/m²)")


def draw_adsorption_energies(document: AdsorptionEnergies, figure: Figure) -> None:
    """Draw the energies of adsorption on each site in eV as bars. A site without an energy has no bar.

    Parameters
    ----------
    document
        Adsorption energies to draw.
    figure
        Empty figure to draw into.
    """
    names = [f"{each['site']} {each['site_index']}" for each in document["sites"]]
    energies = [each["adsorption_energy"] for each in document["sites"]]
    _bars(figure, names, energies, f"adsorption energy of {document['adsorbate']} (eV)")


def _bars(figure: Figure, names: Sequence[str], energies: Sequence[float | None], label: str) -> None:
    axes = figure.subplots()
    shown = axes.bar(range(len(names)), [0.0 if energy is None else energy for energy in energies])
    axes.bar_label(shown, ["" if energy is None else f"{energy:.2f}" for energy in energies])
    axes.margins(y=0.1)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_ylabel(label)
