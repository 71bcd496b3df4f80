"""Docstrings of recipes, split into their sections."""

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
    """Docstring in the style of numpydoc.

    Attributes
    ----------
    summary
        First paragraph of the docstring, in one line.
    description
        Paragraphs between the summary and the first section.
    parameters
        Description of each parameter in one line, by its name.
    sections
        Text of each other section, by its title.
    """

    summary: str
    description: str
    parameters: dict[str, str]
    sections: dict[str, str]

    @classmethod
    def of(cls, documented: Any) -> Documentation:
        """Split the docstring of an object.

        Parameters
        ----------
        documented
            Function, job or flow; without a docstring all attributes are empty.
        """
        head, *rest = _SECTION.split(inspect.cleandoc(documented.__doc__ or ""))
        summary, _, description = head.partition("\n\n")
        sections = {title: text.strip("\n") for title, text in zip(rest[::2], rest[1::2], strict=True)}
        parameters = {}
        for names, text in _ENTRY.findall(sections.pop("Parameters", "")):
            for name in names.partition(":")[0].split(","):
                parameters[name.strip(" *")] = " ".join(text.split())
        return cls(" ".join(summary.split()), description.strip(), parameters, sections)
