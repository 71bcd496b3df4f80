"""Path of lowest energy between two structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen, relaxation
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by

__all__ = ["NEB", "NEB_FROM_ENDPOINTS"]


@job(name="NEB", key_functions=KEYS)
@documented_by(chosen, relaxation)
def NEB(
    images: Sequence[Atoms],
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "FIRE",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    climb: bool = True,
) -> dict[str, Any]:
    """Relax a band of structures to the path of lowest energy between its ends.

    Parameters
    ----------
    {parameters}
    images
        Structures of the band, its ends included; they are not changed.
    climb
        Whether the highest image climbs to the saddle point.

    Returns
    -------
    dict
        ``"neb"``, the result of the band; ``"path"``, an `adatom.analysis.path.ReactionPath`, with the barriers in eV.
    """
    from adatom.analysis.path import reaction_path

    given = relaxation(optimizer, optimizer_kwargs, None, None, criterion)
    band = mlip.neb_job(images, climb=climb, **given, **chosen(calculator, calculator_kwargs, dispersion))
    return {"neb": band, "path": reaction_path(band["points"])}


@job(name="NEB_FROM_ENDPOINTS", key_functions=KEYS)
@documented_by(chosen, relaxation)
def NEB_FROM_ENDPOINTS(
    start: Atoms,
    end: Atoms,
    n_images: int,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "FIRE",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    relax_end_points: bool = True,
    interpolation: str = "idpp",
    climb: bool = True,
) -> dict[str, Any]:
    """Relax two structures, and find the path of lowest energy between them.

    Parameters
    ----------
    {parameters}
    start, end
        Structures at the ends of the path, with the same atoms in the same order and cell.
    n_images
        Number of structures between the ends.
    relax_end_points
        Whether the ends are relaxed first.
    interpolation
        Interpolation between the ends: ``"linear"`` or ``"idpp"``.
    climb
        Whether the highest image climbs to the saddle point.

    Returns
    -------
    dict
        ``"relax"``, ``"neb"`` and ``"path"``, as of `adatom.recipes.mlip.neb_flow`.
    """
    which = chosen(calculator, calculator_kwargs, dispersion)
    given = relaxation(optimizer, optimizer_kwargs, None, None, criterion)
    ends = relaxation("BFGSLineSearch", None, None, None, criterion)
    return mlip.neb_flow(
        start,
        end,
        images=n_images,
        method=interpolation,  # type: ignore[arg-type]
        climb=climb,
        relax_endpoints=relax_end_points,
        relax_job=mlip.relax_job.bind(**ends, **which),
        neb_job=mlip.neb_job.bind(**given, **which),
    )
