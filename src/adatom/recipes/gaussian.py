"""Gaussian: quantum chemistry of molecules with Gaussian functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ase import Atoms
from ase.calculators.gaussian import Gaussian as GaussianOfASE
from ase.io import write

from adatom.calculations.checks import check_molecule, check_state
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs, megabytes, shared_cores
from adatom.calculators.spin import state_of
from adatom.errors import InputError
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

PROGRAM = ProgramProfile(
    Programs("gaussian", "g16", "https://gaussian.com, with a licence", launches=True),
    output="Gaussian.log",
    done="Normal termination of Gaussian",
    unconverged="Convergence failure -- run terminated|SCF has not converged",
    advice="Give calc_kwargs={'scf': 'xqc'}, or 'maxcycle=300'.",
)
_MOVES = r"opt|irc|freq|scan|admp|bomd"
# Of these ASE reads another energy than that of the forces, or than that of the method.
_OF_ANOTHER_ENERGY = r"tda?|cis|eomccsd|sac-ci|(ro|r|u)?(qcisd|bd)\(t|(cbs|g[1-4]|w1)\S*"


class Gaussian(GaussianOfASE):
    """ASE's calculator, with a multiplicity, and the cores and the memory of the job.

    Parameters
    ----------
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    **kwargs
        Parameters of ASE's calculator; None leaves one out. ``chk`` is "Gaussian.chk" and ``nosymm`` is set, so that
        the axes of all properties are those of the structure.
    """

    def __init__(self, charge: int | None = None, multiplicity: int | None = None, **kwargs: Any) -> None:
        given = {"chk": "Gaussian.chk", "nosymm": "", **kwargs}
        given = {name: value for name, value in given.items() if value is not None}
        super().__init__(profile=PROGRAM.check(), **given)  # type: ignore[no-untyped-call]
        self._state, self._forces = (charge, multiplicity), False

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file, with ASE's writer, whose multiplicity would leave out that electrons come in pairs."""
        self._forces |= "forces" in properties  # asked for once, they are needed in later steps, too
        cores, memory = shared_cores("Gaussian"), megabytes()
        given: dict[str, Any] = dict(zip(("charge", "mult"), state_of(atoms, *self._state), strict=True))
        given |= {"nprocshared": cores} if cores > 1 else {}
        given |= {"mem": f"{memory}MB"} if memory else {}
        asked = ["energy", *(["forces"] if self._forces else [])]
        write(f"{self.label}.com", atoms, format="gaussian-in", properties=asked, **{**given, **self.parameters})

    def read_results(self) -> None:
        """Read the output, as ASE's calculator does, whose dipole is that of the standard orientation."""
        super().read_results()  # type: ignore[no-untyped-call]
        if "nosymm" not in map(str.lower, self.parameters):
            self.results.pop("dipole", None)


def check(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse periodic structures, words that move the atoms, and a charge or multiplicity that does not fit.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, by name.
    """
    check_molecule(atoms, "Gaussian")
    if "mult" in calc_kwargs:
        raise InputError("mult is multiplicity here, as for all codes: calc_kwargs={'multiplicity': 3}.")
    if not {"method", "xc", "extra"} & calc_kwargs.keys():
        raise InputError("There is no method. Give calc_kwargs={'method': 'b3lyp', 'basis': '6-31G*'}.")
    given = " ".join([*calc_kwargs, *(str(calc_kwargs.get(name, "")) for name in ("method", "xc", "extra"))])
    words = re.split(r"[\s#/]+", given)
    for word in words:
        if re.fullmatch(rf"({_MOVES})(\W.*)?", word, re.IGNORECASE):
            raise InputError(
                f"{word!r} makes Gaussian move the atoms by itself. Leave it out, and use relax_job, ts_job, irc_job, "
                "freq_job or md_job."
            )
        if re.fullmatch(rf"({_OF_ANOTHER_ENERGY})(\W.*)?", word, re.IGNORECASE):
            raise InputError(f"Of {word!r} ASE cannot read the energy from Gaussian's output. Take another method.")
    check_state(atoms, calc_kwargs)


gaussian = Code("Gaussian", Gaussian, check=check)

static_job = gaussian.job(jobs.static_job)
relax_job = gaussian.job(jobs.relax_job)
md_job = gaussian.job(jobs.md_job)
freq_job = gaussian.job(jobs.freq_job)
neb_job = gaussian.job(jobs.neb_job)
ts_job = gaussian.job(jobs.ts_job)
irc_job = gaussian.job(jobs.irc_job)

gaussian.bind_flows()
