"""What commands print on the standard output: tables for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer

__all__ = ["print_json", "print_table", "print_text"]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Print a table.

    Parameters
    ----------
    columns
        Headings. A column that is empty in all rows is left out.
    rows
        The cells.
    right
        Headings of columns that stand to the right: numbers.
    """
    from rich.table import Table
    from rich.text import Text

    rows = list(rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    kept = [i for i, _ in enumerate(columns) if any(row[i] for row in rows)]
    for i in kept:
        # Cut short nowhere: what does not fit goes on in the next line.
        table.add_column(columns[i], justify="right" if columns[i] in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(row[i]) for i in kept))
    print_text(table)


def print_text(content: Any) -> None:
    """Print a string as it is, or something that rich can render.

    Parameters
    ----------
    content
        What to print.
    """
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    if console.is_terminal:
        console.print(content, soft_wrap=isinstance(content, str))
        return
    console.width = 10_000  # a file or a pipe has no width: one line stays one line
    with console.capture() as printed:
        console.print(content, soft_wrap=isinstance(content, str))
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def print_json(data: Any) -> None:
    """Print data as JSON.

    Parameters
    ----------
    data
        Plain data; arrays become lists, and what JSON does not know its ``str``.
    """
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False, default=_plain))


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)
