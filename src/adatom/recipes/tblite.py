"""Extended tight binding, GFN1-xTB, GFN2-xTB and IPEA1-xTB, with tblite's `TBLite`.

Molecules are computed, and crystals at the Γ point.
"""

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

# Dispersion that each method has. The default of tblite comes first.
METHODS = {"GFN2-xTB": "D4", "GFN1-xTB": "D3", "IPEA1-xTB": "D3"}

# TBLite ignores unknown names without a message.
PARAMETERS = (
    *("method", "charge", "multiplicity", "accuracy", "electronic_temperature", "max_iterations"),
    *("mixer", "mixer_memory", "mixer_damping", "guess", "annealing", "electric_field", "spin_polarization"),
    *("solvation", *(f"{model}_solvation" for model in ("alpb", "gbsa", "cosmo", "cpcm", "pcm", "gbe", "gb"))),
    *("cache_api", "verbosity", "xtb_config"),
)

# Atomic number from which each core counts, and the number of electrons in the core. 4f electrons belong to the core,
# and d electrons do from Zn, Cd and Hg on.
_CORES = {1: 0, 3: 2, 11: 10, 19: 18, 30: 28, 37: 36, 48: 46, 55: 54, 72: 68, 80: 78}
_LANTHANIDES = range(57, 72)  # three of their electrons are in no core


def make_calculator(**calc_kwargs: Any) -> Any:
    """Return the ASE calculator of tblite, which prints nothing unless `verbosity` is given.

    Parameters
    ----------
    **calc_kwargs
        Arguments of tblite's ``TBLite``, in ASE's units.

    Raises
    ------
    MissingExtraError
        The package tblite is not installed.
    """
    try:
        from tblite.ase import TBLite
    except ImportError as error:
        raise MissingExtraError("tblite", "tblite") from error
    return TBLite(**{"verbosity": 0, **calc_kwargs})


def valence_electrons(atoms: Atoms) -> int:
    """Return the number of electrons outside the cores of a neutral structure.

    Parameters
    ----------
    atoms
        Structure whose electrons are counted.
    """
    starts = np.array(list(_CORES))
    cores = np.array(list(_CORES.values()))[np.searchsorted(starts, atoms.numbers, side="right") - 1]
    return int(np.where(np.isin(atoms.numbers, _LANTHANIDES), 3, atoms.numbers - cores).sum())


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse input that tblite misunderstands or that ends the process.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.

    Raises
    ------
    InputError
        The method is unknown, dispersion would count twice, the structure is periodic along some directions only, or
        the charge and the multiplicity do not fit.
    """
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
scan_job = tblite.job(jobs.scan_job)
widom_job = tblite.job(jobs.widom_job)
relax_job = tblite.job(jobs.relax_job)
md_job = tblite.job(jobs.md_job)
freq_job = tblite.job(jobs.freq_job)
neb_job = tblite.job(jobs.neb_job)
ts_job = tblite.job(jobs.ts_job)
irc_job = tblite.job(jobs.irc_job)

tblite.bind_flows()
