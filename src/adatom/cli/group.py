"""Groups of commands: a command is imported when it is used, and an error is one line."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from adatom.cli.say import say
from adatom.errors import AdatomError, SettingsError
from adatom.settings import get_settings

__all__ = ["Entry", "Group", "LateGroup", "load"]

# Error of the command line itself. Typer imports the class from Click, or from its own copy of Click.
_UsageError: Any = typer.BadParameter.__mro__[1]


class Entry(NamedTuple):
    """Command in the table of a group.

    Attributes
    ----------
    name
        Name of the command on the command line.
    target
        Function, or `typer.Typer` of a group, as ``"module:name"``.
    help
        First paragraph of the command's docstring, which the help of the group shows.
    """

    name: str
    target: str
    help: str


class LateGroup(TyperGroup):
    """Group of commands that are imported when they are called, or when their own help or completion is asked for.

    Attributes
    ----------
    entries
        Commands of the group, in the order of its help.
    """

    entries: ClassVar[tuple[Entry, ...]] = ()

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for entry in self.entries:
            self.add_command(TyperCommand(entry.name, help=entry.help))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the name, the imported command and the arguments that are left."""
        name, command, left = super().resolve_command(ctx, args)
        entry = next((entry for entry in self.entries if entry.name == name), None)
        return name, command if entry is None else load(entry), left


class Group(LateGroup):
    """Group of all commands, which writes an error as one line to the standard error and ends with status 2.

    With ``ADATOM_LOG_LEVEL=DEBUG`` an `AdatomError` is raised instead, with its traceback.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and end the process."""
        try:
            status = super().main(*args, **{**kwargs, "standalone_mode": False})
        except _UsageError as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "adatom"
            status = _refuse(f"{error.format_message().rstrip('.')}. `{command} --help` says what is valid.")
        except AdatomError as error:
            if _debugging():
                raise
            status = _refuse(str(error))
        sys.exit(status)


def load(entry: Entry) -> Any:
    """Import a command.

    Parameters
    ----------
    entry
        Entry of the command in the table of its group.

    Returns
    -------
    click.Command
        The command as Click knows it.
    """
    module, _, name = entry.target.partition(":")
    app = getattr(import_module(module), name)
    if not isinstance(app, typer.Typer):
        function, app = app, typer.Typer(rich_markup_mode="markdown", add_completion=False)
        app.command(entry.name)(function)
    command = typer.main.get_command(app)
    command.name = entry.name
    return command


def _refuse(message: str) -> int:
    say(f"adatom: {' '.join(message.split())}", err=True)
    return 2


def _debugging() -> bool:
    try:
        return get_settings().log_level == "DEBUG"
    except SettingsError:
        return False
