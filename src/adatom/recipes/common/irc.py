"""What a transition state connects, written once."""

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
    """Go down from a transition state to both sides, and relax the two ends.

    Parameters
    ----------
    atoms
        The transition state.
    irc_job
        Follows the intrinsic reaction coordinate to one side.
    relax_job
        Relaxes an end.

    Returns
    -------
    dict
        ``"irc"``: the results of the ways down, reverse and forward. ``"relax"``: those of their relaxed ends.
        ``"path"``: a `ReactionPath` from the reverse end over the transition state to the forward one, with energies,
        and barriers both ways, of the relaxed ends.
    """
    ways = [irc_job(atoms, direction=direction) for direction in ("reverse", "forward")]
    ends = [relax_job(way["atoms"]) for way in ways]
    path = join([way["points"] for way in ways], [end["results"]["energy"] for end in ends])
    return {"irc": ways, "relax": ends, "path": path}


@job
def join(ways: list[PathPoints], energies: list[float]) -> ReactionPath:
    """One path of both ways, with the energies of the relaxed ends, in eV."""
    points = join_at_saddle(*ways)
    points["energies"][[0, -1]] = energies
    points["slopes"][[0, -1]] = 0.0
    return reaction_path(points)
