"""Steps of optimizers and molecular dynamics: they continue an interrupted run, and stop in time."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import ase
import numpy as np
from ase import Atoms

from adatom.calculations.calculation import Calculation, calculator_parameters
from adatom.calculations.checkpoint import Checkpoint
from adatom.calculations.checks import check_atoms, check_calculator
from adatom.calculations.inputs import differences, fingerprint
from adatom.calculations.state import restore, snapshot
from adatom.calculations.trajectory import Trajectory, cut
from adatom.errors import IncompleteError, InputError
from adatom.execution.deadline import stop_reason
from adatom.execution.directories import find_run

__all__ = ["PreviousRun", "Steps"]

#: An earlier run, by its directory or its result.
PreviousRun = str | os.PathLike[str] | Mapping[str, Any]

# Seconds between two checkpoints: longer steps are all kept, and short ones are not slowed down.
INTERVAL = 1.0
# Largest share of the time for writing checkpoints, which takes long with the Hessian of thousands of atoms.
_SHARE = 0.02
# Seconds that a run needs to close its files and to report, besides its next step.
_SPARE = 1.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _StoredRun:
    """Directory, checkpoint and log of an earlier run."""

    directory: Path
    checkpoint: Checkpoint
    log: str


class Steps:
    """Steps of one run, which may continue an earlier run.

    Parameters
    ----------
    name
        Name of the run and stem of its files.
    total
        Largest number of steps, including those of the earlier run.
    resume_from
        Directory or result of the earlier run to continue; None: none but an interrupted run of the same job.
    atoms, calculator
        Structure and calculator as they were given.
    **parameters
        Further inputs on which the result depends.

    Raises
    ------
    InputError
        The run `resume_from` has no checkpoint, had other inputs, or has made all steps.
    """

    def __init__(
        self, name: str, total: int, resume_from: PreviousRun | None, atoms: Atoms, calculator: Any, **parameters: Any
    ) -> None:
        self._name, self._total, self._atoms, self._parameters = name, total, atoms, parameters
        self._previous: _StoredRun | None = None
        self._written = self._longest = 0.0
        self._kept = False
        if resume_from is not None:
            check_atoms(atoms)
            check_calculator(calculator)
            self._parameters["calculator"] = calculator_parameters(calculator)
            self._previous = previous = self._load(_directory(resume_from))
            self._refuse_others(previous, "Give what that run was given, or start anew without resume_from.")
            if previous.checkpoint.steps >= total:
                raise InputError(
                    f"{previous.directory} has {previous.checkpoint.steps} steps and {total} are asked for. "
                    "Give the number of steps in all."
                )

    @property
    def resumed(self) -> bool:
        """True if the steps continue an earlier run."""
        return self._previous is not None

    @property
    def remaining(self) -> int:
        """Largest number of steps that are left to make."""
        return self._total - (self._previous.checkpoint.steps if self._previous else 0)

    def enter(self, run: Calculation, moving: Any = None) -> None:
        """Find an interrupted run of the same job, and put the atoms where it stopped.

        Parameters
        ----------
        run
            Calculation, whose directory exists.
        moving
            Object that the steps move, with the positions and the cell of an `ase.Atoms`; None: the atoms of `run`.

        Raises
        ------
        InputError
            The interrupted run had other inputs.
        """
        self._run, self._atoms = run, run.input_atoms
        self._moving = run.atoms if moving is None else moving
        self._parameters["calculator"] = calculator_parameters(run.calculator)
        left = run.directory.previous
        if self._previous is None and left is not None and self._file(left, ".checkpoint").exists():
            self._previous = self._interrupted_run(left)
        previous = self._previous
        if previous is None:
            run.file(".checkpoint").unlink(missing_ok=True)  # of another run, whose files this one starts from
        else:
            run.resumed_from = previous.directory
            previous.checkpoint.place(self._moving)
            cut(self._file(previous.directory, ".traj"), run.file(".traj"), previous.checkpoint.files)
            _logger.info("%s goes on after %d steps in %s", self._name, previous.checkpoint.steps, previous.directory)

    @contextmanager
    def files(self) -> Iterator[tuple[Trajectory, IO[str]]]:
        """Open the trajectory and the log for the steps to come.

        Yields
        ------
        tuple
            Trajectory and log, open for writing.
        """
        with self._run.trajectory(append=self.resumed) as self._trajectory, self._run.log() as self._log:
            yield self._trajectory, self._log

    def begin(self, dynamics: Any, **parts: Any) -> None:
        """Restore the state of the earlier run, and watch the steps from now on.

        Parameters
        ----------
        dynamics
            ASE's object that makes the steps and writes the files, made with the inputs of the run.
        **parts
            Other objects whose state belongs in a checkpoint, by name.

        Raises
        ------
        IncompleteError
            The time of the process has run out already.
        """
        self._dynamics = dynamics
        constraints = {f"constraint {number}": each for number, each in enumerate(self._moving.constraints)}
        self._parts = {"dynamics": dynamics, **parts, **constraints}
        if self._previous:
            self._restore(self._previous)
        if self.remaining and (why := stop_reason(_SPARE)):
            self._stop(why)
        if hasattr(dynamics, "attach"):
            dynamics.attach(self._after_a_step, interval=1)
        self._last = time.perf_counter()
        self._next = self._last + INTERVAL

    def save_checkpoint(self) -> None:
        """Write a checkpoint of the current state."""
        atoms = self._moving
        if not self._dynamics.nsteps or not np.isfinite(atoms.positions).all():
            return  # no step has been made, or the positions are useless
        start = time.perf_counter()
        state, arrays, missing = snapshot(self._parts)
        if has_a_loop_of_its_own(type(self._dynamics)):
            missing.append("the variables of its loop")
        self._log.flush()
        checkpoint = Checkpoint(
            inputs=self._inputs(),
            steps=int(self._dynamics.nsteps),
            files={**self._trajectory.length(), "log": os.fstat(self._log.fileno()).st_size},
            state=state,
            missing=[item for item in missing if not item.startswith("constraint ")],
            arrays=arrays,
            positions=atoms.positions,
            cell=atoms.cell.array,
            momenta=atoms.arrays.get("momenta"),
        )
        checkpoint.write(self._run.file(".checkpoint"))
        if not self._kept:
            self._kept = True
            self._run.directory.mark_resumable()
        self._written = time.perf_counter() - start

    def remove_checkpoint(self) -> None:
        """Remove the checkpoint: the run has reached its end, and nothing is left to do."""
        if self._kept:
            self._run.file(".checkpoint").unlink(missing_ok=True)

    def _after_a_step(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        if now >= self._next:
            self.save_checkpoint()
            self._next = time.perf_counter() + INTERVAL * max(1.0, self._written / _SHARE)
        why = stop_reason(_SPARE + 2 * self._longest + self._written)
        if why and self._dynamics.nsteps < self._total and not self._dynamics.converged():
            self.save_checkpoint()
            self._stop(why)
        self._last = time.perf_counter()

    def _stop(self, why: str) -> None:
        if self._kept:
            directory = str(self._run.directory.final)
            step = f"Run the same job again and it goes on from there; outside of a job give resume_from={directory!r}."
        else:  # not a step was made
            step = "Run the same job again where there is more time."
        raise IncompleteError(
            f"{self._name} of {self._atoms.get_chemical_formula()} stopped after {self._dynamics.nsteps} of "
            f"{self._total} steps: {why}. {step}"
        )

    def _restore(self, previous: _StoredRun) -> None:
        checkpoint, state = previous.checkpoint, previous.checkpoint.state
        # Some optimizers have written a heading by now, which the log of the earlier run has too.
        self._log.seek(0)
        self._log.truncate()
        self._log.write(previous.log)
        shutil.copyfile(self._file(previous.directory, ".checkpoint"), self._run.file(".checkpoint"))
        self._kept = True
        self._run.directory.mark_resumable()
        missing = checkpoint.missing
        if checkpoint.ase != ase.__version__:
            missing = [*missing, f"its state was written by ASE {checkpoint.ase} and this is {ase.__version__}"]
        if missing:
            state = {name: part for name, part in state.items() if name != "dynamics"}
            self._dynamics.nsteps = checkpoint.steps
            warnings.warn(
                f"{type(self._dynamics).__name__} goes on from the last structure but not exactly as it would have: "
                f"not kept were {', '.join(missing)}.",
                stacklevel=4,
            )
        restore(self._parts, state, checkpoint.arrays)

    def _interrupted_run(self, directory: Path) -> _StoredRun | None:
        """Return the earlier run in a directory, or None, with a warning, if it cannot be continued."""
        try:
            previous = self._load(directory)
        except InputError as error:
            warnings.warn(f"{error} {self._name} starts anew.", stacklevel=4)
            return None
        try:
            self._refuse_others(previous, "Move that directory away to start anew.")
        except InputError as error:
            # A job's later calculations start from results of its earlier ones, which may differ in the last digits.
            if not self._run.directory.is_child:
                raise
            warnings.warn(f"{error} {self._name} starts anew.", stacklevel=4)
            return None
        return previous

    def _load(self, directory: Path) -> _StoredRun:
        path = self._file(directory, ".checkpoint")
        if not path.exists():
            there = ", ".join(sorted(file.name for file in directory.glob("*.checkpoint"))) or "none"
            raise InputError(
                f"There is no {path.name} in {directory}, and of other names: {there}. "
                "A relaxation that converged leaves none, as nothing is left to do."
            )
        checkpoint = Checkpoint.read(path)
        trajectory, log = self._file(directory, ".traj"), self._file(directory, ".log")
        try:
            if trajectory.stat().st_size < checkpoint.files["bytes"]:
                raise InputError(f"{trajectory} is shorter than it was when {path.name} was written.")
            with log.open("rb") if log.exists() else gzip.open(f"{log}.gz") as file:
                text = file.read(checkpoint.files["log"])
        except (OSError, EOFError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"What belongs to {path} cannot be read: {error}.") from error
        if len(text) < checkpoint.files["log"]:
            raise InputError(f"{log} is shorter than it was when {path.name} was written.")
        return _StoredRun(directory, checkpoint, text.decode(errors="replace"))

    def _refuse_others(self, previous: _StoredRun, step: str) -> None:
        if found := differences(previous.checkpoint.inputs, self._inputs()):
            raise InputError(f"{self._name} cannot go on from {previous.directory}: {'; '.join(found)}. {step}")

    def _inputs(self) -> dict[str, str]:
        return fingerprint(self._atoms, **self._parameters)

    def _file(self, directory: Path, suffix: str) -> Path:
        return directory / f"{self._name}{suffix}"


def _directory(resume_from: PreviousRun) -> Path:
    named = resume_from.get("dir_name") if isinstance(resume_from, Mapping) else resume_from
    if not isinstance(named, str | os.PathLike):
        raise InputError(f"resume_from is {resume_from!r}. Give the directory of a run, or its result.")
    path = Path(named).expanduser().absolute()
    if (found := find_run(path)) is None:
        raise InputError(f"resume_from: there is no directory {path}, nor one of a run so named that did not end well.")
    return found


def has_a_loop_of_its_own(dynamics: type[Any]) -> bool:
    """Return whether the steps are made in a loop that keeps its state to itself, as SciPy's optimizers do.

    Parameters
    ----------
    dynamics
        Class of an optimizer or of dynamics.
    """
    from ase.md.md import MolecularDynamics
    from ase.optimize.optimize import Optimizer

    return getattr(dynamics, "run", None) not in (MolecularDynamics.run, Optimizer.run)
