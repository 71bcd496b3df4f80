"""A question before something is removed."""

from __future__ import annotations

import typer

__all__ = ["confirm"]


def confirm(question: str) -> None:
    """Ask; without a yes the command ends with status 1.

    Parameters
    ----------
    question
        To be answered with yes or no.
    """
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or nobody is there
        typer.echo("", err=True)
        agreed = False
    if not agreed:
        typer.echo("Nothing is removed. --yes removes without a question.", err=True)
        raise typer.Exit(1)
