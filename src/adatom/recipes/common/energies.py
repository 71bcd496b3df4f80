"""Energies of runs, some of which may have failed."""

from __future__ import annotations

from typing import Any

from adatom import Failure
from adatom.errors import AnalysisError

__all__ = ["energy_of", "reference_energy"]


def energy_of(run: Any) -> tuple[float | None, str]:
    """The energy of a run in eV, and why there is none.

    Parameters
    ----------
    run
        A result, or a `Failure`.
    """
    return (None, run.in_short) if isinstance(run, Failure) else (run["results"]["energy"], "")


def reference_energy(run: Any, what: str) -> float:
    """The energy in eV of a run that others are compared with.

    Parameters
    ----------
    run
        A result, or a `Failure`.
    what
        What was computed.

    Raises
    ------
    AnalysisError
        It failed.
    """
    energy, missing = energy_of(run)
    if energy is None:
        raise AnalysisError(f"There is nothing to compare with: {what} failed: {missing}.")
    return energy
