"""``adatom errors``: what models predict, against a reference in the same file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from adatom.errors import InputError

if TYPE_CHECKING:
    from adatom.configs import ConfigSet

__all__ = ["errors"]

#: Prefixes that say of themselves that they are the reference.
_REFERENCES = ("REF_", "DFT_")


def errors(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files of structures, or patterns such as 'run*.xyz'.")
    ],
    reference: Annotated[
        str | None,
        typer.Option(
            "--reference", "-r", metavar="PREFIX", help="Of the reference: REF_. '': results without a prefix."
        ),
    ] = None,
    prefix: Annotated[
        list[str] | None,
        typer.Option("--prefix", "-p", metavar="PREFIX", help="Of a model's results: MACE_; more than once."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY", help="Categories are what structures have under this key; more than once."),
    ] = None,
    norm: Annotated[
        bool, typer.Option("--norm", help="Errors of forces are lengths of differences, not those of components.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A .png, .svg or .pdf: predictions against the reference.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Show how far energies, forces and stresses of models are from a reference.

    Structures carry both, under names such as REF_energy and MACE_energy. If there are two prefixes, and one of them is
    REF_ or DFT_, that is the reference; else say which is, and all others are models.
    """
    from adatom.analysis.property_errors import property_errors
    from adatom.cli.tables import print_json
    from adatom.configs import ConfigSet
    from adatom.plots.draw import check_picture, save_pictures

    if plot is not None:
        check_picture(plot)
    configs = ConfigSet(files[0] if len(files) == 1 else files)
    reference, prefixes = _roles(configs, reference, prefix or [])
    found = property_errors(
        configs,
        prefixes,
        reference,
        by=by or None,
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
        typer.echo(f"Saved {picture}", err=True)


def _roles(configs: ConfigSet, reference: str | None, prefixes: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The prefix of the reference, and those of the models; what was not said is looked for in all structures."""
    if reference is not None and prefixes:
        return reference, prefixes
    from adatom.atoms.results import prefixes_of

    found = sorted({prefix for atoms in configs for prefix in prefixes_of(atoms)})
    listed = f"Results are under: {', '.join(map(repr, found))}."
    if not found:
        raise InputError(
            "No structure has energies, forces or a stress. "
            "`adatom map RECIPE FILE -o OUT --prefix REF_` computes them."
        )
    if reference is None:
        marked = [each for each in _REFERENCES if each in found and each not in prefixes]
        if not marked or (not prefixes and len(found) > 2):
            raise InputError(f"{listed} Say which is the reference: --reference PREFIX.")
        reference = marked[0]
    others = [each for each in found if each != reference]
    if not prefixes and not others:
        raise InputError(f"{listed} There is no model to compare with the reference {reference!r}.")
    return reference, prefixes or others


def _names(configs: ConfigSet, found: Any) -> dict[int, str]:
    """What to call the structures that are named: by number, and where there are several files, by file and number."""
    named = {row["worst"] for row in found["errors"]}.union(*(row["numbers"] for row in found["missing"]))
    files, names = set[Path | None](), {}
    for number, source in enumerate(configs.sources()):
        files.add(source.file)
        if number in named:
            names[number] = f"{source.file}:{source.number}"
    return names if len(files) > 1 else {number: str(number) for number in named}


def _print_errors(found: Any, names: dict[int, str]) -> None:
    from adatom.cli.tables import print_table, print_text

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
                for row in found["missing"]
            ],
            right=("structures",),
        )
