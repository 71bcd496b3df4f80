"""Molecular dynamics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from ase import Atoms, units

from adatom.errors import InputError, UnknownNameError
from adatom.runners.calculation import calculation
from adatom.runners.checks import check_count, check_positive
from adatom.runners.copy_files import CopyFiles
from adatom.runners.steps import Earlier, Steps
from adatom.runners.tables import find_class
from adatom.schemas.results import MDResult

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
    """

    path: str
    ensemble: Literal["NVE", "NVT", "NPT"]
    defaults: Callable[[float], dict[str, Any]] = lambda timestep: {}
    seeded: bool = False


# Langevin leaves the centre of mass free: holding it, ASE warns, does not sample NVT.
# Coupling times are those that ASE's documentation advises: 100 time steps for a chain of thermostats and 1000 for a
# barostat; a friction of 0.01/fs; 0.1 ps and 1 ps for the Berendsen pair. A compressibility of 0.01/GPa is a metal's:
# in a Berendsen barostat it only scales the coupling time.
DYNAMICS = {
    "VelocityVerlet": Dynamics("ase.md.verlet:VelocityVerlet", "NVE"),
    "Langevin": Dynamics(
        "ase.md.langevin:Langevin", "NVT", lambda dt: {"friction": 0.01 / units.fs, "fixcm": False}, seeded=True
    ),
    "Bussi": Dynamics("ase.md.bussi:Bussi", "NVT", lambda dt: {"taut": 100 * dt}, seeded=True),
    "NoseHooverChainNVT": Dynamics(
        "ase.md.nose_hoover_chain:NoseHooverChainNVT", "NVT", lambda dt: {"tdamp": 100 * dt}
    ),
    "NVTBerendsen": Dynamics("ase.md.nvtberendsen:NVTBerendsen", "NVT", lambda dt: {"taut": 100 * units.fs}),
    "IsotropicMTKNPT": Dynamics(
        "ase.md.nose_hoover_chain:IsotropicMTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}
    ),
    "MTKNPT": Dynamics("ase.md.nose_hoover_chain:MTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}),
    "NPTBerendsen": Dynamics(
        "ase.md.nptberendsen:NPTBerendsen",
        "NPT",
        lambda dt: {"taut": 100 * units.fs, "taup": 1000 * units.fs, "compressibility_au": 0.01 / units.GPa},
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
    temperature: float | None = None,
    pressure: float = 0.0,
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
        the centre of mass at rest. None, for NVE only: the velocities that the structure has.
    pressure
        Of the barostat, in eV/Å³; ``1.0 * ase.units.GPa`` is one GPa.
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
        and ``kinetic_energy`` in eV.

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
    if temperature is not None:
        check_positive(temperature=temperature)
    elif chosen.ensemble != "NVE":
        raise InputError(f"{dynamics} is at constant temperature and none is given. Set temperature (K).")
    if pressure and chosen.ensemble != "NPT":
        at_pressure = ", ".join(sorted(key for key, row in DYNAMICS.items() if row.ensemble == "NPT"))
        raise InputError(f"pressure is {pressure}, but {dynamics} is at constant volume. At pressure: {at_pressure}.")
    if not isinstance(pressure, (int, float)) or not np.isfinite(pressure):
        raise InputError(f"pressure is {pressure!r}. Give a number in eV/Å³.")
    rng = _generator(seed)
    integrator = find_class("dynamics", dynamics, {dynamics: chosen.path})
    options = _options(chosen, timestep * units.fs, temperature, pressure, rng) | dict(dynamics_kwargs or {})
    parameters = {
        "dynamics": integrator.__name__,
        "timestep": timestep,
        "temperature": temperature,
        "pressure": pressure if chosen.ensemble == "NPT" else None,
        "keep_velocities": keep_velocities,
        "seed": seed,
        "interval": interval,
        "dynamics_kwargs": {key: value for key, value in options.items() if key != "rng"},
    }
    made = Steps(name, steps, resume_from, atoms, calculator, **parameters)

    needs = ("energy", "forces", "stress") if chosen.ensemble == "NPT" else ("energy", "forces")
    with calculation(name, atoms, calculator, copy_files, needs) as run:
        made.enter(run)
        if temperature is not None and not keep_velocities and not made.resumed:
            _set_velocities(run.atoms, temperature, rng)
        with made.files() as (trajectory, log):
            try:
                motion = integrator(
                    run.atoms, timestep * units.fs, trajectory=trajectory, logfile=log, loginterval=interval, **options
                )
            except TypeError as error:
                raise InputError(f"dynamics_kwargs do not fit {integrator.__name__}: {error}.") from error
            made.begin(motion)
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
        return cast(MDResult, {**document, "results": results})


def _generator(seed: int) -> np.random.Generator:
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise InputError(f"seed is {seed!r}: {error}. Give an integer of at least 0.") from error


def _options(
    chosen: Dynamics, timestep: float, temperature: float | None, pressure: float, rng: np.random.Generator
) -> dict[str, Any]:
    options = chosen.defaults(timestep)
    if chosen.ensemble != "NVE":
        options["temperature_K"] = temperature
    if chosen.ensemble == "NPT":
        options["pressure_au"] = pressure
    if chosen.seeded:
        options["rng"] = rng
    return options


def _set_velocities(atoms: Atoms, temperature: float, rng: np.random.Generator) -> None:
    from ase.md.velocitydistribution import Stationary, thermalize_momenta

    thermalize_momenta(atoms, temperature, rng=rng)
    # One atom alone would come to rest; and what a constraint holds already keeps the rest in place.
    if len(atoms) > 1 and not atoms.constraints:
        Stationary(atoms)
