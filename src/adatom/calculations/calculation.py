"""What all runners do alike: input checked and copied, a directory, a result."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculations.checks import check_atoms, check_calculator
from adatom.calculations.copy_files import CopyFiles, copy_files, find_files
from adatom.calculations.trajectory import Trajectory
from adatom.errors import AdatomError, ConvergenceError, InputError, StorageError
from adatom.execution.directories import RunDirectory, run_directory
from adatom.schemas.provenance import make_provenance
from adatom.schemas.readable import readable
from adatom.schemas.results import Result

__all__ = ["Calculation", "calculation", "own"]

_PROPERTIES = frozenset(all_properties)
_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}


class Calculation:
    """A calculation under way.

    Parameters
    ----------
    name
        What it is called, and its files.
    atoms
        The structure as given.
    calculator
        A calculator that nothing else uses.
    directory
        Where its files are.

    Attributes
    ----------
    atoms
        A copy of the structure, with the calculator.
    resumed_from
        The directory of an earlier run that this one goes on from, if it does.
    """

    def __init__(self, name: str, atoms: Atoms, calculator: Any, directory: RunDirectory) -> None:
        self.name, self.calculator, self.directory = name, calculator, directory
        self.input_atoms, self.atoms = own(atoms), own(atoms)
        self.atoms.calc = calculator
        calculator.directory = directory.path  # where a file-based code runs; never the working directory
        self.resumed_from: Path | None = None
        self._start, self._clock = datetime.now(UTC), time.perf_counter()

    def file(self, suffix: str) -> Path:
        """Where a file of this calculation is written now."""
        return self.directory.path / f"{self.name}{suffix}"

    def trajectory(self, append: bool = False) -> Trajectory:
        """The trajectory, open for writing.

        Parameters
        ----------
        append
            Whether it has structures already, which stay.
        """
        return Trajectory(self.file(".traj"), append)

    def log(self) -> IO[str]:
        """The log, open for writing; each line reaches the disk as it is written."""
        return self.file(".log").open("w", buffering=1)

    def properties(self) -> dict[str, Any]:
        """What the calculator knows of the structure as it is now.

        Raises
        ------
        ConvergenceError
            The energy or a force is not a number.
        """
        self.atoms.get_potential_energy()  # computes only where the last structure computed was another one
        found = {
            key: float(value) if np.ndim(value) == 0 else np.array(value)  # some calculators use their arrays again
            for key, value in self.calculator.results.items()
            if key in _PROPERTIES and value is not None
        }
        if np.shape(found.get("stress", ())) == (3, 3):  # some calculators give all of it
            found["stress"] = full_3x3_to_voigt_6_stress(found["stress"])
        for key in ("energy", "forces"):
            if key in found and not np.isfinite(found[key]).all():
                raise ConvergenceError(
                    f"{self.name} of {self.input_atoms.get_chemical_formula()}: the {key} is not a number. "
                    "Are atoms at the same place?"
                )
        return found

    def result(self, *, converged: bool, **parameters: Any) -> Result:
        """What all result documents have.

        Parameters
        ----------
        converged
            Whether the run reached what it was asked for.
        **parameters
            What the run was set to.
        """
        if not converged:
            (self.directory.path / "UNCONVERGED").touch()
        self.atoms.calc = None
        # A program goes on by itself.
        resumed_from = self.resumed_from or getattr(self.calculator, "resumed_from", None)
        return {
            "name": self.name,
            "atoms": self.atoms,
            "input_atoms": self.input_atoms,
            "parameters": readable({**parameters, "calculator": calculator_parameters(self.calculator)}),
            "converged": converged,
            "trajectory": str(self.directory.final / f"{self.name}.traj"),
            "dir_name": str(self.directory.final),
            "provenance": make_provenance(self._start, time.perf_counter() - self._clock, resumed_from),
        }


def calculator_parameters(calculator: Any) -> Mapping[str, Any]:
    """What a calculator is set to, and which it is.

    Parameters
    ----------
    calculator
        An ASE calculator.
    """
    return {"name": type(calculator).__name__, **getattr(calculator, "parameters", {})}


def own(atoms: Atoms) -> Atoms:
    """A copy that shares nothing with the structure.

    Parameters
    ----------
    atoms
        The structure.
    """
    copy: Atoms = atoms.copy()
    if copy.info:  # ASE copies the dictionary and not what is in it
        copy.info = deepcopy(copy.info)
    return copy


@contextmanager
def calculation(
    name: str,
    atoms: Atoms,
    calculator: Any,
    sources: CopyFiles = None,
    needs: tuple[str, ...] = (),
    linked: Sequence[str] = (),
) -> Iterator[Calculation]:
    """One calculation in one directory.

    Parameters
    ----------
    name
        What it is called, and its files.
    atoms
        The structure; it is not changed.
    calculator
        An ASE calculator that nothing else uses.
    sources
        Files to start from.
    needs
        Properties that the calculator must have.
    linked
        Patterns of names of files to start from that are only read, and need not be copied.

    Yields
    ------
    Calculation
        With its directory made. It is marked as failed if the block raises.

    Raises
    ------
    InputError
        Bad input; no directory was made.
    StorageError
        The disk is full, or will not be written for another reason.
    """
    check_atoms(atoms)
    check_calculator(calculator, *needs)
    files = find_files(sources)
    if not name or Path(name).name != name:
        raise InputError(f"The name of the run is {name!r}. Give one that can name a file.")
    with run_directory(name) as directory:
        try:
            copy_files(files, directory.path, linked)
            yield Calculation(name, atoms, calculator, directory)
        except OSError as error:
            if error.errno not in _DISK_TROUBLE or isinstance(error, AdatomError):
                raise
            raise StorageError(
                f"{name} cannot write to {directory.path}: {error.strerror}. Make room, or set ADATOM_RESULTS_DIR."
            ) from error
