"""``adatom queue``: the jobs of the queue engine, and the batch jobs that do them."""

from __future__ import annotations

import typer

from adatom.cli.group import Entry, LateGroup

__all__ = ["queue"]


class _Commands(LateGroup):
    entries = (
        Entry("ls", "adatom.cli.queue.tasks:ls", "List the jobs that wait, run, or were not gathered yet."),
        Entry(
            "cancel",
            "adatom.cli.queue.tasks:cancel",
            "End all batch jobs of the queue engine, and cancel the jobs that wait or run.",
        ),
    )


queue = typer.Typer(cls=_Commands, rich_markup_mode="markdown", add_completion=False)


@queue.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Jobs of the queue engine, and the batch jobs that do them: list, cancel."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
