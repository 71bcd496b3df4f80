"""ABINIT: density-functional theory of crystals with plane waves and pseudopotentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal, check_positive
from adatom.calculators.abinit import GRIDS, PROGRAM, Abinit, pseudopotentials, write_for_socket
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

_NOT_GIVEN = {
    "nsppol": "It follows from the initial magnetic moments.",
    "ionmov": "Use relax_job or md_job.",
    "optcell": "Use relax_job with relax_cell=True.",
    "ndtset": "Run one job for each.",
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a missing cutoff, missing k points and pseudopotentials, and variables that the job sets.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "ABINIT")
    for name, how in _NOT_GIVEN.items():
        if name in calc_kwargs:
            raise InputError(f"{name} is {calc_kwargs[name]!r}, and the job sets it. {how}")
    if calc_kwargs.get("ecut") is None:
        raise InputError("There is no cutoff: give calc_kwargs={'ecut': 500}, in eV, as your pseudopotentials need it.")
    check_positive(ecut=calc_kwargs["ecut"])
    if not any(name in calc_kwargs for name in GRIDS):
        numbers_or_spacing(atoms, calc_kwargs)
    pseudopotentials(atoms, calc_kwargs)


abinit = Code("ABINIT", Abinit, check=check, derive=k_grid, socket=PROGRAM.client(write_for_socket, ranks=False))

static_job = abinit.job(jobs.static_job)
relax_job = abinit.job(jobs.relax_job)
md_job = abinit.job(jobs.md_job)
freq_job = abinit.job(jobs.freq_job)
neb_job = abinit.job(jobs.neb_job)
ts_job = abinit.job(jobs.ts_job)
irc_job = abinit.job(jobs.irc_job)

abinit.bind_flows()
