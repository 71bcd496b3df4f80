"""Energies of runs, some of which may have failed."""

from __future__ import annotations

from typing import Any

from adatom import Failure
from adatom.errors import AnalysisError

__all__ = ["energy_of", "reference_energy"]


def energy_of(run: Any) -> tuple[float | None, str]:
    """Return the energy of a run in eV and an empty text, or None and the reason of the failure.

    Parameters
    ----------
    run
        Result of a job, or its `Failure`.
    """
    return (None, run.in_short) if isinstance(run, Failure) else (run["results"]["energy"], "")


def reference_energy(run: Any, what: str) -> float:
    """Return the energy in eV of a run with which others are compared.

    Parameters
    ----------
    run
        Result of a job, or its `Failure`.
    what
        Name of the computed structure, for the error message.

    Raises
    ------
    AnalysisError
        The run failed.
    """
    energy, missing = energy_of(run)
    if energy is None:
        raise AnalysisError(f"There is nothing to compare with: {what} failed: {missing}.")
    return energy
