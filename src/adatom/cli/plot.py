"""``adatom plot``: pictures of saved results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.say import say
from adatom.plots.draw import save_pictures

__all__ = ["plot"]


def plot(
    file: Annotated[Path, typer.Argument(metavar="RESULT", help="What `adatom run` or `save_results` wrote.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="A .png, .svg or .pdf; else RESULT with .png for .json."),
    ] = None,
) -> None:
    """Draw what a saved result has to show.

    Several pictures have their number behind the name. The name of each file is printed when the file is written.
    """
    from adatom.schemas.save import load_results  # ASE: too slow for --help

    value = load_results(file)
    name = file.name.removesuffix(".gz").removesuffix(".json")
    save_pictures(value, out or file.with_name(f"{name}.png"), written=say)
