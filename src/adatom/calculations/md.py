"""Molecular dynamics of one structure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from ase import Atoms

from adatom.atoms.freedoms import Freedoms
from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_count, make_generator
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.motion import DYNAMICS, Motion
from adatom.calculations.overheating import make_steps
from adatom.calculations.ramp import Knots
from adatom.calculations.steps import PreviousRun, Steps
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
    resume_from: PreviousRun | None = None,
) -> MDResult:
    """Run molecular dynamics.

    Parameters
    ----------
    atoms
        Structure to start from; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    dynamics
        Name in `DYNAMICS`: one of ASE's classes, or ``"NVE"`` (velocity Verlet), ``"NVT"`` (Langevin) or ``"NPT"``
        (isotropic Martyna-Tobias-Klein).
    steps
        Number of time steps, including those of `resume_from`.
    timestep
        Time step in fs.
    temperature
        Temperature in K of the thermostat, and of the Maxwell-Boltzmann distribution from which the first velocities
        are drawn, with the centre of mass at rest unless the dynamics are Langevin's. None, for NVE only: the structure
        keeps its velocities. A list: the thermostat goes from one value to the next, evenly spaced over the run and
        linear in between.
    pressure
        Pressure of the barostat in eV/Å³; ``1.0 * ase.units.GPa`` is one GPa. A list means the same as for
        `temperature`.
    keep_velocities
        Whether to start with the velocities of the structure although a temperature is given. Constraints take from
        these what they hold.
    seed
        Seed of the random numbers, an integer of at least 0; the same seed gives the same trajectory.
    interval
        Number of steps between two structures in the trajectory, and between two lines of the log.
    dynamics_kwargs
        Further arguments of ASE's class, in ASE's units (``ase.units.fs`` is one fs).
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.
    resume_from
        Directory or result of an earlier run of this calculation that is to be made longer. Only `steps` may differ. An
        interrupted job needs no `resume_from`: run again, it continues.

    Returns
    -------
    MDResult
        ``atoms`` is the last structure with its velocities; ``results`` are its properties, with ``temperature`` in K
        and ``kinetic_energy`` in eV; ``averages`` are those of the whole run.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    IncompleteError
        The time of the process ran out: see the setting `walltime`.
    ConvergenceError
        The energy or a force is not a number at the end, or the run has gone wrong: kT is above 10 eV and ten times
        that of the start and of the thermostat. No bond is as strong, and no potential describes such a plasma.

    Notes
    -----
    Temperatures are those of the degrees of freedom that hold heat: 3N, less those that constraints take, and less
    three for the centre of mass, which keeps its velocity. Two atoms have three. In Langevin dynamics friction and
    random forces act on the centre of mass as well; it moves with the temperature, and counts. Thermostats that scale
    velocities leave that of the whole structure alone. ASE's own count all 3N for most thermostats, so that the
    atoms are too hot by N / (N - 1).

    At constant pressure the structure is periodic in three directions and has no constraints, as all atoms move with
    the cell.
    """
    check_count(interval=interval)
    motion = Motion(dynamics, steps, timestep, temperature, pressure, keep_velocities, dynamics_kwargs)
    motion.check(atoms)
    from adatom.calculations.md_log import Log

    rng = make_generator(seed)
    parameters = {**motion.parameters, "seed": seed, "interval": interval}
    spread = {"steps of the knots": steps} if motion.ramped else {}  # in a longer run the values differ
    made = Steps(name, steps, resume_from, atoms, calculator, **parameters, **spread)

    with calculation(name, atoms, calculator, copy_files, motion.needs) as run:
        made.enter(run)
        if not made.resumed:
            motion.set_velocities(run.atoms, rng)
        freedoms = motion.freedoms(run.atoms)
        with made.files() as (trajectory, log):
            integrator = motion.integrator(run.atoms, rng, trajectory=trajectory, loginterval=interval)
            integrator.attach(Log(integrator, run.atoms, log, freedoms), interval)
            made.begin(integrator)
            motion.follow(integrator)
            make_steps(integrator, made.remaining)
            made.save_checkpoint()  # so that the run can be made longer
        results = run.properties()
        results["kinetic_energy"] = float(run.atoms.get_kinetic_energy())
        results["temperature"] = freedoms.temperature(run.atoms.get_momenta())
        document = run.result(
            converged=True,
            ensemble=motion.ensemble,
            steps=steps,
            **parameters,
        )
        averages = _averages(run.file(".traj"), timestep * interval, freedoms)
        return cast(MDResult, {**document, "results": results, "averages": averages})


def _averages(path: Path, interval: float, freedoms: Freedoms) -> MDAverages:
    """Return averages over the structures in a trajectory, which are `interval` (fs) apart."""
    from ase.io.trajectory import Trajectory

    with Trajectory(str(path)) as frames:
        rows = np.array(
            [
                (
                    frame.get_potential_energy(),
                    frame.get_kinetic_energy(),
                    freedoms.temperature(frame.get_momenta()),
                    _volume(frame),
                )
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
