"""Single points with VASP as in MatPES, a set of data for potentials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ase import Atoms

from adatom import flow
from adatom.recipes.common.code import unbound
from adatom.recipes.vasp.relax import KEPT, going_on

__all__ = ["matpes_static_flow"]


@flow
def matpes_static_flow(
    atoms: Atoms,
    *,
    pbe_job: Callable[..., Any] = unbound,
    r2scan_job: Callable[..., Any] = unbound,
    pbe_u_job: Callable[..., Any] = unbound,
    run_pbe_u: bool = False,
) -> dict[str, Any]:
    """Compute a structure as it is with PBE and with r²SCAN, as MatPES does.

    MatPES is described in Kaplan et al., arXiv:2503.04070. The second job starts from the wave functions of the first.

    Parameters
    ----------
    atoms
        Structure that is computed as it is.
    pbe_job
        Job with PBE.
    r2scan_job
        Job with r²SCAN.
    pbe_u_job
        Job with PBE+U.
    run_pbe_u
        Whether PBE+U follows too, from the wave functions of PBE; without oxygen or fluorine it is PBE.

    Returns
    -------
    dict
        Results by job: ``"pbe"``, ``"r2scan"`` and, with `run_pbe_u`, ``"pbe_u"``.
    """
    pbe = pbe_job(atoms, calc_kwargs=KEPT)
    results = {"pbe": pbe, "r2scan": r2scan_job(**going_on(pbe))}
    return {**results, "pbe_u": pbe_u_job(**going_on(pbe))} if run_pbe_u else results
