"""A question before something is removed."""

from __future__ import annotations

import typer

__all__ = ["confirm"]


def confirm(question: str) -> None:
    """Ask the user a question, and end the command with status 1 unless the answer is yes.

    Parameters
    ----------
    question
        Question that is answered with yes or no.

    Raises
    ------
    Exit
        Status 1, because the answer was not yes.
    """
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:  # Ctrl-C, or the standard input has ended
        typer.echo("", err=True)
        agreed = False
    if not agreed:
        typer.echo("Nothing is removed. --yes removes without a question.", err=True)
        raise typer.Exit(1)
