"""Minima that a transition state connects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ase import Atoms

from adatom import flow, job
from adatom.analysis.path import ReactionPath, join_at_saddle, reaction_path
from adatom.recipes.common.code import unbound
from adatom.schemas.results import PathPoints

__all__ = ["irc_flow"]


@flow
def irc_flow(
    atoms: Atoms,
    *,
    irc_job: Callable[..., Any] = unbound,
    relax_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Follow the path from a transition state down to both sides, and relax the two ends.

    Parameters
    ----------
    atoms
        Structure of the transition state.
    irc_job
        Job that follows the intrinsic reaction coordinate to one side.
    relax_job
        Job that relaxes an end of the path.

    Returns
    -------
    dict
        ``"irc"``: the results of the two ways down, reverse and forward. ``"relax"``: the results of their relaxed
        ends. ``"path"``: a `ReactionPath` from the reverse end over the transition state to the forward end. Its
        barriers, in both directions, are those between the relaxed ends and the transition state.
    """
    ways = [irc_job(atoms, direction=direction) for direction in ("reverse", "forward")]
    ends = [relax_job(way["atoms"]) for way in ways]
    path = join([way["points"] for way in ways], [end["results"]["energy"] for end in ends])
    return {"irc": ways, "relax": ends, "path": path}


@job
def join(ways: list[PathPoints], energies: list[float]) -> ReactionPath:
    """Join the two ways down to one path that has the energies of the relaxed ends, in eV."""
    points = join_at_saddle(*ways)
    points["energies"][[0, -1]] = energies
    points["slopes"][[0, -1]] = 0.0
    return reaction_path(points)
