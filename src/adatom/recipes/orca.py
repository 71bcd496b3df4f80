"""ORCA: quantum chemistry of molecules with Gaussian functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.orca import layer, make_orca, switched_on, table
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.common.preset_code import PresetCode


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, words that are no words, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "ORCA")
    for name in ("keywords", "blocks"):
        if not isinstance(given := calc_kwargs.get(name, ()), Mapping | list | tuple):
            raise InputError(f"{name} is {given!r}. Give a list, or a table.")
    words = calc_kwargs.get("keywords", ())
    for word, on in table(words).items():
        if not isinstance(on, bool):
            raise InputError(f"keywords has {word}: {on!r}. Give True, or Remove.")
    if not switched_on(words):
        raise InputError("There are no keywords. Give calc_kwargs={'keywords': ['PBE', 'def2-SVP']}, or a preset.")
    for word in switched_on(words):
        if re.fullmatch(r"(|Tight|VeryTight|Loose|C)Opt(TS)?|NEB(-\w+)?|IRC|MD", word, re.IGNORECASE):
            raise InputError(
                f"keywords has {word!r}, with which ORCA moves the atoms by itself. Leave it out, and use relax_job, "
                "native_ts_job, native_irc_job, neb_job or md_job."
            )
    check_state(atoms, calc_kwargs)


orca = PresetCode(
    "ORCA",
    make_orca,
    parameters=("keywords", "blocks", "charge", "multiplicity"),
    check=check,
    package="orca",
    preset="b3lyp",
    layer=layer,
)

static_job = orca.job(jobs.static_job)
relax_job = orca.job(jobs.native_relax_job, name="relax_job")
ase_relax_job = orca.job(jobs.relax_job, name="ase_relax_job")
md_job = orca.job(jobs.md_job)
freq_job = orca.job(jobs.freq_job)
neb_job = orca.job(jobs.neb_job)
ts_job = orca.job(jobs.ts_job)
native_ts_job = orca.job(jobs.native_ts_job)
irc_job = orca.job(jobs.irc_job)
native_irc_job = orca.job(jobs.native_irc_job)

orca.bind_flows()
