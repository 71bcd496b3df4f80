"""Q-Chem as an ASE calculator: input from keyword arguments, energies of any method of the ground state, forces."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import FileIOCalculator
from ase.units import Bohr, Hartree

from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs, megabytes
from adatom.calculators.spin import state_of
from adatom.errors import ProgramError
from adatom.execution.context import current_job

__all__ = ["QChem"]

PROGRAM = ProgramProfile(
    Programs("qchem", "qchem", "https://www.q-chem.com, with a licence", launches=True),
    output="qchem.log",
    done="Thank you very much for using Q-Chem",
    unconverged="SCF failed to converge",
    advice="Give calc_kwargs={'max_scf_cycles': 200}, or another scf_algorithm, such as 'diis_gdm'.",
    more=("qchem.out",),
)
_NUMBER = r"(-?\d+\.\d+)"
_OF_SCF = rf"^\s*Total\s+energy(?: in the final basis set)?\s+=\s+{_NUMBER}"
_OF_MORE = rf"^\s*(\S+)\s+total energy\s+=\s+{_NUMBER}"
_OF_SCF_ALONE = "|Gradient of SCF Energy"


class QChem(FileIOCalculator):
    """ASE calculator of Q-Chem.

    ASE's own writes coordinates with six digits and text only, and takes the energy of the SCF for that of any method.

    Parameters
    ----------
    method, basis
        Method and basis set, by Q-Chem's names.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    sections
        Further sections of the input by name, such as ``{"solvent": "dielectric 78.4"}``.
    **kwargs
        Variables of the section ``$rem``, such as ``max_scf_cycles=200``. The job sets ``jobtype``, and ``mem_total``
        if it asks for memory.
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012
    discard_results_on_any_change = True

    def __init__(
        self,
        method: str = "B3LYP",
        basis: str = "def2-TZVP",
        charge: int | None = None,
        multiplicity: int | None = None,
        sections: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"method": method, "basis": basis, **kwargs}
        super().__init__(label="qchem", profile=PROGRAM.check(), **given)  # type: ignore[no-untyped-call]
        self._state, self._sections, self._forces = (charge, multiplicity), sections or {}, False

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file."""
        self._forces |= "forces" in properties  # asked for once, they are needed in later steps, too
        memory = megabytes()
        rem = {"jobtype": "force" if self._forces else "sp", **({"mem_total": memory} if memory else {})}
        rem |= {**self.parameters, "sym_ignore": True}  # the axes stay those of the structure
        charge, multiplicity = state_of(atoms, *self._state)
        places = [f"{atom.symbol} {' '.join(f'{x:.10f}' for x in atom.position)}" for atom in atoms]
        sections = {
            "molecule": "\n".join([f"{charge} {multiplicity}", *places]),
            "rem": "\n".join(f"{name.upper()} {value}" for name, value in rem.items()),
            **self._sections,
        }
        text = "\n".join(f"${name}\n{content.strip()}\n$end\n" for name, content in sections.items())
        Path(self.directory, "qchem.inp").write_text(text)

    def execute(self) -> None:
        """Run Q-Chem on the ranks and threads of the job."""
        needs = current_job().resources
        counts = {"-np": needs.ranks, "-nt": needs.threads_per_rank} if needs else {}
        words = [word for flag, count in counts.items() if count > 1 for word in (flag, str(count))]
        PROGRAM.start(Path(self.directory).absolute(), *words, "qchem.inp", "qchem.out")

    def read_results(self) -> None:
        """Read the energy of the method, and the gradient where it was computed."""
        text = Path(self.directory, "qchem.out").read_text(errors="replace")
        method = cast(dict[str, Any], self.parameters)["method"]
        name = _short(method)
        of_more = {_short(found): float(value) for found, value in re.findall(_OF_MORE, text, re.MULTILINE | re.I)}
        of_more.pop("SCF", None)
        energies = [of_more[name]] if name in of_more else re.findall(_OF_SCF, text, re.MULTILINE)
        if not energies or (of_more and name not in of_more):
            others = f"; it has those of {', '.join(of_more)}" if of_more else ""
            raise ProgramError(f"qchem.out has no energy of {method}{others}.")
        energy = float(energies[-1]) * Hartree
        self.results = {"energy": energy, "free_energy": energy}
        if self._forces:
            self.results["forces"] = -_gradient(text, _OF_SCF_ALONE if not of_more else "") * Hartree / Bohr


def _short(name: str) -> str:
    """Return the name of a method as both its keyword and the output have it: RIMP2 and RI-MP2."""
    return name.upper().replace("-", "")


def _gradient(text: str, header: str) -> np.ndarray:
    """Return the gradient in Hartree/Bohr, shape (N, 3), from blocks of three rows for x, y and z."""
    blocks = re.split(rf"^ *(?:Full Analytical Gradient.*{header})\n", text, flags=re.MULTILINE)
    if len(blocks) == 1:
        raise ProgramError("qchem.out has no gradient of this method.")
    columns: list[list[float]] = [[], [], []]
    for line in blocks[-1].splitlines():
        if re.fullmatch(r"\s*\d+(\s+\d+)*\s*", line):
            continue  # numbers of atoms
        if not (row := re.match(r"\s*([123])((\s*-?\d+\.\d+)+)\s*$", line)):
            break
        columns[int(row[1]) - 1] += [float(x) for x in re.findall(r"-?\d+\.\d{7}", row[2])]
    return np.array(columns).T
