"""What comparing the results of models with a reference gives."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNITS", "Array", "MissingResults", "Parity", "Property", "PropertyError", "PropertyErrors"]

Property = Literal["energy_per_atom", "energy", "forces", "stress"]
Array = NDArray[np.float64]

#: By property, the unit of its errors.
UNITS: dict[str, str] = {"energy_per_atom": "eV/atom", "energy": "eV", "forces": "eV/Å", "stress": "eV/Å³"}


class PropertyError(TypedDict):
    """The errors of one model in one property, over the structures of one category.

    Attributes
    ----------
    prefix
        Of the model's results.
    property
        ``"energy_per_atom"``, ``"energy"``, ``"forces"`` or ``"stress"``.
    category
        Which one; None: all structures.
    unit
        Of `rmse`, `mae` and `max`.
    rmse
        Root of the mean square error.
    mae
        Mean absolute error.
    max
        Largest absolute error.
    worst
        Number of the structure that has it, counted from 0.
    count
        How many numbers were compared: one energy, three forces of each atom (one, if norms were asked for) and six
        stresses of a structure.
    """

    prefix: str
    property: str
    category: str | None
    unit: str
    rmse: float
    mae: float
    max: float
    worst: int
    count: int


class MissingResults(TypedDict):
    """Structures that could not be compared.

    Attributes
    ----------
    prefix
        Of the model's results.
    result
        ``"energy"``, ``"forces"`` or ``"stress"``; None: none of them was compared.
    reason
        ``"no reference"``, ``"no prediction"``, ``"neither"``, ``"reference failed"``, ``"failed"``, ``"not finite"``
        or ``"no atoms"``.
    count
        How many structures.
    numbers
        The first of them, counted from 0 and 20 at most.
    """

    prefix: str
    result: str | None
    reason: str
    count: int
    numbers: list[int]


class Parity(TypedDict):
    """What was compared, for a plot of the one against the other.

    Attributes
    ----------
    prefix
        Of the model's results.
    property
        As of `PropertyError`.
    category
        Which one.
    unit
        Of both.
    reference, predicted
        The numbers, shape (count,); of forces and stresses always the components.
    """

    prefix: str
    property: str
    category: str | None
    unit: str
    reference: Array
    predicted: Array


class PropertyErrors(TypedDict):
    """The errors of models against a reference.

    Attributes
    ----------
    name
        ``"property_errors"``.
    reference
        Prefix of the reference.
    structures
        How many there are.
    errors
        A row for each model, property and category with something to compare; of a property, the last is that of all
        structures.
    missing
        What was not compared, and why.
    parity
        If it was asked for: what was compared.
    """

    name: str
    reference: str
    structures: int
    errors: list[PropertyError]
    missing: list[MissingResults]
    parity: NotRequired[list[Parity]]
