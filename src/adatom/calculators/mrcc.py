"""MRCC as an ASE calculator, which ASE has none of."""

from __future__ import annotations

import re
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

__all__ = ["MRCC"]

PROGRAM = ProgramProfile(
    Programs("mrcc", "dmrcc", "https://www.mrcc.hu, with a licence that is free for academic use", launches=True),
    output="mrcc.out",
    done="Normal termination of mrcc",
    unconverged="THE SCF ITERATION HAS NOT CONVERGED",
    advice="Give calc_kwargs={'scfmaxit': 200}, or a level shift: 'scflshift'.",
)
_DATA = "mrcc_job.dat"  # energy and gradient, which MRCC writes for programs that drive it
_NUMBER = r"[-+]?\d*\.\d+(?:E[-+]?\d+)?"


class MRCC(FileIOCalculator):
    """ASE calculator of MRCC.

    Parameters
    ----------
    calc, basis
        Method and basis set, by MRCC's names.
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    **kwargs
        Keywords of MRCC, such as ``scfmaxit=200``. The job sets ``mpitasks``, and ``mem`` if it asks for memory.
        ``dens`` is 2 where forces are needed, for methods with an analytic gradient.
    """

    implemented_properties = ["energy", "free_energy", "forces"]  # noqa: RUF012
    discard_results_on_any_change = True
    fileio_rules = FileIOCalculator.ruleset()

    def __init__(
        self,
        calc: str = "CCSD(T)",
        basis: str = "def2-TZVP",
        charge: int | None = None,
        multiplicity: int | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"calc": calc, "basis": basis, **kwargs}
        super().__init__(label="mrcc", profile=PROGRAM.check(), **given)  # type: ignore[no-untyped-call]
        self._state, self._forces = (charge, multiplicity), False

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input file."""
        self._forces |= "forces" in properties  # asked for once, they are needed in later steps, too
        needs, memory = current_job().resources, megabytes()
        ranks, ranks_per_node = (needs.ranks, needs.ranks_per_node) if needs else (1, 1)
        given: dict[str, Any] = {"mem": f"{memory // ranks_per_node}MB"} if memory else {}
        given |= {"mpitasks": ranks} if ranks > 1 else {}
        given |= {"dens": 2} if self._forces else {}
        charge, multiplicity = state_of(atoms, *self._state)
        # Only with charges outside, though there be none, the axes stay those of the structure.
        given |= {**self.parameters, "symm": "off", "qmmm": "amber", "unit": "angs"}
        given |= {"charge": charge, "mult": multiplicity, "geom": "xyz"}
        places = [f"{atom.symbol:<2} {' '.join(f'{x:16.10f}' for x in atom.position)}" for atom in atoms]
        lines = [*(f"{name}={value}" for name, value in given.items()), str(len(atoms)), "", *places]
        Path(self.directory, "MINP").write_text("\n".join([*lines, "", "pointcharges", "0", ""]))
        Path(self.directory, _DATA).unlink(missing_ok=True)

    def read_results(self) -> None:
        """Read the energy of the method, and the gradient where it was computed."""
        path = Path(self.directory, _DATA)
        text = path.read_text().replace("D", "E") if path.exists() else ""
        energies = re.findall(rf"^ +Fin.*\n\s*({_NUMBER})", text, re.MULTILINE)
        if not energies:
            raise ProgramError(f"MRCC wrote no final energy to {_DATA}.")
        energy = float(energies[-1]) * Hartree
        self.results = {"energy": energy, "free_energy": energy}
        if self._forces:
            rows = rf"(?:\s*{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s*\n){{{len(cast(Atoms, self.atoms))}}}"
            found = re.findall(rf"^ Forc.*\n({rows})", text, re.MULTILINE)
            if not found:
                raise ProgramError(
                    f"MRCC wrote no gradient to {_DATA}. Where the method has none, only energies can be had: give "
                    "static_job properties=['energy']."
                )
            gradient = np.array(found[-1].split(), dtype=float).reshape(-1, 3)
            self.results["forces"] = -gradient * Hartree / Bohr
