"""Molecular dynamics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_count
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.motion import DYNAMICS, Motion
from adatom.calculations.ramp import Knots
from adatom.calculations.steps import Earlier, Steps
from adatom.errors import InputError
from adatom.schemas.results import MDAverages, MDResult

__all__ = ["DYNAMICS", "run_md"]


def run_md(
    atoms: Atoms,
    calculator: Any,
    *,
    dynamics: str = "NVE",
    steps: int = 1000,
    timestep: float = 1.0,
    temperature: Knots | None = None,
    pressure: Knots = 0.0,
    keep_velocities: bool = False,
    seed: int = 0,
    interval: int = 10,
    dynamics_kwargs: Mapping[str, Any] | None = None,
    name: str = "md",
    copy_files: CopyFiles = None,
    resume_from: Earlier = None,
) -> MDResult:
    """Follow the motion of the atoms.

    Parameters
    ----------
    atoms
        The structure; it is not changed.
    calculator
        An ASE calculator that nothing else uses.
    dynamics
        A name in `DYNAMICS`: ``"NVE"``, ``"NVT"``, ``"NPT"``, or one of ASE's classes.
    steps
        Number of time steps, those of `resume_from` among them.
    timestep
        In fs.
    temperature
        In K. Of the thermostat, and of the Maxwell-Boltzmann distribution that the first velocities are drawn from,
        the centre of mass at rest. None, for NVE only: the velocities that the structure has. A list: the thermostat
        goes from one to the next, evenly spaced over the run and linear in between.
    pressure
        Of the barostat, in eV/Å³; ``1.0 * ase.units.GPa`` is one GPa. A list as for `temperature`.
    keep_velocities
        Whether to go on with the velocities that the structure has, though a temperature is given.
    seed
        Of the random numbers; the same seed gives the same trajectory.
    interval
        Steps between two structures in the trajectory, and between two lines of the log.
    dynamics_kwargs
        Further arguments of ASE's class, in ASE's units (``ase.units.fs`` is one fs).
    name
        What the run is called, and its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    resume_from
        An earlier run of this, to be made longer: its directory, or its result. Only `steps` may be another. A job that
        was cut needs no `resume_from`: run again, it goes on.

    Returns
    -------
    MDResult
        ``atoms`` is the last structure with its velocities; ``results`` are its properties, with ``temperature`` in K
        and ``kinetic_energy`` in eV; ``averages`` are of the whole run.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time was over: see the setting `walltime`.
    ConvergenceError
        The energy or a force is not a number at the end.

    Notes
    -----
    With constraints the centre of mass is left to them.
    """
    check_count(interval=interval)
    motion = Motion(dynamics, steps, timestep, temperature, pressure, keep_velocities, dynamics_kwargs)
    rng = _generator(seed)
    parameters = {**motion.parameters, "seed": seed, "interval": interval}
    spread = {"steps of the knots": steps} if motion.ramped else {}  # a longer run would have gone another way
    made = Steps(name, steps, resume_from, atoms, calculator, **parameters, **spread)

    with calculation(name, atoms, calculator, copy_files, motion.needs) as run:
        made.enter(run)
        if not made.resumed:
            motion.set_velocities(run.atoms, rng)
        with made.files() as (trajectory, log):
            integrator = motion.integrator(run.atoms, rng, trajectory=trajectory, logfile=log, loginterval=interval)
            made.begin(integrator)
            motion.follow(integrator)
            integrator.run(made.remaining)
            made.keep()  # it can be made longer
        results = run.properties()
        results["kinetic_energy"] = float(run.atoms.get_kinetic_energy())
        results["temperature"] = float(run.atoms.get_temperature())
        document = run.result(
            converged=True,
            ensemble=motion.ensemble,
            steps=steps,
            **parameters,
        )
        averages = _averages(run.file(".traj"), timestep * interval)
        return cast(MDResult, {**document, "results": results, "averages": averages})


def _averages(path: Path, interval: float) -> MDAverages:
    """Of the structures in a trajectory that are `interval` (fs) apart."""
    from ase.io.trajectory import Trajectory

    with Trajectory(str(path)) as frames:
        rows = np.array(
            [
                (frame.get_potential_energy(), frame.get_kinetic_energy(), frame.get_temperature(), _volume(frame))
                for frame in frames
            ]
        )
        atoms = len(frames[0])
    potential, kinetic, temperature, volume = rows.mean(axis=0)
    times = np.arange(len(rows)) * interval / 1000
    total = (rows[:, 0] + rows[:, 1]) / atoms
    return {
        "structures": len(rows),
        "energy": float(potential),
        "kinetic_energy": float(kinetic),
        "temperature": float(temperature),
        "volume": None if np.isnan(volume) else float(volume),
        "drift": float(np.polyfit(times, total, 1)[0]) if len(rows) > 1 else 0.0,
    }


def _volume(atoms: Atoms) -> float:
    return float(atoms.get_volume()) if atoms.cell.rank == 3 else np.nan


def _generator(seed: int) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise InputError(f"seed is {seed!r}: {error}. Give an integer of at least 0.") from error
