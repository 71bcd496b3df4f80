"""NWChem: quantum chemistry of molecules with Gaussian functions, and crystals with plane waves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.calculators.nwchem import NWChem as NWChemOfASE

from adatom.calculations.checks import check_state
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import with_state
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *  # noqa: F403

PROGRAM = ProgramProfile(
    Programs("nwchem", "nwchem", "`apt-get install nwchem`, or conda's package nwchem"),
    output="nwchem.nwo",
    done="Total times  cpu",
    unconverged="Calculation failed to converge",
    advice="Give calc_kwargs={'dft': {'iterations': 200}}, or change its `convergence`.",
)


class NWChem(NWChemOfASE):
    """ASE's calculator, with a charge and a multiplicity.

    Parameters
    ----------
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    **kwargs
        Parameters of ASE's calculator.
    """

    def __init__(self, charge: float | None = None, multiplicity: int | None = None, **kwargs: Any) -> None:
        super().__init__(profile=PROGRAM.check(), **kwargs)  # type: ignore[no-untyped-call]
        self._state = charge, multiplicity

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file, as ASE's calculator does, which would leave out initial charges."""
        given = with_state(atoms, *self._state)
        self.parameters["charge"] = round(float(given.get_initial_charges().sum()))
        super().write_input(given, properties, system_changes)  # type: ignore[no-untyped-call]


def write_for_socket(calculator: NWChem, atoms: Atoms, properties: list[str], socket: str) -> Sequence[str]:
    """Write the input of a program that takes structures over a socket, and return the words of its command.

    Parameters
    ----------
    calculator, atoms, properties, socket
        Same as in `adatom.calculators.over_socket.SocketClient`.
    """
    driver = {**calculator.parameters.get("driver", {}), "socket": f"unix {socket}"}
    calculator.set(task="optimize", driver=driver)  # type: ignore[no-untyped-call]
    calculator.write_input(atoms, properties)
    return [*PROGRAM.programs.command(), Path(f"{calculator.prefix}.nwi").name]


nwchem = Code("NWChem", NWChem, check=check_state, socket=PROGRAM.client(write_for_socket, stress=False))

static_job = nwchem.job(jobs.static_job)
relax_job = nwchem.job(jobs.relax_job)
md_job = nwchem.job(jobs.md_job)
freq_job = nwchem.job(jobs.freq_job)
neb_job = nwchem.job(jobs.neb_job)
ts_job = nwchem.job(jobs.ts_job)
irc_job = nwchem.job(jobs.irc_job)

nwchem.bind_flows()
