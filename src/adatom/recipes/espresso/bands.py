"""Band structures with Quantum ESPRESSO."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ase import Atoms

from adatom import flow, job
from adatom.analysis.band_path import path_axis
from adatom.calculators.espresso.previous_run import PreviousRun, structure_of
from adatom.calculators.espresso.reading import read_band_order
from adatom.recipes.common.code import unbound
from adatom.recipes.common.docs import documented_by
from adatom.recipes.common.preset_code import PresetCode
from adatom.recipes.espresso._files import SAVED, after
from adatom.recipes.espresso.pw import fixed_potential
from adatom.schemas.results import ProgramResult

__all__ = ["bands_flow", "bands_pp_job", "bands_pw_job"]


@job
@documented_by(after, PresetCode.calculator)
def bands_pw_job(
    previous: PreviousRun,
    *,
    path: str | None = None,
    npoints: int = 100,
    calc_kwargs: Mapping[str, Any] | None = None,
) -> ProgramResult:
    """Compute the bands along a path, in the potential of an earlier SCF.

    {parameters}
    path
        Special points by ASE's names, such as ``"GXWKGL,UX"``. None: the usual path of the cell's Bravais lattice, by
        Setyawan and Curtarolo, Comput. Mater. Sci. 49, 299 (2010).
    npoints
        Number of k points on the path.

    Returns
    -------
    ProgramResult
        ``results`` has ``kpoints``, in fractions of the reciprocal cell, shape (K, 3), ``eigenvalues`` in eV, shape
        (spins, K, bands), ``fermi_energy`` in eV as pw.x has it for these points, ``path``, the ``distances`` along it
        in 1/Å with the factor 2π, shape (K,), and ``labels``: pairs of a distance and the special point there.
    """
    band_path = structure_of(previous).cell.bandpath(path, npoints=npoints)
    kpts = {"kpts": {"path": band_path.path, "npoints": npoints}}
    result = fixed_potential(previous, "bands", {**kpts, **dict(calc_kwargs or {})}, {})
    distances, places, names = path_axis(band_path)
    labels = [(float(place), name) for place, name in zip(places, names, strict=True)]
    return {
        **result,
        "results": {**result["results"], "path": band_path.path, "distances": distances, "labels": labels},
    }


@job
@documented_by(after)
def bands_pp_job(previous: PreviousRun, *, input_data: Mapping[str, Any] | None = None) -> ProgramResult:
    """Order the bands of an earlier run by their symmetry, with bands.x.

    {parameters}

    Returns
    -------
    ProgramResult
        ``results`` has ``kpoints``, Cartesian, in 2π/alat, shape (K, 3), and ``eigenvalues`` in eV, shape (K, bands).
    """
    return after(previous, "bands.x", SAVED, read_band_order, defaults={"filband": "bands.dat"}, input_data=input_data)


@flow
def bands_flow(
    atoms: Atoms,
    *,
    static_job: Callable[..., Any] = unbound,
    bands_pw_job: Callable[..., Any] = unbound,
    bands_pp_job: Callable[..., Any] = unbound,
    run_bands_pp: bool = True,
) -> dict[str, Any]:
    """Compute the band structure: an SCF, bands along a path, and bands.x.

    Parameters
    ----------
    atoms
        Crystal, best as a primitive cell: the path follows from its Bravais lattice.
    static_job
        Job that computes the potential.
    bands_pw_job
        Job that computes the bands.
    bands_pp_job
        Job that puts the bands in order.
    run_bands_pp
        Whether the bands are put in order.

    Returns
    -------
    dict
        Results by job: ``"static"``, ``"bands_pw"`` and, with `run_bands_pp`, ``"bands_pp"``.
    """
    static = static_job(atoms)
    bands = bands_pw_job(static)
    results = {"static": static, "bands_pw": bands}
    return {**results, "bands_pp": bands_pp_job(bands)} if run_bands_pp else results
