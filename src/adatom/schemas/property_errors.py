"""Prediction errors of models against a reference, as `property_errors` returns them."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNITS", "Array", "MissingResults", "Parity", "Property", "PropertyError", "PropertyErrors"]

Property = Literal["energy_per_atom", "energy", "forces", "stress"]
Array = NDArray[np.float64]

#: By property, the unit of its prediction errors.
UNITS: dict[str, str] = {"energy_per_atom": "eV/atom", "energy": "eV", "forces": "eV/Å", "stress": "eV/Å³"}


class PropertyError(TypedDict):
    """Prediction errors of one model in one property, over the structures of one category.

    Attributes
    ----------
    prefix
        Prefix of the model's results.
    property
        Property that was compared: ``"energy_per_atom"``, ``"energy"``, ``"forces"`` or ``"stress"``.
    category
        Category of the structures; None: all structures.
    unit
        Unit of `rmse`, `mae` and `max`.
    rmse
        Root of the mean square error, in `unit`.
    mae
        Mean absolute error, in `unit`.
    max
        Largest absolute error, in `unit`.
    worst
        Number of the structure that has the largest error, counted from 0.
    count
        Number of values that were compared: one energy, three forces of each atom (one, if norms were asked for) and
        six stresses of a structure.
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
    """Structures whose results could not be compared, for one reason.

    Attributes
    ----------
    prefix
        Prefix of the model's results.
    result
        Result that is missing: ``"energy"``, ``"forces"`` or ``"stress"``; None: none of them was compared.
    reason
        Reason: ``"no reference"``, ``"no prediction"``, ``"neither"``, ``"reference failed"``, ``"failed"``,
        ``"not finite"`` or ``"no atoms"``.
    count
        Number of structures that this holds for.
    numbers
        Numbers of the first of these structures, counted from 0 and 20 at most.
    """

    prefix: str
    result: str | None
    reason: str
    count: int
    numbers: list[int]


class Parity(TypedDict):
    """Values that were compared, for a plot of the predicted ones against those of the reference.

    Attributes
    ----------
    prefix
        Prefix of the model's results.
    property
        Property that was compared, the same as in `PropertyError`.
    category
        Category of the structures; None: there are no categories.
    unit
        Unit of `reference` and `predicted`.
    reference, predicted
        Values of the reference and of the model, shape (count,); of forces and stresses always the components.
    """

    prefix: str
    property: str
    category: str | None
    unit: str
    reference: Array
    predicted: Array


class PropertyErrors(TypedDict):
    """Prediction errors of models against a reference.

    Attributes
    ----------
    name
        Kind of document: ``"property_errors"``.
    reference
        Prefix of the reference results.
    structures
        Number of structures that were read.
    errors
        Prediction errors, a row for each model, property and category with values to compare; the last row of a
        property is that of all structures.
    missing
        Structures that were not compared, a row for each reason.
    parity
        Values that were compared, if they were asked for.
    """

    name: str
    reference: str
    structures: int
    errors: list[PropertyError]
    missing: list[MissingResults]
    parity: NotRequired[list[Parity]]
