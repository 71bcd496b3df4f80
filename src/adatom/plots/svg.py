"""Pictures as text for a web page."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from adatom.plots.draw import draw

__all__ = ["svg"]


def svg(document: Mapping[str, Any]) -> str:
    """Return a picture of a document as an SVG element.

    Parameters
    ----------
    document
        Document or result that `adatom.plots.draw.draw` can draw.
    """
    file = io.StringIO()
    draw(document).savefig(file, format="svg")
    return file.getvalue().partition("?>")[2].partition(">")[2].strip()
