"""Picture of the convergence of a property with settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from adatom.plots.style import COLORS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from adatom.analysis.convergence import Convergence, ConvergenceRow

__all__ = ["draw_convergence"]

#: By the last part of its name, the unit of a setting: of ASE, or of Quantum ESPRESSO for its keywords.
_UNITS = {
    "ecutwfc": "Ry",
    "ecutrho": "Ry",
    "ecutfock": "Ry",
    "degauss": "Ry",
    "conv_thr": "Ry",
    "kspacing": "Å⁻¹",
    "electronic_temperature": "K",
    "rc": "Å",
    "fmax": "eV/Å",
    "distance": "Å",
    "timestep": "fs",
    "temperature": "K",
}
#: More letters than this at the ticks would touch, and are turned.
_LETTERS = 45


def draw_convergence(document: Convergence, figure: Figure) -> None:
    """Draw, for each setting, the difference of the property from that at the last value of the setting.

    Parameters
    ----------
    document
        Convergence document to draw.
    figure
        Empty figure to draw into.
    """
    rows = {setting: [row for row in document["table"] if row["setting"] == setting] for setting in document["chosen"]}
    names = {setting: list(map(_name, each)) for setting, each in rows.items()}
    turned = {setting for setting, each in names.items() if sum(len(name) + 2 for name in each) > _LETTERS}
    figure.set_figheight(1.0 + 2.6 * len(rows) + sum(0.07 * max(map(len, names[setting])) for setting in turned))
    panels = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
    for setting, axes in zip(rows, panels, strict=True):
        _draw(axes, document, setting, rows[setting])
        axes.set_xticks(range(len(rows[setting])), names[setting], rotation=90 if setting in turned else 0)
        axes.set_xlabel(_with_unit(setting, _UNITS.get(setting.rpartition(".")[2], "")))
        axes.set_ylabel(_with_unit(f"|Δ {document['property'].rpartition('.')[2]}|", document["unit"]))


def _draw(axes: Axes, document: Convergence, setting: str, rows: Sequence[ConvergenceRow]) -> None:
    points = [(place, row["difference"]) for place, row in enumerate(rows) if row["difference"] is not None]
    smallest = min(filter(None, [document["tolerance"], *(difference for _, difference in points)]))
    axes.set_yscale("symlog", linthresh=smallest)  # the axis has a place for a difference of exactly 0
    line = "chosen" if document["settled"][setting] else "last value, not settled"
    chosen = [_shown(row["value"]) for row in rows].index(_shown(document["chosen"][setting]))
    axes.plot(*zip(*points, strict=True), "o-", color=COLORS[0], label="difference from the last value")
    axes.plot(*points[-1], "o", color=COLORS[0], markerfacecolor="white")
    tolerance = f"tolerance {document['tolerance']:g} {document['unit']}".rstrip()
    axes.axhline(document["tolerance"], color="0.5", linewidth=0.8, linestyle="--", label=tolerance)
    axes.axvline(chosen, color=COLORS[1], linewidth=0.8, label=line)
    axes.set_ylim(bottom=-smallest / 2)
    axes.set_xlim(-0.3, len(rows) - 0.7)
    axes.legend(fontsize="small", frameon=False)


def _name(row: ConvergenceRow) -> str:
    return _shown(row["value"]) if row["difference"] is not None else f"{_shown(row['value'])} failed"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, str) or not np.ndim(value):
        return str(value)
    return "×".join(map(_shown, value))


def _with_unit(name: str, unit: str) -> str:
    return f"{name} ({unit})" if unit else name
