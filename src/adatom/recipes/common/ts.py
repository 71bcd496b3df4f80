"""Transition state and its vibrations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ase import Atoms

from adatom import flow, job
from adatom.analysis.saddle import TransitionState, transition_state
from adatom.recipes.common.code import unbound
from adatom.schemas.results import VibResult

__all__ = ["ts_flow"]


@flow
def ts_flow(
    atoms: Atoms, *, ts_job: Callable[..., Any] = unbound, freq_job: Callable[..., Any] = unbound
) -> dict[str, Any]:
    """Find the transition state near a structure, and check that it has one imaginary mode.

    Parameters
    ----------
    atoms
        Structure to start from, such as the highest image of a band.
    ts_job
        Job that finds the saddle point.
    freq_job
        Job that computes the vibrations of the saddle point.

    Returns
    -------
    dict
        ``"ts"``: the result of the search. ``"freq"``: the result of the vibrations, with the thermochemistry of the
        real modes. ``"transition_state"``: a `TransitionState`.

    Raises
    ------
    FlowFailure
        No saddle point is found, or the number of its imaginary modes is not one.
    """
    ts = ts_job(atoms)
    freq = freq_job(ts["atoms"], ignore_imaginary=True)
    return {"ts": ts, "freq": freq, "transition_state": check_modes(freq)}


@job
def check_modes(freq: VibResult) -> TransitionState:
    """Check that one mode is imaginary, and return the transition state."""
    return transition_state(freq["results"]["energy"], freq["results"]["frequencies"])
