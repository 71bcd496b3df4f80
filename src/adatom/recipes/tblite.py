"""Jobs with extended tight binding: molecules, and crystals at the Γ point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from adatom.calculations.checks import check_spin
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

METHODS = {"GFN2-xTB": "D4", "GFN1-xTB": "D3", "IPEA1-xTB": "D3"}  # tblite's default first; their dispersion

# TBLite says nothing of a name that it does not know.
PARAMETERS = (
    *("method", "charge", "multiplicity", "accuracy", "electronic_temperature", "max_iterations"),
    *("mixer", "mixer_memory", "mixer_damping", "guess", "annealing", "electric_field", "spin_polarization"),
    *("solvation", *(f"{model}_solvation" for model in ("alpb", "gbsa", "cosmo", "cpcm", "pcm", "gbe", "gb"))),
    *("cache_api", "verbosity", "xtb_config"),
)

# The first atomic number above each core, and how many electrons are in it. 4f electrons always are, as d electrons are
# from Zn, Cd and Hg on.
_CORES = {1: 0, 3: 2, 11: 10, 19: 18, 30: 28, 37: 36, 48: 46, 55: 54, 72: 68, 80: 78}
_LANTHANIDES = range(57, 72)  # which have three others


def make_calculator(**calc_kwargs: Any) -> Any:
    """The calculator that tblite has for ASE; it prints nothing unless it is asked to."""
    try:
        from tblite.ase import TBLite
    except ImportError as error:
        raise MissingExtraError("tblite", "tblite") from error
    return TBLite(**{"verbosity": 0, **calc_kwargs})


def valence_electrons(atoms: Atoms) -> int:
    """How many electrons a neutral structure has, but for those in cores."""
    starts = np.array(list(_CORES))
    cores = np.array(list(_CORES.values()))[np.searchsorted(starts, atoms.numbers, side="right") - 1]
    return int(np.where(np.isin(atoms.numbers, _LANTHANIDES), 3, atoms.numbers - cores).sum())


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse what tblite takes for something else, or dies of."""
    method = calc_kwargs.get("method", next(iter(METHODS)))
    if method not in METHODS:
        raise UnknownNameError("method of tblite", method, METHODS)
    if calc_kwargs.get("dispersion") is not None:
        raise InputError(f"{method} has its own dispersion, {METHODS[method]}: it would count twice. Leave it out.")
    if atoms.pbc.any() and not atoms.pbc.all():
        raise InputError(
            f"The structure is periodic along {atoms.pbc.tolist()}; tblite knows molecules and crystals only. "
            "Set atoms.pbc = True, with vacuum in the cell where there is a surface, or atoms.pbc = False."
        )
    check_spin(
        atoms,
        valence_electrons(atoms),
        charge=calc_kwargs.get("charge"),
        multiplicity=calc_kwargs.get("multiplicity"),
    )


tblite = Code("tblite", make_calculator, elements=tuple(chemical_symbols[1:87]), parameters=PARAMETERS, check=check)

static_job = tblite.job(jobs.static_job)
relax_job = tblite.job(jobs.relax_job)
md_job = tblite.job(jobs.md_job)
freq_job = tblite.job(jobs.freq_job)
neb_job = tblite.job(jobs.neb_job)
ts_job = tblite.job(jobs.ts_job)
irc_job = tblite.job(jobs.irc_job)

tblite.bind_flows()
