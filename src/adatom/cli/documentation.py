"""Docstrings of recipes, taken apart."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Documentation"]

_SECTION = re.compile(r"^(\w[^\n]*)\n-{3,}\n", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}\w[^\n]*)\n((?:[ \t]+\S.*\n?|[ \t]*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class Documentation:
    """A numpydoc docstring.

    Attributes
    ----------
    summary
        Its first paragraph, in one line.
    description
        What comes before the first section.
    parameters
        What each parameter is.
    sections
        The other sections by title.
    """

    summary: str
    description: str
    parameters: dict[str, str]
    sections: dict[str, str]

    @classmethod
    def of(cls, documented: Any) -> Documentation:
        """The docstring of a function, or of what stands for one.

        Parameters
        ----------
        documented
            It may have none.
        """
        head, *rest = _SECTION.split(inspect.cleandoc(documented.__doc__ or ""))
        summary, _, description = head.partition("\n\n")
        sections = {title: text.strip("\n") for title, text in zip(rest[::2], rest[1::2], strict=True)}
        parameters = {}
        for names, text in _ENTRY.findall(sections.pop("Parameters", "")):
            for name in names.partition(":")[0].split(","):
                parameters[name.strip(" *")] = " ".join(text.split())
        return cls(" ".join(summary.split()), description.strip(), parameters, sections)
