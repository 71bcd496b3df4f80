"""``adatom errors``: predictions of models against a reference in the same file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["errors"]


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
    from adatom.cli.actions.errors import compare  # NumPy and ASE: too slow for --help

    compare(files, reference, prefix or [], by or None, norm, plot, as_json)
