"""CP2K as an ASE calculator: ASE's input, and one process of CP2K for all steps of a calculation."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from adatom.calculators.bare import bare
from adatom.calculators.cp2k.data import PROGRAMS
from adatom.calculators.cp2k.input import DEFAULTS, Input
from adatom.calculators.cp2k.shell import Shell

__all__ = ["Cp2k"]

_INPUT, _OUTPUT = "cp2k.inp", "cp2k.out"


class Cp2k(Calculator):
    """Calculator of CP2K, as a process that is started for the first structure and goes on with the next ones.

    It runs in the directory of the calculation, on the ranks of the job, and ends with the calculation.

    Parameters
    ----------
    charge, multiplicity
        Same as in `adatom.calculators.spin.state_of`.
    kpts, kspacing
        Numbers of k points, with Γ among them, or their spacing, as for all codes.
    **kwargs
        Parameters of ASE's calculator: ``xc``, ``basis_set``, ``cutoff`` in eV, ``inp`` for anything else.
    """

    implemented_properties = ["energy", "free_energy", "forces", "stress"]  # noqa: RUF012
    default_parameters = DEFAULTS

    def __init__(self, **kwargs: Any) -> None:
        PROGRAMS.command()
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self._shell: Shell | None = None
        self._loaded: str | None = None  # CP2K's number for the structure

    def __del__(self) -> None:
        with suppress(AttributeError):  # of one that could not be made
            self.close()

    def close(self) -> None:
        """End the process, if it runs."""
        shell, self._shell, self._loaded = self._shell, None, None
        if shell:
            shell.close()

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute the energy, forces and stress of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.

        Raises
        ------
        ProgramError
            CP2K ended before its end.
        ConvergenceError
            The SCF did not converge.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        given, self.results = _given(cast(Atoms, self.atoms)), {}
        if self._shell is None:
            self._shell = Shell(Path(self.directory).absolute())
        try:
            self.results = self._computed(self._shell, given, set(system_changes))
        except BaseException:
            self.close()
            raise

    def _computed(self, shell: Shell, given: Atoms, changes: set[str]) -> dict[str, Any]:
        if self._loaded and changes - {"positions", "cell"}:
            shell.ask(f"DESTROY {self._loaded}")
            self._loaded = None
        if self._loaded is None:
            text = Input(given, cast(dict[str, Any], self.parameters), shell.version).text()
            (shell.directory / _INPUT).write_text(text)
            self._loaded = shell.ask(f"LOAD {_INPUT} {_OUTPUT}")[-1].strip()
            shell.ask("UNITS_EV_A")
        else:
            if "cell" in changes:
                shell.set_cell(self._loaded, given.cell.array)
            shell.set_positions(self._loaded, given.positions)
        shell.evaluate(self._loaded)
        energy = float(shell.ask(f"GET_E {self._loaded}")[-1])
        rows = shell.ask(f"GET_F {self._loaded}")
        forces = np.array([line.split() for line in rows[-1 - len(given) : -1]], dtype=float)
        results = {"energy": energy, "free_energy": energy, "forces": forces}
        if given.pbc.any() and self.parameters["stress_tensor"]:  # CP2K prints one for the box of a molecule, too
            tensor = np.array(shell.ask(f"GET_STRESS {self._loaded}")[-1].split(), dtype=float).reshape(3, 3)
            results["stress"] = -((tensor + tensor.T) / 2)[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
        return results


def _given(atoms: Atoms) -> Atoms:
    """Return a structure as CP2K gets it: with a right-handed cell, and periodic along all cell vectors or none."""
    given = bare(atoms, periodic=bool(atoms.pbc.any()))
    if not given.pbc.any() and atoms.cell.handedness < 0:  # reversed vectors would not contain the molecule
        given.set_cell(atoms.cell.array[[1, 0, 2]])
    return given
