"""Tables in YAML and TOML, which a stranger may have written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from adatom.errors import InputError

__all__ = ["parse_toml", "read_text", "read_yaml"]

_SIZE = 10_000_000  # bytes of a file
_VALUES = 100_000  # of a document, with what its aliases stand for
_DEPTH = 50  # of lists and tables in one another


def read_text(file: Path, what: str) -> str:
    """Return the text of a file, if it is a short one.

    Parameters
    ----------
    file
        File in UTF-8.
    what
        Beginning of the message of an error.

    Raises
    ------
    InputError
        The file cannot be read, is not UTF-8, or is larger than 10 MB.
    """
    try:
        with open(file, "rb") as stream:
            data = stream.read(_SIZE + 1)
        if len(data) > _SIZE:
            raise InputError(f"{what} cannot be read: it has more than {_SIZE // 10**6} MB.")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{what} cannot be read: {error}.") from error


def parse_toml(text: str, what: str) -> dict[str, Any]:
    """Return the table in a TOML document.

    Parameters
    ----------
    text
        Document.
    what
        Beginning of the message of an error.

    Raises
    ------
    InputError
        The document is no TOML, or is nested too deep.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{what} cannot be read: {error}.") from error
    except RecursionError:
        raise InputError(f"{what} cannot be read: it is nested too deep.") from None


def read_yaml(file: Path, what: str) -> Any:
    """Return the value in a YAML file.

    Aliases make a short document stand for one of any size. So what they stand for is counted first.

    Parameters
    ----------
    file, what
        Same as of `read_text`.

    Raises
    ------
    InputError
        The file cannot be read, is no YAML, has more than 100 000 values, or is nested deeper than 50 levels.
    """
    import yaml

    text = read_text(file, what)
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times faster, if libyaml is installed
    try:
        if reason := _too_large(yaml.parse(text, loader)):
            raise InputError(f"{what} cannot be read: {reason}.")
        return yaml.load(text, loader)
    except InputError:
        raise
    except yaml.MarkedYAMLError as error:
        place = f", at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{what} cannot be read: {error.problem}{place}.") from error
    except (yaml.YAMLError, ValueError) as error:  # the latter from a date that does not exist
        raise InputError(f"{what} cannot be read: {error}.") from error


def _too_large(events: Iterable[Any]) -> str:
    """Return why a YAML document is too large; empty: it is not."""
    import yaml

    count = 0
    sizes: dict[str, int] = {}  # of the values that have an anchor
    open_: list[tuple[str | None, int]] = []  # lists and tables: the anchor, and the count before
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append((event.anchor, count))
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in {anchor for anchor, _ in open_}:
                return f"*{event.anchor} stands in what it stands for"
            count += sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_.pop()
            if anchor:
                sizes[anchor] = count - before
        elif isinstance(event, yaml.ScalarEvent):
            count += 1
            if event.anchor:
                sizes[event.anchor] = 1
        if len(open_) > _DEPTH:
            return f"it is nested deeper than {_DEPTH} levels"
        if count > _VALUES:
            return f"it has more than {_VALUES:,} values"
    return ""
