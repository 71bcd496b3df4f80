"""Relaxation in two runs of VASP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ase import Atoms

from adatom import flow
from adatom.recipes.common.code import unbound

__all__ = ["KEPT", "double_relax_flow", "going_on"]

KEPT = {"lwave": True}


def going_on(previous: Any, files: Sequence[str] = ("WAVECAR",)) -> dict[str, Any]:
    """Return the arguments of a job that goes on with the structure and the files of an earlier one.

    Parameters
    ----------
    previous
        Result of the earlier job.
    files
        Names of the files.
    """
    return {"atoms": previous["atoms"], "copy_files": [(previous, list(files))]}


@flow
def double_relax_flow(
    atoms: Atoms,
    *,
    first_relax_job: Callable[..., Any] = unbound,
    second_relax_job: Callable[..., Any] = unbound,
) -> dict[str, Any]:
    """Relax a structure twice, the second time with the plane waves and k points of the first result.

    A relaxation of the cell keeps the plane waves of the cell that it starts from, so that its energy and stress are
    not those of the cell where it ends. The second relaxation starts from the wave functions of the first.

    Parameters
    ----------
    atoms
        Structure to relax.
    first_relax_job
        Job of the first relaxation.
    second_relax_job
        Job of the second relaxation.

    Returns
    -------
    dict
        Results by job: ``"first_relax"`` and ``"second_relax"``.
    """
    first = first_relax_job(atoms, calc_kwargs=KEPT)
    return {"first_relax": first, "second_relax": second_relax_job(**going_on(first))}
