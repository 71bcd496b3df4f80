"""Transition states, known by the vibrations of a structure."""

from __future__ import annotations

from typing import Annotated, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from adatom.errors import AnalysisError

__all__ = ["TransitionState", "transition_state"]


class TransitionState(TypedDict):
    """Saddle point of first order on the potential energy surface.

    Attributes
    ----------
    name
        Kind of document: ``"transition_state"``.
    energy
        Potential energy in eV.
    imaginary_frequency
        Wave number of the one imaginary mode, in cm⁻¹, as a positive number.
    """

    name: str
    energy: Annotated[float, "eV"]
    imaginary_frequency: Annotated[float, "cm⁻¹"]


def transition_state(energy: float, frequencies: ArrayLike) -> TransitionState:
    """Return a transition state, and refuse vibrations that are not those of a saddle point of first order.

    Parameters
    ----------
    energy
        Potential energy of the structure in eV.
    frequencies
        Wave numbers of the M modes in cm⁻¹, imaginary ones negative, shape (M,).

    Raises
    ------
    AnalysisError
        Not exactly one mode is imaginary.
    """
    imaginary = np.sort(np.asarray(frequencies, dtype=float))
    imaginary = imaginary[imaginary < 0]
    if len(imaginary) != 1:
        listed = ", ".join(f"{-wave_number:.0f}i" for wave_number in imaginary) or "none"
        raise AnalysisError(
            f"A transition state has one imaginary mode, and this has {len(imaginary)} ({listed} cm⁻¹). Start nearer "
            "to it, or with a smaller fmax; if the imaginary modes are small, compute vibrations with another delta."
        )
    return {"name": "transition_state", "energy": float(energy), "imaginary_frequency": float(-imaginary[0])}
