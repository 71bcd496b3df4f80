"""Base class of the documents that a user writes. Its errors name the field, the value and the valid values."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError

from adatom.errors import InputError, UnknownNameError

__all__ = ["Line", "Model", "Name", "Word", "Words", "checked_line", "checked_name"]

# Characters that end a line for some program, or that a terminal obeys.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


class Model(BaseModel):
    """Frozen document that accepts no unknown keys.

    Raises
    ------
    InputError
        A key does not exist, or a value is not valid.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    def __init__(self, /, **data: Any) -> None:
        unknown = [key for key in data if key not in type(self).model_fields]
        if unknown:
            raise UnknownNameError(f"key of {type(self).__name__}", unknown[0], type(self).model_fields)
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise InputError(" ".join(_explain(error, type(self).__name__))) from None


def _explain(error: ValidationError, kind: str) -> list[str]:
    lines = []
    for item in error.errors():
        message = item["msg"].removeprefix("Value error, ").rstrip(".")
        place = ".".join(map(str, item["loc"]))
        # The error of a document inside this one, or of a check of the whole document, needs no further words.
        if isinstance(item.get("ctx", {}).get("error"), InputError):
            lines.append(f"{place}: {message}." if place else f"{message}.")
        elif item["type"] == "missing":
            lines.append(f"{kind} needs {place!r}.")
        else:
            lines.append(f"{place!r} of {kind} is {item['input']!r}: {message}.")
    return lines


def _word(text: str) -> str:
    # Words stand in the directives of a script: no shell reads them, and each scheduler splits them in its own way.
    if not re.fullmatch(r"[^\s'\"\\]+", text) or _CONTROL.search(text):
        raise ValueError("Give one word, without quotes, backslashes and control characters")
    return text


def checked_name(text: str) -> str:
    """Return a text that jobs and their files can be named after.

    Parameters
    ----------
    text
        Proposed name: a letter, and then letters, digits and ``. _ -``.

    Raises
    ------
    InputError
        The text has another form.
    """
    if not re.fullmatch(r"[A-Za-z][\w.-]*", text, re.ASCII):
        raise InputError(f"{text!r} is no name: give a letter, and then letters, digits and . _ -")
    return text


def checked_line(text: str) -> str:
    """Return a text that is one line of a script.

    Parameters
    ----------
    text
        Proposed line.

    Raises
    ------
    ValueError
        The text has no visible character, several lines, or characters that a terminal obeys.
    """
    if _CONTROL.search(text) or not text.strip():
        raise ValueError("Give one line, without control characters")
    return text


def _words(value: Any) -> tuple[str, ...]:
    """Return one word, or several, as a tuple."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not words or not all(isinstance(word, str) for word in words):
        raise ValueError("Give one word, or a list of words")
    return tuple(map(_word, words))


Name = Annotated[str, AfterValidator(checked_name)]
Word = Annotated[str, AfterValidator(_word)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
Line = Annotated[str, AfterValidator(checked_line)]
