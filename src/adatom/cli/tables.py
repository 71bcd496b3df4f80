"""Printing on the standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from adatom.cli.say import say, visible

__all__ = ["print_json", "print_table", "print_text"]


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = (), cut: Sequence[str] = ()
) -> None:
    """Print a table.

    Parameters
    ----------
    columns
        Headings of the columns. A column that is empty in all rows is left out.
    rows
        Cells of each row, in the order of `columns`.
    right
        Headings of columns that are aligned to the right, as numbers are.
    cut
        Headings of columns whose cells end with an ellipsis where a terminal is not wide enough; a file gets them
        whole. If `cut` is empty, text that does not fit goes on in the next line.
    """
    rows = [[visible(cell) for cell in row] for row in rows]
    kept = [i for i, _ in enumerate(columns) if any(row[i] for row in rows)]
    if not Console().is_terminal:
        _print_plain([columns, *rows], kept, [columns[i] in right for i in kept])
        return
    print_text(_rich_table(columns, rows, kept, right, cut))


def _rich_table(
    columns: Sequence[str], rows: Sequence[Sequence[str]], kept: Sequence[int], right: Sequence[str], cut: Sequence[str]
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    shortened = [columns[i] in cut for i in kept]
    for i, short in zip(kept, shortened, strict=True):
        # Without `cut` nothing is lost: text that does not fit goes on in the next line.
        justify: Literal["right", "left"] = "right" if columns[i] in right else "left"
        table.add_column(columns[i], justify=justify, overflow="fold", no_wrap=bool(cut) and not short)
    for row in rows:
        table.add_row(
            *(
                Text(row[i], no_wrap=True, overflow="ellipsis") if short else Text(row[i])
                for i, short in zip(kept, shortened, strict=True)
            )
        )
    return table


def _print_plain(rows: Sequence[Sequence[str]], kept: Sequence[int], right: Sequence[bool]) -> None:
    """Print a line for each row without rich, which takes a hundred times longer: there may be thousands of jobs."""
    cells = [[" ".join(row[i].splitlines()) for i in kept] for row in rows]
    sizes = [[cell_len(cell) for cell in row] for row in cells]
    widths = [max(column) for column in zip(*sizes, strict=True)]
    for row, size in zip(cells, sizes, strict=True):
        pads = [" " * (width - own) for width, own in zip(widths, size, strict=True)]
        padded = [pad + cell if on_right else cell + pad for cell, pad, on_right in zip(row, pads, right, strict=True)]
        typer.echo("  ".join(padded).rstrip())


def print_text(content: Any) -> None:
    """Print a string as it is, or an object that rich can render.

    Parameters
    ----------
    content
        String, or table or padding of rich.
    """
    content = visible(content) if isinstance(content, str) else content
    console = Console(markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(content, soft_wrap=isinstance(content, str))
        return
    console.width = 10_000  # a file or a pipe has no width, so no line is broken
    with console.capture() as printed:
        console.print(content, soft_wrap=isinstance(content, str))
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def print_json(data: Any) -> None:
    """Print data as JSON.

    Parameters
    ----------
    data
        Plain data; arrays become lists, and objects that JSON does not know become their ``str``.
    """
    say(json.dumps(data, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
