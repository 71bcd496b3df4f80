"""Values typed on a command line."""

from __future__ import annotations

import ast
import json
import re
import tomllib
import warnings
from typing import Any

from adatom.errors import InputError

__all__ = ["parse_value", "split_commas"]

_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|[\[({]|[\])}]|,|.""", re.DOTALL)


def parse_value(text: str) -> Any:
    """Return the value that a text means in Python, JSON or TOML, or the text itself.

    Parameters
    ----------
    text
        Text such as ``0.05``, ``true``, ``None``, ``BFGS``, ``[1, 2]``, ``{"a": true}`` or ``{a = true}``.

    Raises
    ------
    InputError
        The text begins like a list, a dictionary or a quoted string, and cannot be read.
    """
    text = text.strip()
    for read in (_json, _python, _toml):
        try:
            return read(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            pass
    if text.startswith(("[", "{", "(", "'", '"')):
        raise InputError(
            f"Cannot read the value {text}. Write it as in Python, JSON or TOML, and quote it for the shell."
        )
    return text


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise ValueError  # NaN and Infinity stay text


def _python(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of unknown escapes
        return ast.literal_eval(text)


def _toml(text: str) -> Any:
    if not text.startswith(("[", "{")):  # TOML would take a bare date or time for a value
        raise ValueError
    return tomllib.loads(f"value = {text}")["value"]


def split_commas(text: str) -> list[str]:
    """Split a text at its commas, except those within brackets and quotes.

    Parameters
    ----------
    text
        Text such as ``Cu,basis=[[0, 0, 0]]``.
    """
    parts, depth = [""], 0
    for token in _TOKEN.findall(text):
        depth += (token in "[({") - (token in "])}")
        if token == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += token
    return parts
