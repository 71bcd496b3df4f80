"""Molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from ase import Atoms, units

from adatom.errors import InputError, UnknownNameError
from adatom.runners.calculation import calculation
from adatom.runners.checks import check_count, check_positive
from adatom.runners.copy_files import CopyFiles
from adatom.runners.ramp import Knots, Ramp
from adatom.runners.steps import Earlier, Steps
from adatom.runners.tables import find_class
from adatom.schemas.results import MDAverages, MDResult

__all__ = ["DYNAMICS", "Dynamics", "run_md"]


@dataclass(frozen=True)
class Dynamics:
    """A way to integrate the equations of motion.

    Attributes
    ----------
    path
        ``"module:class"`` of ASE's implementation.
    ensemble
        What it samples.
    defaults
        Its arguments in ASE's units, from the time step in ASE's units.
    seeded
        Whether it draws random numbers.
    set_temperature, set_pressure
        Give it another temperature (K), or pressure (eV/Å³), while it runs; None: it keeps its own.
    """

    path: str
    ensemble: Literal["NVE", "NVT", "NPT"]
    defaults: Callable[[float], dict[str, Any]] = lambda timestep: {}
    seeded: bool = False
    set_temperature: Callable[[Any, float], None] | None = None
    set_pressure: Callable[[Any, float], None] | None = None


def _to_temperature(motion: Any, temperature: float) -> None:
    motion.set_temperature(temperature_K=temperature)


def _to_pressure(motion: Any, pressure: float) -> None:
    motion.pressure = pressure  # its `set_pressure` raises TypeError in ASE 3.29


def _bussi_to_temperature(motion: Any, temperature: float) -> None:
    motion.temp = units.kB * temperature
    motion.target_kinetic_energy = motion.temp * motion.ndof / 2


# Langevin leaves the centre of mass free: holding it, ASE warns, does not sample NVT.
# Coupling times are those that ASE's documentation advises: 100 time steps for a chain of thermostats and 1000 for a
# barostat; a friction of 0.01/fs; 0.1 ps and 1 ps for the Berendsen pair. A compressibility of 0.01/GPa is a metal's:
# in a Berendsen barostat it only scales the coupling time. The masses of a chain of thermostats belong to one
# temperature, so that one is kept.
DYNAMICS = {
    "VelocityVerlet": Dynamics("ase.md.verlet:VelocityVerlet", "NVE"),
    "Langevin": Dynamics(
        "ase.md.langevin:Langevin",
        "NVT",
        lambda dt: {"friction": 0.01 / units.fs, "fixcm": False},
        seeded=True,
        set_temperature=_to_temperature,
    ),
    "Bussi": Dynamics(
        "ase.md.bussi:Bussi",
        "NVT",
        lambda dt: {"taut": 100 * dt},
        seeded=True,
        set_temperature=_bussi_to_temperature,
    ),
    "NoseHooverChainNVT": Dynamics(
        "ase.md.nose_hoover_chain:NoseHooverChainNVT", "NVT", lambda dt: {"tdamp": 100 * dt}
    ),
    "NVTBerendsen": Dynamics(
        "ase.md.nvtberendsen:NVTBerendsen",
        "NVT",
        lambda dt: {"taut": 100 * units.fs},
        set_temperature=_to_temperature,
    ),
    "IsotropicMTKNPT": Dynamics(
        "ase.md.nose_hoover_chain:IsotropicMTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}
    ),
    "MTKNPT": Dynamics("ase.md.nose_hoover_chain:MTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}),
    "NPTBerendsen": Dynamics(
        "ase.md.nptberendsen:NPTBerendsen",
        "NPT",
        lambda dt: {"taut": 100 * units.fs, "taup": 1000 * units.fs, "compressibility_au": 0.01 / units.GPa},
        set_temperature=_to_temperature,
        set_pressure=_to_pressure,
    ),
}
#: What an ensemble's name alone stands for.
DYNAMICS |= {"NVE": DYNAMICS["VelocityVerlet"], "NVT": DYNAMICS["Langevin"], "NPT": DYNAMICS["IsotropicMTKNPT"]}


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
    check_positive(timestep=timestep)
    check_count(steps=steps, interval=interval)
    if dynamics not in DYNAMICS:
        raise UnknownNameError("dynamics", dynamics, DYNAMICS)
    chosen = DYNAMICS[dynamics]
    heat = None if temperature is None else Ramp("temperature", temperature, steps, positive=True)
    press = Ramp("pressure", pressure, steps)
    _check(dynamics, chosen, heat, press)
    rng = _generator(seed)
    integrator = find_class("dynamics", dynamics, {dynamics: chosen.path})
    options = _options(chosen, timestep * units.fs, heat, press, rng) | dict(dynamics_kwargs or {})
    parameters = {
        "dynamics": integrator.__name__,
        "timestep": timestep,
        "temperature": heat and heat.plain,
        "pressure": press.plain if chosen.ensemble == "NPT" else None,
        "keep_velocities": keep_velocities,
        "seed": seed,
        "interval": interval,
        "dynamics_kwargs": {key: value for key, value in options.items() if key != "rng"},
    }
    ramped = press.moves or (heat is not None and heat.moves)
    spread = {"steps of the knots": steps} if ramped else {}  # a longer run would have gone another way
    made = Steps(name, steps, resume_from, atoms, calculator, **parameters, **spread)

    needs = ("energy", "forces", "stress") if chosen.ensemble == "NPT" else ("energy", "forces")
    with calculation(name, atoms, calculator, copy_files, needs) as run:
        made.enter(run)
        if heat is not None and not keep_velocities and not made.resumed:
            _set_velocities(run.atoms, heat.at(0), rng)
        with made.files() as (trajectory, log):
            try:
                motion = integrator(
                    run.atoms, timestep * units.fs, trajectory=trajectory, logfile=log, loginterval=interval, **options
                )
            except TypeError as error:
                raise InputError(f"dynamics_kwargs do not fit {integrator.__name__}: {error}.") from error
            made.begin(motion)
            if heat is not None:
                heat.follow(motion, chosen.set_temperature)
            press.follow(motion, chosen.set_pressure)
            motion.run(made.remaining)
            made.keep()  # it can be made longer
        results = run.properties()
        results["kinetic_energy"] = float(run.atoms.get_kinetic_energy())
        results["temperature"] = float(run.atoms.get_temperature())
        document = run.result(
            converged=True,
            ensemble=chosen.ensemble,
            steps=steps,
            **parameters,
        )
        averages = _averages(run.file(".traj"), timestep * interval)
        return cast(MDResult, {**document, "results": results, "averages": averages})


def _check(dynamics: str, chosen: Dynamics, heat: Ramp | None, press: Ramp) -> None:
    if heat is None and chosen.ensemble != "NVE":
        raise InputError(f"{dynamics} is at constant temperature and none is given. Set temperature (K).")
    if (press.moves or press.plain) and chosen.ensemble != "NPT":
        at_pressure = ", ".join(sorted(key for key, row in DYNAMICS.items() if row.ensemble == "NPT"))
        raise InputError(
            f"pressure is {press.plain}, but {dynamics} is at constant volume. At pressure: {at_pressure}."
        )
    for name, ramp in {"temperature": heat, "pressure": press}.items():
        if ramp is not None and ramp.moves and getattr(chosen, f"set_{name}") is None:
            able = ", ".join(sorted(key for key, row in DYNAMICS.items() if getattr(row, f"set_{name}")))
            raise InputError(f"{name} is {ramp.plain}, but {dynamics} keeps one. These go through several: {able}.")


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


def _options(
    chosen: Dynamics, timestep: float, heat: Ramp | None, press: Ramp, rng: np.random.Generator
) -> dict[str, Any]:
    options = chosen.defaults(timestep)
    if chosen.ensemble != "NVE" and heat is not None:
        options["temperature_K"] = heat.at(0)
    if chosen.ensemble == "NPT":
        options["pressure_au"] = press.at(0)
    if chosen.seeded:
        options["rng"] = rng
    return options


def _set_velocities(atoms: Atoms, temperature: float, rng: np.random.Generator) -> None:
    from ase.md.velocitydistribution import Stationary, thermalize_momenta

    thermalize_momenta(atoms, temperature, rng=rng)
    # One atom alone would come to rest; and what a constraint holds already keeps the rest in place.
    if len(atoms) > 1 and not atoms.constraints:
        Stationary(atoms)
