"""Errors of predicted energies and forces of structures of one composition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypedDict, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adatom.errors import InputError

__all__ = ["ReferenceErrors", "reference_errors"]

_Array = NDArray[np.float64]


class ReferenceErrors(TypedDict):
    """Errors of predicted energies and forces of S structures of one composition.

    Energies are relative to their mean over the structures, in the reference and in the prediction: their zero is
    another in each. With one structure they say nothing, and are NaN.

    Attributes
    ----------
    name
        Kind of document: ``"reference_errors"``.
    reference, predicted
        Energies of the structures in eV/atom, shape (S,).
    missing
        Number of structures without a predicted energy, which are left out.
    energy_mae, energy_rmse
        Mean absolute error and root mean square error of the energies, in eV/atom.
    force_mae, force_rmse
        The same of the components of the forces, in eV/Å; NaN if the reference has no forces.
    """

    name: str
    reference: Annotated[_Array, "eV/atom"]
    predicted: Annotated[_Array, "eV/atom"]
    missing: int
    energy_mae: Annotated[float, "eV/atom"]
    energy_rmse: Annotated[float, "eV/atom"]
    force_mae: Annotated[float, "eV/Å"]
    force_rmse: Annotated[float, "eV/Å"]


def reference_errors(
    reference: ArrayLike,
    predicted: ArrayLike,
    reference_forces: Sequence[ArrayLike | None],
    predicted_forces: Sequence[ArrayLike],
    count: int,
) -> ReferenceErrors:
    """Return the errors of predicted energies and forces.

    Parameters
    ----------
    reference, predicted
        Energies of the structures in eV, shape (S,). NaN for a structure that the potential could not compute.
    reference_forces
        Forces of each structure in eV/Å, shape (N, 3), or None where there are none.
    predicted_forces
        Forces of each structure in eV/Å, shape (N, 3).
    count
        Number of atoms of each structure.

    Raises
    ------
    InputError
        There is no structure, or numbers of structures differ.
    """
    energies = np.array([reference, predicted], dtype=float) / count
    if energies.ndim != 2 or not energies.shape[1] == len(reference_forces) == len(predicted_forces) > 0:
        raise InputError("Give energies and forces of as many structures, one or more.")
    there = np.asarray(np.isfinite(energies).all(axis=0))
    kept = energies[:, there]
    kept = kept - kept.mean(axis=1, keepdims=True) if kept.size else kept
    gaps = kept[1] - kept[0] if there.sum() > 1 else np.array([np.nan])
    errors = [
        (np.asarray(got, dtype=float) - np.asarray(wanted, dtype=float)).ravel()
        for wanted, got, here in zip(reference_forces, predicted_forces, there, strict=True)
        if here and wanted is not None
    ]
    of_forces = np.concatenate(errors) if errors else np.array([np.nan])
    found = {
        "name": "reference_errors",
        "reference": kept[0],
        "predicted": kept[1],
        "missing": int((~there).sum()),
        "energy_mae": float(np.abs(gaps).mean()),
        "energy_rmse": float(np.sqrt((gaps**2).mean())),
        "force_mae": float(np.abs(of_forces).mean()),
        "force_rmse": float(np.sqrt((of_forces**2).mean())),
    }
    return cast(ReferenceErrors, found)
