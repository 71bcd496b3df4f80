"""What makes two calculators the same, for the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adatom.calculators.models.forms import triple
from adatom.calculators.models.names import named_model, parsed

__all__ = ["identify_model"]


def identify_model(calculator: Any) -> Any:
    """Return the identity of a calculator, by which two calculations are the same or not.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.

    Returns
    -------
    object
        For a model by name, its calculator, the version of its package, its file or arguments, and the options; for a
        tuple, a list; otherwise the calculator itself.
    """
    if isinstance(calculator, tuple):
        return list(triple(calculator))
    row = named_model(calculator)
    if row is None:
        return calculator  # an unknown name is refused when the calculator is made
    _, file, options = parsed(calculator)
    given = {"file": Path(file)} if file else dict(row.arguments)
    return {"make": row.make, "version": row.version_of(row.package), "given": given, "options": options}
