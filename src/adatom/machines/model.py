"""Documents that a user writes: what is wrong in one is said by field, value and what is valid."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from adatom.errors import InputError, UnknownNameError

__all__ = ["Line", "Model", "Name", "Word", "checked_name"]


class Model(BaseModel):
    """A document. It cannot be changed, and has no keys but its own.

    Raises
    ------
    InputError
        A key that does not exist, or a value that cannot be.
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
        if isinstance(
            item.get("ctx", {}).get("error"), InputError
        ):  # of a document inside, or of all of it: it says all
            lines.append(f"{place}: {message}." if place else f"{message}.")
        elif item["type"] == "missing":
            lines.append(f"{kind} needs {place!r}.")
        else:
            lines.append(f"{place!r} of {kind} is {item['input']!r}: {message}.")
    return lines


def _word(text: str) -> str:
    # These stand in a script's directives, which no shell reads and each scheduler takes apart in its own way.
    if not re.fullmatch(r"[^\s'\"\\]+", text):
        raise ValueError("Give one word, without quotes and backslashes")
    return text


def checked_name(text: str) -> str:
    """A text that jobs and their files can be named after.

    Parameters
    ----------
    text
        The text.

    Raises
    ------
    InputError
        They cannot.
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
