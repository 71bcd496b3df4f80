"""Psi4: quantum chemistry of molecules with Gaussian functions, in a process of the Python that has it."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import getfullargspec
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom import calculators
from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.interpreters import InterpreterCalculator
from adatom.calculators.spin import state_of
from adatom.execution.context import current_job
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403


def make_psi4(
    *,
    method: str = "hf",
    basis: str = "def2-svp",
    charge: int | None = None,
    multiplicity: int | None = None,
    reference: str | None = None,
    memory: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> Any:
    """Return the calculator.

    Parameters
    ----------
    method, basis
        Method and basis set, by Psi4's names, such as ``"pbe"`` and ``"3-21g"``.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    reference
        Psi4's ``reference``. None: restricted for singlets, unrestricted for others.
    memory
        Largest memory, such as ``"2 GB"``. None: Psi4's default.
    options
        Further options of Psi4, by name, such as ``{"scf_type": "direct"}``. None: no options.
    """
    given = {"method": method, "basis": basis, "memory": memory, "options": dict(options or {})}

    def arguments(atoms: Atoms) -> dict[str, Any]:
        (total, spins), needs = state_of(atoms, charge, multiplicity), current_job().resources
        return {
            **given,
            "charge": total,
            "multiplicity": spins,
            "reference": reference or ("uhf" if spins > 1 else "rhf"),  # Psi4's words for functionals, too
            "num_threads": needs.threads_per_rank if needs else 1,
        }

    made = InterpreterCalculator(
        "psi4",
        f"{Path(calculators.__file__).with_name('psi4.py')}:Psi4",
        ("energy", "forces"),
        arguments,
        carried=False,  # where there are moments, ASE's calculator takes the multiplicity to be 1
        more=["psi4-calc.dat"],
        advice="Give another multiplicity, basis or reference.",
    )
    made.parameters.update(given, charge=charge, multiplicity=multiplicity, reference=reference)
    return made


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "Psi4")
    check_state(atoms, calc_kwargs)


psi4 = Code("Psi4", make_psi4, parameters=tuple(getfullargspec(make_psi4).kwonlyargs), check=check)

static_job = psi4.job(jobs.static_job)
relax_job = psi4.job(jobs.relax_job)
md_job = psi4.job(jobs.md_job)
freq_job = psi4.job(jobs.freq_job)
neb_job = psi4.job(jobs.neb_job)
ts_job = psi4.job(jobs.ts_job)
irc_job = psi4.job(jobs.irc_job)

psi4.bind_flows()
