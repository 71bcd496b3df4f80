"""Result of a fit of a potential."""

from __future__ import annotations

from typing import Any, TypedDict

from adatom.schemas.provenance import Provenance

__all__ = ["FitResult"]


class FitResult(TypedDict):
    """Result of a fit of a potential to structures.

    Attributes
    ----------
    name
        Kind of fit.
    calculator
        Name of the potential, as `calculator` of all recipes and of `adatom.configs.calculate`.
    files
        Paths of the files of the potential.
    structures
        Number of structures to which the potential was fitted; isolated atoms do not count.
    e0
        Energy in eV of an isolated atom of each element.
    parameters
        Parameters of the program that fitted the potential.
    dir_name
        Path of the run directory.
    provenance
        Time, place and software of the run that made the result.
    """

    name: str
    calculator: str
    files: list[str]
    structures: int
    e0: dict[str, float]
    parameters: dict[str, Any]
    dir_name: str
    provenance: Provenance
