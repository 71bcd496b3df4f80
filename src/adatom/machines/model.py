"""Base class of the documents that a user writes. Its errors name the field, the value and the valid values."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from adatom.errors import InputError, UnknownNameError

__all__ = ["Line", "Model", "Name", "Word", "checked_name"]


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
    if not re.fullmatch(r"[^\s'\"\\]+", text):
        raise ValueError("Give one word, without quotes and backslashes")
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


def _line(text: str) -> str:
    if "\n" in text or "\r" in text or not text.strip():
        raise ValueError("Give one line")
    return text


Name = Annotated[str, AfterValidator(checked_name)]
Word = Annotated[str, AfterValidator(_word)]
Line = Annotated[str, AfterValidator(_line)]
