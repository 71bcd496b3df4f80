"""Path of lowest energy between two structures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ase import Atoms

from adatom import job, subflow
from adatom.analysis.path import ReactionPath, reaction_path
from adatom.atoms.bands import Interpolation, check_band, make_band
from adatom.recipes.common.code import effective, unbound
from adatom.schemas.results import PathPoints

__all__ = ["neb_flow"]


@subflow
def neb_flow(
    initial: Atoms,
    final: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    neb_job: Callable[..., Any] = unbound,
    images: int = 5,
    method: Interpolation = "idpp",
    climb: bool | None = None,
    relax_endpoints: bool = True,
) -> dict[str, Any]:
    """Relax two structures, and find the path of lowest energy between them with a nudged elastic band.

    Parameters
    ----------
    initial
        Structure at the first end of the path.
    final
        Structure at the last end of the path, with the same atoms in the same order and cell.
    relax_job
        Job that relaxes an end of the path.
    neb_job
        Job that relaxes the band.
    images
        Number of structures between the ends.
    method
        Interpolation between the ends: ``"linear"``, on straight lines, or ``"idpp"``, with distances between atoms
        that change evenly.
    climb
        Whether the highest image climbs to the saddle point. None: the default of `neb_job` as set by `job_params`,
        else True.
    relax_endpoints
        Whether the ends are relaxed first. Without relaxation they must be minima already.

    Returns
    -------
    dict
        ``"relax"``: a result for each end, empty without `relax_endpoints`. ``"neb"``: the result of the band.
        ``"path"``: a `ReactionPath`, with the barriers in eV.
    """
    check_band(initial, final, images, method)
    relaxed = [relax_job(end) for end in (initial, final)] if relax_endpoints else []
    first, last = [end["atoms"] for end in relaxed] or [initial, final]
    band = neb_job(interpolate(first, last, images, method), climb=effective(neb_job, "climb", climb, True))
    return {"relax": relaxed, "neb": band, "path": summarise(band["points"])}


@job
def interpolate(initial: Atoms, final: Atoms, images: int, method: Interpolation) -> list[Atoms]:
    """Return the band before it is relaxed, its ends included."""
    return make_band(initial, final, images, method)


@job
def summarise(points: PathPoints) -> ReactionPath:
    """Return the barriers and the energies along the path."""
    return reaction_path(points)
