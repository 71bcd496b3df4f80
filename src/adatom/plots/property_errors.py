"""Picture of the predictions of models against a reference."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError
from adatom.plots.style import COLORS
from adatom.schemas.property_errors import UNITS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from adatom.schemas.property_errors import Parity, PropertyErrors

__all__ = ["draw_property_errors"]

_SHOWN = {"energy_per_atom": "energy", "forces": "force components"}
#: More points than this are drawn as pixels, also in an SVG, where each shape would take 100 bytes.
_PIXELS = 5_000


def draw_property_errors(document: PropertyErrors, figure: Figure) -> None:
    """Draw energies per atom and forces of models against those of the reference, a row of panels for each model.

    Parameters
    ----------
    document
        Prediction errors with the compared values, under ``parity``.
    figure
        Empty figure to draw into.

    Raises
    ------
    InputError
        The compared values are not in the document, or are neither energies per atom nor forces.
    """
    parity = _shown(document)
    models, categories = _distinct(parity, "prefix"), _distinct(parity, "category")
    names = [name for name in _SHOWN if name in _distinct(parity, "property")]
    figure.set_size_inches(4.2 * len(names), 4.0 * len(models))
    panels = figure.subplots(len(models), len(names), squeeze=False)
    for (prefix, name), axes in zip(product(models, names), panels.flat, strict=True):
        rmse = {row["category"]: row["rmse"] for row in _rows_of(document["errors"], prefix, name)}
        _draw(axes, _rows_of(parity, prefix, name), rmse, categories)
        axes.set_xlabel(f"{_SHOWN[name]}, {_label(document['reference'])} ({UNITS[name]})")
        axes.set_ylabel(f"{_SHOWN[name]}, {_label(prefix)} ({UNITS[name]})")


def _shown(document: PropertyErrors) -> list[Parity]:
    if "parity" not in document:
        raise InputError(
            "These prediction errors are without the compared values. Compute them with property_errors(values=True)."
        )
    parity = [each for each in document["parity"] if each["property"] in _SHOWN]
    if not parity:
        raise InputError("Neither energies per atom nor forces were compared: there is nothing to draw.")
    return parity


def _draw(axes: Axes, parity: list[Parity], rmse: dict[str | None, float], categories: list[str | None]) -> None:
    many = len(categories) > len(COLORS)
    largest = max((len(each["reference"]) for each in parity), default=1)
    for each in sorted(parity, key=lambda each: categories.index(each["category"])):
        axes.plot(
            each["reference"],
            each["predicted"],
            "o",
            markersize=3.5,
            markeredgewidth=0,
            alpha=0.6,
            color=COLORS[0 if many else categories.index(each["category"])],
            zorder=3 - len(each["reference"]) / largest,  # small categories on top
            label=None if many else _entry(each["category"], rmse[each["category"]]),
            rasterized=len(each["reference"]) > _PIXELS,
        )
    limits = [*axes.get_xlim(), *axes.get_ylim()]
    low, high = min(limits), max(limits)
    diagonal = _entry(None, rmse[None]) if None in rmse and categories != [None] else None
    axes.plot([low, high], [low, high], color="0.7", linewidth=0.8, zorder=1, label=diagonal)
    axes.locator_params(nbins=6)
    axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
    if parity:
        axes.legend(title=f"RMSE ({parity[0]['unit']})", fontsize="small", title_fontsize="small", frameon=False)


def _distinct(rows: Iterable[Any], key: str) -> list[Any]:
    """Return the values under a key, each once, in the order in which they come first."""
    return list(dict.fromkeys(row[key] for row in rows))


def _rows_of(rows: Iterable[Any], prefix: str, name: str) -> list[Any]:
    return [row for row in rows if row["prefix"] == prefix and row["property"] == name]


def _entry(category: str | None, rmse: float) -> str:
    return f"{category or 'all'}: {rmse:.3g}"


def _label(prefix: str) -> str:
    return prefix.rstrip("_") or "calculator"
