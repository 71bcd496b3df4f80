"""Body of ``adatom errors``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adatom.analysis.property_errors import property_errors
from adatom.atoms.results import prefixes_of
from adatom.cli.say import say
from adatom.cli.tables import print_json, print_table, print_text
from adatom.configs import ConfigSet
from adatom.errors import InputError
from adatom.plots.draw import check_picture, save_pictures

__all__ = ["compare"]

#: Prefixes that stand for a reference by themselves, the first one first.
_REFERENCES = ("REF_", "DFT_")


def compare(
    files: list[str],
    reference: str | None,
    prefixes: Sequence[str],
    by: list[str] | None,
    norm: bool,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Print the errors of models against a reference, and draw them.

    Parameters
    ----------
    files
        Files of structures, or patterns of their names.
    reference
        Prefix of the results of the reference; None: it is looked for.
    prefixes
        Prefixes of the results of models; empty: all others are models.
    by
        Keys of ``atoms.info`` whose values are the categories; None: one category.
    norm
        True compares the lengths of the differences of forces, and not their components.
    plot
        Path of the picture; None: nothing is drawn.
    as_json
        True prints JSON in place of tables.

    Raises
    ------
    InputError
        The structures have no results to compare, or it is not clear which of them are the reference.
    """
    if plot is not None:
        check_picture(plot)
    configs = ConfigSet(files[0] if len(files) == 1 else files)
    reference, prefixes = _roles(configs, reference, prefixes)
    found = property_errors(
        configs,
        prefixes,
        reference,
        by=by,
        forces="norm" if norm else "components",
        values=plot is not None,
    )
    pictures = save_pictures(found, plot) if plot is not None else []
    found.pop("parity", None)
    if as_json:
        print_json(found)
        return
    _print_errors(found, _names(configs, found))
    for picture in pictures:
        say(f"Saved {picture}", err=True)


def _roles(configs: ConfigSet, reference: str | None, prefixes: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the prefix of the reference and those of the models; all structures are searched for those not given."""
    if reference is not None and prefixes:
        return reference, prefixes
    found = sorted({prefix for atoms in configs for prefix in prefixes_of(atoms)})
    if not found:
        raise InputError(
            "No structure has energies, forces or a stress. "
            "`adatom map RECIPE FILE -o OUT --prefix REF_` computes them."
        )
    if reference is None:
        reference = _reference(found, prefixes)
    models = prefixes or [prefix for prefix in found if prefix != reference]
    if not models:
        raise InputError(f"{_listed(found)} There is no model to compare with the reference {reference!r}.")
    return reference, models


def _reference(found: Sequence[str], models: Sequence[str]) -> str:
    marked = [prefix for prefix in _REFERENCES if prefix in found and prefix not in models]
    if not marked or (not models and len(found) > 2):
        raise InputError(f"{_listed(found)} Say which is the reference: --reference PREFIX.")
    return marked[0]


def _listed(prefixes: Sequence[str]) -> str:
    return f"Results are under: {', '.join(map(repr, prefixes))}."


def _names(configs: ConfigSet, found: Any) -> dict[int, str]:
    """Return the names of the structures in the tables: numbers, and for several files the file and the number."""
    named = {row["worst"] for row in found["errors"]}.union(*(row["numbers"] for row in found["missing"]))
    files, names = set[Path | None](), {}
    for number, source in enumerate(configs.sources()):
        files.add(source.file)
        if number in named:
            names[number] = f"{source.file}:{source.number}"
    return names if len(files) > 1 else {number: str(number) for number in named}


def _print_errors(found: Any, names: dict[int, str]) -> None:
    categories = any(row["category"] is not None for row in found["errors"])
    numbers = ("RMSE", "MAE", "max", "count", "worst")
    print_table(
        ("model", "property", "category", *numbers[:3], "unit", *numbers[3:]),
        [
            (
                row["prefix"],
                row["property"],
                (row["category"] or "all") if categories else "",
                *(f"{row[key]:.4g}" for key in ("rmse", "mae", "max")),
                row["unit"],
                str(row["count"]),
                names[row["worst"]],
            )
            for row in found["errors"]
        ],
        right=numbers,
    )
    if found["missing"]:
        _print_missing(found["missing"], names)


def _print_missing(missing: Any, names: dict[int, str]) -> None:
    print_text("\nNot compared:")
    print_table(
        ("model", "result", "reason", "structures", "which"),
        [
            (
                row["prefix"],
                row["result"] or "all",
                row["reason"],
                str(row["count"]),
                " ".join(names[number] for number in row["numbers"])
                + (" ..." if row["count"] > len(row["numbers"]) else ""),
            )
            for row in missing
        ],
        right=("structures",),
    )
