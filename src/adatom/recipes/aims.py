"""FHI-aims: density-functional theory of molecules and crystals with numeric orbitals, all electrons included."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal
from adatom.calculators.aims import PROGRAM, Aims, species_directory, write_for_socket
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

_MOVES = ("relax_geometry", "relax_unit_cell", "MD_run", "use_pimd_wrapper")


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse missing k points and species, and keywords that move the atoms.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_crystal(atoms, "FHI-aims", molecules=True)
    grid = calc_kwargs["k_grid"] if "k_grid" in calc_kwargs else numbers_or_spacing(atoms, calc_kwargs)
    if not atoms.pbc.any() and {*grid} != {1}:
        raise InputError(f"The structure is not periodic, and its grid of k points is {grid!r}. Leave that out.")
    for name in _MOVES:
        if name in calc_kwargs:
            raise InputError(
                f"With {name} FHI-aims moves the atoms by itself. Leave it out, and use relax_job or md_job."
            )
    if calc_kwargs.get("plus_u"):
        raise InputError("ASE cannot write plus_u. Put it into species files of your own, and give species_dir.")
    species_directory(atoms, calc_kwargs.get("species_dir"))


aims = Code("FHI-aims", Aims, check=check, derive=k_grid, socket=PROGRAM.client(write_for_socket))

static_job = aims.job(jobs.static_job)
relax_job = aims.job(jobs.relax_job)
md_job = aims.job(jobs.md_job)
freq_job = aims.job(jobs.freq_job)
neb_job = aims.job(jobs.neb_job)
ts_job = aims.job(jobs.ts_job)
irc_job = aims.job(jobs.irc_job)

aims.bind_flows()
