"""MOPAC: semiempirical methods, such as PM7, for molecules and for crystals at the Γ point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms
from ase.calculators.mopac import MOPAC
from ase.data import chemical_symbols

from adatom.calculations.checks import check_state
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import state_of, with_state
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

PROGRAM = ProgramProfile(
    Programs("mopac", "mopac", "`apt-get install mopac`, or conda's package mopac"),
    output="mopac.log",
    done="FINAL HEAT OF FORMATION",
    unconverged=r"UNABLE TO ACHIEVE SELF-CONSISTENCE|SCF CALCULATIONS += +0\b",  # the latter where ITRY is too small
    advice="Add PULAY or SHIFT=30 to `task`, which is '1SCF GRADIENTS', or a larger ITRY.",
    more=("mopac.out",),
)
_MOST = 5  # the largest multiplicity of which ASE writes the name


class Mopac(MOPAC):
    """ASE's calculator, with a multiplicity.

    Parameters
    ----------
    multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    **kwargs
        Parameters of ASE's calculator.
    """

    def __init__(self, multiplicity: int | None = None, **kwargs: Any) -> None:
        super().__init__(profile=PROGRAM.check(), **kwargs)  # type: ignore[no-untyped-call]
        self._multiplicity = multiplicity

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file, as ASE's calculator does."""
        given = with_state(atoms, self.parameters["charge"], self._multiplicity)
        super().write_input(given, properties, system_changes)  # type: ignore[no-untyped-call]


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse an unknown method, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    method = calc_kwargs.get("method", MOPAC.default_parameters["method"])
    if method not in MOPAC.methods:
        raise UnknownNameError("method of MOPAC", method, MOPAC.methods)
    check_state(atoms, calc_kwargs)
    if state_of(atoms, calc_kwargs.get("charge"), calc_kwargs.get("multiplicity"))[1] > _MOST:
        raise InputError(f"The multiplicity is above {_MOST}, and ASE's input of MOPAC has no name for it.")


mopac = Code(
    "MOPAC",
    Mopac,
    elements=(*chemical_symbols[1:58], *chemical_symbols[71:84]),  # PM7; the other methods know fewer
    parameters=("method", "task", "charge", "relscf", "multiplicity"),
    check=check,
)

static_job = mopac.job(jobs.static_job)
relax_job = mopac.job(jobs.relax_job)
md_job = mopac.job(jobs.md_job)
freq_job = mopac.job(jobs.freq_job)
neb_job = mopac.job(jobs.neb_job)
ts_job = mopac.job(jobs.ts_job)
irc_job = mopac.job(jobs.irc_job)

mopac.bind_flows()
