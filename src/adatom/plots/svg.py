"""A picture as text, for a page."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from adatom.plots.draw import draw

__all__ = ["svg"]


def svg(document: Mapping[str, Any]) -> str:
    """A picture of a document as an SVG element.

    Parameters
    ----------
    document
        What `adatom.plots.draw.draw` takes.
    """
    file = io.StringIO()
    draw(document).savefig(file, format="svg")
    return file.getvalue().partition("?>")[2].partition(">")[2].strip()
