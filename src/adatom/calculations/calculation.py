"""The frame of every calculation: checked and copied input, a run directory, a result."""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

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

__all__ = ["Calculation", "calculation", "independent_copy"]

_PROPERTIES = frozenset(all_properties)
_DISK_TROUBLE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG}


class Calculation:
    """A calculation in progress.

    Parameters
    ----------
    name
        Name of the calculation and stem of its files.
    atoms
        Structure as it was given; it is copied.
    calculator
        ASE calculator that nothing else uses.
    directory
        Run directory, which holds the files.

    Attributes
    ----------
    atoms
        Copy of the structure, with the calculator.
    input_atoms
        Copy of the structure as it was given.
    resumed_from
        Directory of the earlier run that this run continues; None if it continues none.
    """

    def __init__(self, name: str, atoms: Atoms, calculator: Any, directory: RunDirectory) -> None:
        self.name, self.calculator, self.directory = name, calculator, directory
        self.input_atoms, self.atoms = independent_copy(atoms), independent_copy(atoms)
        self.atoms.calc = calculator
        calculator.directory = directory.path  # where a file-based code runs; never the working directory
        self.resumed_from: Path | None = None
        self._start, self._clock = datetime.now(UTC), time.perf_counter()

    def file(self, suffix: str) -> Path:
        """Return the path of a file of this calculation, in the directory that is written to now.

        Parameters
        ----------
        suffix
            End of the file name, such as ``".traj"``.
        """
        return self.directory.path / f"{self.name}{suffix}"

    def trajectory(self, append: bool = False) -> Trajectory:
        """Open the trajectory for writing.

        Parameters
        ----------
        append
            Whether to keep the structures that the file already has; otherwise an old file is replaced.
        """
        return Trajectory(self.file(".traj"), append)

    def log(self) -> IO[str]:
        """Open the log for writing. Each line reaches the disk as soon as it is written."""
        return self.file(".log").open("w", buffering=1)

    def properties(self) -> dict[str, Any]:
        """Return the properties that the calculator has for the current structure.

        Returns
        -------
        dict
            Values by ASE's names and in ASE's units. The stress has Voigt order, shape (6,).

        Raises
        ------
        ConvergenceError
            The energy or a force is not a number.
        """
        self.atoms.get_potential_energy()  # computes only if the calculator's last structure differs
        return self.found()

    def found(self) -> dict[str, Any]:
        """Return what `properties` returns, of the structure that the calculator has computed last."""
        found = {
            key: float(value) if np.ndim(value) == 0 else np.array(value)  # some calculators reuse their arrays
            for key, value in self.calculator.results.items()
            if key in _PROPERTIES and value is not None
        }
        if np.shape(found.get("stress", ())) == (3, 3):  # some calculators give the full tensor
            found["stress"] = full_3x3_to_voigt_6_stress(found["stress"])
        for key in ("energy", "forces"):
            if key in found and not np.isfinite(found[key]).all():
                raise ConvergenceError(
                    f"{self.name} of {self.input_atoms.get_chemical_formula()}: the {key} is not a number. "
                    "Are atoms at the same place?"
                )
        return found

    def result(self, *, converged: bool, **parameters: Any) -> Result:
        """Return the entries that all results share.

        Parameters
        ----------
        converged
            Whether the run reached its goal. If not, a file ``UNCONVERGED`` is made in its directory.
        **parameters
            Settings of the run, for the entry ``parameters``.
        """
        if not converged:
            (self.directory.path / "UNCONVERGED").touch()
        self.atoms.calc = None
        # Of some codes there is more than ASE's properties: charges by a program that looks at their files, or `atoms`
        # with the initial moments that a run which goes on from there needs.
        entries = getattr(self.calculator, "entries", None)
        more: dict[str, Any] = entries(self.atoms) if entries else {}
        # Programs continue an earlier run by themselves, and say so in an attribute.
        resumed_from = self.resumed_from or getattr(self.calculator, "resumed_from", None)
        corrections = getattr(self.calculator, "corrections", None)
        document: Result = {
            "name": self.name,
            "atoms": self.atoms,
            "input_atoms": self.input_atoms,
            "parameters": readable({**parameters, "calculator": calculator_parameters(self.calculator)}),
            "converged": converged,
            "trajectory": str(self.directory.final / f"{self.name}.traj"),
            "dir_name": str(self.directory.final),
            "provenance": make_provenance(self._start, time.perf_counter() - self._clock, resumed_from),
        }
        if corrections:
            more["corrections"] = readable(corrections)
        return cast(Result, {**document, **more})


def calculator_parameters(calculator: Any) -> Mapping[str, Any]:
    """Return the settings of a calculator, and the name of its class.

    Parameters
    ----------
    calculator
        ASE calculator; its attribute ``parameters`` may be missing.
    """
    return {"name": type(calculator).__name__, **getattr(calculator, "parameters", {})}


def independent_copy(atoms: Atoms) -> Atoms:
    """Return a copy of a structure that shares nothing with it.

    Parameters
    ----------
    atoms
        Structure to copy; its calculator is left out.
    """
    copy: Atoms = atoms.copy()
    if copy.info:  # ASE copies the dictionary, but not its values
        copy.info = deepcopy(copy.info)
    return copy


@contextmanager
def closed_after(*calculators: Any) -> Iterator[None]:
    """End the programs that calculators have running, which ASE's convention for is a method ``close``.

    Parameters
    ----------
    *calculators
        Calculators that nothing uses after the block.
    """
    try:
        yield
    finally:
        for calculator in calculators:
            if close := getattr(calculator, "close", None):
                close()


@contextmanager
def calculation(
    name: str,
    atoms: Atoms,
    calculator: Any,
    sources: CopyFiles = None,
    needs: tuple[str, ...] = (),
    linked: Sequence[str] = (),
) -> Iterator[Calculation]:
    """Set up one calculation in a directory of its own.

    Parameters
    ----------
    name
        Name of the calculation and stem of its files.
    atoms
        Structure to compute; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    sources
        Files to start from, in a form that `find_files` takes; None: no files.
    needs
        Properties that the calculator must be able to compute, by ASE's names.
    linked
        Patterns of names of files to start from that are only read: hard links replace copies where possible.

    Yields
    ------
    Calculation
        The calculation in its new directory, which is marked as failed if the block raises.

    Raises
    ------
    InputError
        Bad input, found before the directory is made.
    StorageError
        The disk is full, read-only or broken, or a file is too large.
    """
    check_atoms(atoms)
    check_calculator(calculator, *needs)
    files = {} if sources is None else find_files(sources)
    if not name or Path(name).name != name:
        raise InputError(f"The name of the run is {name!r}. Give one that can name a file.")
    with run_directory(name) as directory, closed_after(calculator):
        try:
            if files:
                copy_files(files, directory.path, linked)
            yield Calculation(name, atoms, calculator, directory)
        except OSError as error:
            if error.errno not in _DISK_TROUBLE or isinstance(error, AdatomError):
                raise
            raise StorageError(
                f"{name} cannot write to {directory.path}: {error.strerror}. Make room, or set ADATOM_RESULTS_DIR."
            ) from error
