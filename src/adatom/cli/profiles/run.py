"""``adatom profiles render`` and ``submit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.say import say
from adatom.machines.command import Run

__all__ = ["render", "submit"]

Command = Annotated[str, typer.Argument(help="WHAT to run: the name of a command.")]
Execution = Annotated[str, typer.Argument(help="HOW: the name of an execution profile.")]
Machine = Annotated[str, typer.Argument(help="WHERE: the name of a machine.")]
Args = Annotated[list[str] | None, typer.Argument(metavar="[-- ARGS...]", help="Arguments for the command.")]
WorkDir = Annotated[Path, typer.Option("--work-dir", metavar="DIR", help="Where it runs.")]
Assign = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another value of the execution profile, such as nodes=4."),
]


def render(
    command: Command,
    execution: Execution,
    machine: Machine,
    args: Args = None,
    work_dir: WorkDir = Path(),
    assign: Assign = None,
) -> None:
    """Print the script that would be submitted, and do nothing else."""
    say(Run(command, execution, machine, work_dir, args or [], _overrides(assign)).text, end="")


def submit(
    command: Command,
    execution: Execution,
    machine: Machine,
    args: Args = None,
    work_dir: WorkDir = Path(),
    assign: Assign = None,
) -> None:
    """Submit a command, print the job's id, and do not wait.

    What is submitted already in that directory and has not been followed to its end is not submitted again.
    """
    record = Run(command, execution, machine, work_dir, args or [], _overrides(assign)).submit()
    say(record.id)
    say(f"`adatom profiles attach {record.work_dir}` waits for it.", err=True)


def _overrides(assignments: list[str] | None) -> dict[str, object]:
    changes: dict[str, object] = {}
    for assignment in assignments or []:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise typer.BadParameter(f"{assignment!r} is no KEY=VALUE.", param_hint="--set")
        try:
            changes[key] = json.loads(text)  # numbers and lists; anything else is text
        except ValueError:
            changes[key] = text
    return changes
