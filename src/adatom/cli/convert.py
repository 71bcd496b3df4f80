"""``adatom convert``: structures from one file into another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["convert"]


def convert(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="A file of any format that ASE reads, or a store.")],
    target: Annotated[
        Path, typer.Argument(metavar="TO", help="Its ending says the format: .xyz, .traj, ..., or .lmdb for a store.")
    ],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace TO if it is there.")] = False,
) -> None:
    """Write the structures of a file into another, of another format.

    TO appears when it is complete. Extended XYZ and stores are written as they are read, whatever their size; of other
    formats ASE may need all structures at once. What TO does not hold of what is attached to a structure is said.
    """
    from adatom.cli.actions.convert import convert_file  # ASE: too slow for --help

    convert_file(source, target, overwrite)
