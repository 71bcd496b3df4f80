"""``adatom select``: few structures out of many."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["select"]


class Method(StrEnum):
    """Way of choosing, as the functions of `adatom.configs.select` have it."""

    FARTHEST, CUR, FLAT = "farthest", "cur", "flat"


def select(
    method: Annotated[
        Method,
        typer.Argument(
            metavar="METHOD",
            help="farthest: points far from each other. cur: leverage scores. flat: a flat histogram of a quantity.",
        ),
    ],
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="Files of structures, or patterns such as 'run*.xyz'.")
    ],
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many to choose.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the chosen structures go.")],
    key: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="What each structure has in info: a descriptor; for flat, the quantity."),
    ] = None,
    descriptor: Annotated[
        Path | None,
        typer.Option(metavar="FILE.yaml", help="Arguments of a descriptor of DScribe, and its name as kind."),
    ] = None,
    bins: Annotated[int | None, typer.Option(min=1, help="Of flat: how many intervals, else 10.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of random numbers: of flat, else 0; of cur, which then draws by its scores.")
    ] = None,
    rank: Annotated[
        int | None, typer.Option(min=1, help="Of cur: how many singular vectors, else half of the number.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
) -> None:
    """Choose some structures of many, and write them into a file.

    farthest and cur need descriptors: computed with --descriptor, or those that the structures have under --key.
    """
    from adatom.cli.actions.select import select_structures  # NumPy and ASE: too slow for --help

    options = {"bins": bins, "seed": seed, "rank": rank}
    given = {name: value for name, value in options.items() if value is not None}
    select_structures(method.value, files, number, out, key, descriptor, given, overwrite)
