"""The group of all commands: an error is one line."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from adatom.errors import AdatomError, SettingsError
from adatom.settings import get_settings

__all__ = ["Group"]

# What is wrong with the command line itself; Typer brings the class, from a package that its version decides.
_UsageError: Any = typer.BadParameter.__mro__[1]


class Group(TyperGroup):
    """Says in one line on the standard error what is wrong, and ends with status 2.

    With ``ADATOM_LOG_LEVEL=DEBUG`` an error of adatom's shows where it comes from.
    """

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and end the process."""
        try:
            status = super().main(*args, **{**kwargs, "standalone_mode": False})
        except _UsageError as error:
            context = getattr(error, "ctx", None)
            command = context.command_path if context else "adatom"
            status = _refuse(f"{error.format_message()} `{command} --help` says what is valid.")
        except AdatomError as error:
            if _debugging():
                raise
            status = _refuse(str(error))
        sys.exit(status)


def _refuse(message: str) -> int:
    typer.echo(f"adatom: {' '.join(message.split())}", err=True)
    return 2


def _debugging() -> bool:
    try:
        return get_settings().log_level == "DEBUG"
    except SettingsError:
        return False
