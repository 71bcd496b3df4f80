"""Workflows of the Materials Project with VASP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom import flow, job
from adatom.recipes.common.code import unbound
from adatom.recipes.vasp.relax import KEPT, going_on

__all__ = ["mp_gga_relax_flow", "mp_metagga_relax_flow"]


@flow
def mp_gga_relax_flow(
    atoms: Atoms,
    *,
    first_relax_job: Callable[..., Any] = unbound,
    second_relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Relax a crystal twice and compute it as it is, with PBE or PBE+U, as the Materials Project does.

    Each job starts from the wave functions of the job before.

    Parameters
    ----------
    atoms
        Crystal to relax, the cell too.
    first_relax_job
        Job of the first relaxation.
    second_relax_job
        Job of the second relaxation.
    static_job
        Job that computes the relaxed crystal as it is.

    Returns
    -------
    dict
        Results by job: ``"first_relax"``, ``"second_relax"`` and ``"static"``.
    """
    first = first_relax_job(atoms, calc_kwargs=KEPT)
    second = second_relax_job(**going_on(first), calc_kwargs=KEPT)
    return {"first_relax": first, "second_relax": second, "static": static_job(**going_on(second))}


@flow
def mp_metagga_relax_flow(
    atoms: Atoms,
    *,
    pre_relax_job: Callable[..., Any] = unbound,
    relax_job: Callable[..., Any] = unbound,
    static_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Relax a crystal with PBEsol and then r²SCAN, and compute it as it is, as the Materials Project does.

    The workflow is that of Kingsbury et al., Phys. Rev. Mater. 6, 013801 (2022). The band gap after the first
    relaxation chooses the smearing and the distance of the k points of the jobs that follow. Each job starts from the
    wave functions of the job before.

    Parameters
    ----------
    atoms
        Crystal to relax, the cell too.
    pre_relax_job
        Job of the first relaxation, with PBEsol.
    relax_job
        Job of the second relaxation.
    static_job
        Job that computes the relaxed crystal as it is.

    Returns
    -------
    dict
        Results by job: ``"pre_relax"``, ``"relax"`` and ``"static"``; ``"bandgap"`` after the first relaxation, in eV,
        0 for a metal.
    """
    first = pre_relax_job(atoms, calc_kwargs=KEPT)
    bandgap = find_bandgap(first)
    second = relax_job(**going_on(first), calc_kwargs={**KEPT, "bandgap": bandgap})
    static = static_job(**going_on(second), calc_kwargs={"bandgap": bandgap})
    return {"pre_relax": first, "bandgap": bandgap, "relax": second, "static": static}


@job
def find_bandgap(previous: Mapping[str, Any]) -> float:
    """Return the band gap of an earlier run in eV, as pymatgen's input sets find it; that of a metal is 0."""
    from pymatgen.io.vasp import Vasprun

    file = next(Path(previous["dir_name"]).glob("vasprun.xml*"))
    bands = Vasprun(file, parse_potcar_file=False).get_band_structure(efermi="smart")
    return 0.0 if bands.is_metal() else float(bands.get_band_gap()["energy"])
