"""DFTB+: density-functional tight binding for molecules and crystals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_crystal, check_state
from adatom.calculators.dftb import FILES, GRID, PROGRAM, SPIN, Dftb, directory_of, spin_words, write_for_socket
from adatom.calculators.k_points import k_grid, numbers_or_spacing
from adatom.calculators.spin import charge_of
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

_OWN = ("charge", "multiplicity", "kpts", "kspacing", "slako_dir")
_BLOCKS = ("Hamiltonian", "Options", "Analysis", "ParserOptions", "Parallel")
# What other arguments or the job say.
_SET = {
    "Hamiltonian_Charge": "Give charge.",
    SPIN: "Give multiplicity, or the atoms initial magnetic moments.",
    f"{FILES}_Prefix": "Give slako_dir.",
    "Driver": "Use relax_job or md_job.",
    "Geometry": "It is that of the job.",
}


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse missing Slater-Koster files, a state that does not fit, and keywords that other arguments set.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of `Dftb`, by name.
    """
    for key in calc_kwargs:
        for name, advice in _SET.items():
            if key == name or key.startswith(f"{name}_"):
                raise InputError(f"calc_kwargs has {key}. {advice}")
        if key not in (*_OWN, "dispersion") and key.partition("_")[0] not in _BLOCKS:
            raise UnknownNameError("argument of DFTB+", key, [*_OWN, *(f"{block}_..." for block in _BLOCKS)])
    check_crystal(atoms, "DFTB+", molecules=True)
    whole = charge_of(atoms, calc_kwargs.get("charge")).is_integer()
    if not atoms.pbc.any() or (whole and calc_kwargs.get("multiplicity") is not None):
        check_state(atoms, calc_kwargs)
    polarised = spin_words(atoms, calc_kwargs.get("multiplicity"))
    if polarised and not any(key.startswith("Hamiltonian_SpinConstants") for key in calc_kwargs):
        raise InputError(
            "A spin-polarised calculation of DFTB+ needs spin constants: Hamiltonian_SpinConstants_='' and one for "
            "each element, as Hamiltonian_SpinConstants_O='{-0.028}'. Give them, or no moments and no multiplicity."
        )
    if atoms.pbc.any() and not any(key.startswith(GRID) for key in calc_kwargs):
        numbers_or_spacing(atoms, calc_kwargs)
    if calc_kwargs.get("Hamiltonian_", "DFTB") == "DFTB":
        _check_files(atoms, calc_kwargs)


def _check_files(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    if any(key.startswith(FILES) for key in calc_kwargs):  # with names of the user's own
        return
    directory, symbols = directory_of(calc_kwargs.get("slako_dir")), sorted(set(atoms.symbols))
    names = [f"{one}-{other}.skf" for one in symbols for other in symbols]
    if missing := [name for name in names if not (directory / name).is_file()]:
        raise InputError(
            f"There is no {', '.join(missing)} in {directory}. Take a set with all pairs of elements, from "
            "https://dftb.org, and name its directory by slako_dir, ADATOM_DATA_DIRS__DFTB or skt_path in [dftb] of "
            "ASE's configuration."
        )


dftb = Code("DFTB+", Dftb, check=check, derive=k_grid, socket=PROGRAM.client(write_for_socket))

static_job = dftb.job(jobs.static_job)
relax_job = dftb.job(jobs.relax_job)
md_job = dftb.job(jobs.md_job)
freq_job = dftb.job(jobs.freq_job)
neb_job = dftb.job(jobs.neb_job)
ts_job = dftb.job(jobs.ts_job)
irc_job = dftb.job(jobs.irc_job)

dftb.bind_flows()
