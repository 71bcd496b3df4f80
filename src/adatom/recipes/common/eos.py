"""Equation of state of a crystal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms

from adatom import Failure, job, subflow
from adatom.analysis import eos as analysis
from adatom.analysis.eos import EquationOfState, check_eos
from adatom.atoms.deformations import scale_volume
from adatom.errors import AnalysisError
from adatom.recipes.common.code import unbound
from adatom.recipes.common.same_settings import with_settings_of

__all__ = ["eos_flow"]


@subflow
def eos_flow(
    atoms: Atoms,
    *,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
    relax_ions: bool = True,
    strains: Sequence[float] = (-0.06, -0.04, -0.02, 0.0, 0.02, 0.04, 0.06),
    equation: str = "birch_murnaghan",
) -> dict[str, Any]:
    """Compute the energies of a crystal at several volumes, and fit an equation of state to them.

    Settings that a code derives from a structure, such as a grid of k points, are those of `atoms` at all volumes.

    Parameters
    ----------
    atoms
        Crystal whose volume is changed.
    relax_job
        Job that relaxes the ions at a volume.
    static_job
        Job that computes a volume as it is, without `relax_ions`.
    relax_ions
        Whether ions are relaxed; the cell keeps its shape.
    strains
        Relative changes of the volume: 0.02 is 2 % more.
    equation
        Name of an equation in `adatom.analysis.eos.EQUATIONS`.

    Returns
    -------
    dict
        ``"points"``: a result for each strain, or the `Failure` of its job. ``"eos"``: an `EquationOfState`, fitted to
        the points that did not fail.

    Raises
    ------
    FlowFailure
        Fewer than five points did not fail, or no equation of state fits them.
    """
    check_eos(equation, strains)
    run = with_settings_of(relax_job if relax_ions else static_job, atoms)
    points = [run(structure) for structure in scale_volume(atoms, strains)]
    return {"points": points, "eos": fit_eos(points, list(strains), equation)}


@job(failed_inputs="tolerate")
def fit_eos(points: Sequence[Any], strains: Sequence[float], equation: str) -> EquationOfState:
    """Fit an equation of state to the points that did not fail."""
    failed = {f"{strain:+g}": point.in_short for strain, point in zip(strains, points, strict=True) if _failed(point)}
    there = [point for point in points if not _failed(point)]
    if len(there) < analysis.LEAST_POINTS:
        raise AnalysisError(
            f"{len(failed)} of {len(points)} points failed, and {analysis.LEAST_POINTS} are needed: {failed}."
        )
    volumes = [point["atoms"].get_volume() for point in there]
    energies = [point["results"]["energy"] for point in there]
    return {**analysis.fit_eos(volumes, energies, equation), "failed": failed}


def _failed(point: Any) -> bool:
    return isinstance(point, Failure)
