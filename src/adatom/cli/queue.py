"""``adatom queue``: the jobs of the queue engine, and the batch jobs that do them."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["queue"]

queue = typer.Typer(rich_markup_mode="markdown", add_completion=False)


@queue.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Jobs of the queue engine, and the batch jobs that do them: list, cancel."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@queue.command()
def ls(as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False) -> None:
    """List the jobs that wait, run, or were not gathered yet."""
    from adatom.cli.actions.queue import list_tasks

    list_tasks(as_json)


@queue.command()
def cancel() -> None:
    """End all batch jobs of the queue engine, and cancel the jobs that wait or run."""
    from adatom.cli.actions.queue import cancel_tasks

    cancel_tasks()
