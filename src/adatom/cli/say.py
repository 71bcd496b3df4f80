"""Text for the terminal."""

from __future__ import annotations

import re

import typer

__all__ = ["say", "visible"]

# All but tab and line feed: with the others, a name or message from a file could command a terminal, or reverse text.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def say(text: object, err: bool = False, end: str = "\n") -> None:
    """Print a text, with control characters as escapes.

    Parameters
    ----------
    text
        Text to print.
    err
        Whether to print on the standard error.
    end
        End of the text.
    """
    typer.echo(visible(str(text)) + end, nl=False, err=err)


def visible(text: str) -> str:
    """Return a text with control characters as escapes.

    Parameters
    ----------
    text
        Text that may come from a file.
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
