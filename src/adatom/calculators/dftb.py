"""DFTB+ as an ASE calculator, with its charge, spin and k points in the spelling of all codes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ase import Atoms, units
from ase.calculators.dftb import Dftb as DftbOfASE

from adatom.calculators.bare import bare
from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.program_profile import ProgramProfile
from adatom.calculators.programs import Programs
from adatom.calculators.spin import charge_of
from adatom.errors import InputError

__all__ = ["FILES", "GRID", "PROGRAM", "SPIN", "Dftb", "directory_of", "spin_words", "write_for_socket"]

PROGRAM = ProgramProfile(
    Programs("dftb", "dftb+", "https://dftbplus.org, or conda's package dftbplus"),
    output="dftb.out",
    done="DFTB+ running times",
    unconverged="SCC is NOT converged",
    advice="Give Hamiltonian_MaxSCCIterations=300, a mixer, or a Hamiltonian_Filling_ with a temperature.",
)
_OVER_SOCKET = {"Driver_": "Socket", "Driver_Protocol": "i-PI {}", "Driver_MaxSteps": -1}  # as many structures as come
GRID, SPIN, FILES = (f"Hamiltonian_{name}" for name in ("KPointsAndWeights", "SpinPolarisation", "SlaterKosterFiles"))


class Dftb(DftbOfASE):
    """ASE's calculator, with a state, a spacing of k points, and an error for a keyword that DFTB+ does not know.

    Parameters
    ----------
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    multiplicity
        Spin multiplicity, 2S + 1. None: that of the initial magnetic moments of the atoms; without any the calculation
        is not spin-polarised.
    kpts, kspacing
        Numbers of k points of a crystal, or their spacing, as for all codes.
    slako_dir
        Directory of the Slater-Koster files. None: that of the settings.
    **kwargs
        Keywords of DFTB+, as in ASE's calculator: ``Hamiltonian_SCCTolerance=1e-8``.
    """

    def __init__(
        self,
        charge: float | None = None,
        multiplicity: int | None = None,
        kpts: Sequence[int] | None = None,
        kspacing: float | None = None,
        slako_dir: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        given: dict[str, Any] = {"ParserOptions_IgnoreUnprocessedNodes": "No"}
        if kwargs.get("Hamiltonian_", "DFTB") == "DFTB":
            given["Hamiltonian_SCC"] = "Yes"
            slako_dir = f"{directory_of(slako_dir)}{os.sep}"
        super().__init__(profile=PROGRAM.check(), slako_dir=slako_dir or "", **{**given, **kwargs})  # type: ignore[no-untyped-call]
        self._state, self._grid = (charge, multiplicity), {"kpts": kpts, "kspacing": kspacing}

    def write_input(self, atoms: Atoms, properties: Any = None, system_changes: Any = None) -> None:
        """Write the input, as ASE's calculator does, with the charge, the spins and the k points."""
        words: dict[str, Any] = {}
        if charge := charge_of(atoms, self._state[0]):
            words["Hamiltonian_Charge"] = charge
        words |= spin_words(atoms, self._state[1])
        if atoms.pbc.any() and not any(key.startswith(GRID) for key in self.parameters):
            numbers = numbers_or_spacing(atoms, self._grid)
            rows = [[number if i == j else 0 for j in range(3)] for i, number in enumerate(numbers)]
            words |= _block(GRID, "SupercellFolding", [*rows, [0.0 if number % 2 else 0.5 for number in numbers]])
        kept = self.parameters
        self.parameters = type(kept)({**kept, **words})
        super().write_input(bare(atoms), properties, system_changes)  # type: ignore[no-untyped-call]
        self.parameters, self.atoms_input = kept, atoms  # else results would not be those of a left-handed cell

    def read_results(self) -> None:
        """Read the results, and keep their file, which ASE removes."""
        file = Path(self.directory) / "results.tag"
        text = file.read_text()
        super().read_results()  # type: ignore[no-untyped-call]
        file.write_text(text)
        if found := re.search(r"^mermin_energy\s*:real:0:\s*(\S+)", text, re.MULTILINE):
            self.results["free_energy"] = float(found[1]) * units.Hartree


def write_for_socket(calculator: Dftb, atoms: Atoms, properties: list[str], socket: str) -> Sequence[str]:
    """Write the input of a program that takes structures over a socket, and return the words of its command.

    Parameters
    ----------
    calculator, atoms, properties, socket
        Same as in `adatom.calculators.over_socket.SocketClient`.
    """
    calculator.set(**_OVER_SOCKET, Driver_File=f'"{socket}"')  # type: ignore[no-untyped-call]
    calculator.atoms = atoms  # where ASE looks for the elements
    calculator.write_input(atoms, properties)
    return PROGRAM.programs.command()


def _block(key: str, kind: str, rows: Sequence[Sequence[Any]]) -> dict[str, str]:
    """Return a block of numbers in the keywords of ASE's calculator."""
    lines = {f"{key}_empty{number:05d}": " ".join(map(str, row)) for number, row in enumerate(rows)}
    return {f"{key}_": kind, **lines}


def spin_words(atoms: Atoms, multiplicity: int | None) -> dict[str, Any]:
    """Return the keywords of a spin-polarised calculation; none for one that is not.

    Parameters
    ----------
    atoms
        Structure, whose initial magnetic moments count.
    multiplicity
        Same as in `Dftb`.
    """
    moments = atoms.get_initial_magnetic_moments()
    if multiplicity == 1 or (multiplicity is None and not moments.any()):
        return {}
    moments = moments * (-1 if moments.sum() < 0 else 1)  # DFTB+ counts the unpaired electrons of the upper spin
    unpaired = float(moments.sum()) if multiplicity is None else multiplicity - 1
    words: dict[str, Any] = {f"{SPIN}_": "Colinear", f"{SPIN}_UnpairedElectrons": unpaired}
    if multiplicity is None:
        words |= {f"{SPIN}_InitialSpins_": ""}
        words |= _block(f"{SPIN}_InitialSpins_AllAtomSpins", "", [[moment] for moment in moments])
        if atoms.pbc.any():  # the moments are a start, as in all codes for solids
            words[f"{SPIN}_RelaxTotalSpin"] = "Yes"
    return words


def directory_of(slako_dir: str | os.PathLike[str] | None) -> Path:
    """Return the directory of the Slater-Koster files.

    Parameters
    ----------
    slako_dir
        Same as in `Dftb`.

    Raises
    ------
    InputError
        There is no such directory.
    """
    if slako_dir is None:
        return PROGRAM.programs.data_dir(os.environ.get("DFTB_PREFIX"), key="skt_path")
    if not (path := Path(slako_dir).expanduser().absolute()).is_dir():
        raise InputError(f"slako_dir is {path}, and there is no such directory.")
    return path
