"""What makes two calculators the same, for the cache."""

from __future__ import annotations

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

from adatom.calculators.models.forms import triple
from adatom.calculators.models.names import named_model, parsed
from adatom.calculators.models.rows import Model

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
    return {"make": row.make, "version": _version(row), "given": given, "options": options}


def _version(row: Model) -> str | None:
    """Return the version of a model's package, where it can be seen without a process of its Python."""
    command = row.command()
    if command and len(command) > 1:  # such as `env ... python`
        return None
    if command:
        environment = Path(shutil.which(command[0]) or command[0]).parent.parent
        places = [str(place) for place in environment.glob("lib/python*/*-packages")]
        return next((found.version for found in metadata.distributions(name=row.package, path=places)), None)
    try:
        return metadata.version(row.package)
    except metadata.PackageNotFoundError:
        return None
