"""Dynamics of atoms: a table of integrators, and one integrator with its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal

import numpy as np
from ase import Atoms, units

from adatom.atoms.freedoms import Freedoms
from adatom.calculations.checks import check_count, check_positive
from adatom.calculations.movable import check_movable
from adatom.calculations.overheating import watch
from adatom.calculations.pressure import warn_of_unit
from adatom.calculations.ramp import Knots, Ramp
from adatom.calculations.tables import find_class
from adatom.errors import InputError, UnknownNameError

__all__ = ["DYNAMICS", "Dynamics", "Motion"]


@dataclass(frozen=True)
class Dynamics:
    """A way to integrate the equations of motion.

    Attributes
    ----------
    path
        ``"module:class"`` of ASE's implementation.
    ensemble
        Ensemble that the dynamics sample.
    defaults
        Function from the time step to default arguments of ASE's class, both in ASE's units.
    seeded
        Whether the dynamics draw random numbers.
    set_temperature, set_pressure
        Function that gives running dynamics another temperature (K) or pressure (eV/Å³); None: it cannot change.
    """

    path: str
    ensemble: Literal["NVE", "NVT", "NPT"]
    defaults: Callable[[float], dict[str, Any]] = lambda timestep: {}
    seeded: bool = False
    set_temperature: Callable[[Any, float], None] | None = None
    set_pressure: Callable[[Any, float], None] | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """Properties that the calculator must be able to compute."""
        return ("energy", "forces", "stress") if self.ensemble == "NPT" else ("energy", "forces")


def _to_temperature(motion: Any, temperature: float) -> None:
    motion.set_temperature(temperature_K=temperature)


def _to_pressure(motion: Any, pressure: float) -> None:
    motion.pressure = pressure  # the method `set_pressure` raises TypeError in ASE 3.29


def _bussi_to_temperature(motion: Any, temperature: float) -> None:
    motion.temp = units.kB * temperature
    motion.target_kinetic_energy = motion.temp * motion.ndof / 2


# Langevin leaves the centre of mass free: ASE warns that dynamics that hold it do not sample NVT. The Berendsen pair
# leaves it alone: the other dynamics keep its velocity by themselves, and ASE's option takes heat from free atoms next
# to fixed ones.
# Coupling times are those that ASE's documentation advises: 100 time steps for a chain of thermostats and 1000 for a
# barostat; a friction of 0.01/fs; 0.1 ps and 1 ps for the Berendsen pair. A compressibility of 0.01/GPa is that of a
# metal: in a Berendsen barostat it only scales the coupling time. The masses of a chain of thermostats belong to one
# temperature, which therefore cannot change.
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
        "adatom.calculations.thermostats:Bussi",
        "NVT",
        lambda dt: {"taut": 100 * dt},
        seeded=True,
        set_temperature=_bussi_to_temperature,
    ),
    "NoseHooverChainNVT": Dynamics(
        "adatom.calculations.thermostats:NoseHooverChainNVT", "NVT", lambda dt: {"tdamp": 100 * dt}
    ),
    "NVTBerendsen": Dynamics(
        "adatom.calculations.thermostats:NVTBerendsen",
        "NVT",
        lambda dt: {"taut": 100 * units.fs, "fixcm": False},
        set_temperature=_to_temperature,
    ),
    "IsotropicMTKNPT": Dynamics(
        "adatom.calculations.thermostats:IsotropicMTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}
    ),
    "MTKNPT": Dynamics(
        "adatom.calculations.thermostats:MTKNPT", "NPT", lambda dt: {"tdamp": 100 * dt, "pdamp": 1000 * dt}
    ),
    "NPTBerendsen": Dynamics(
        "adatom.calculations.thermostats:NPTBerendsen",
        "NPT",
        lambda dt: {
            "taut": 100 * units.fs,
            "taup": 1000 * units.fs,
            "compressibility_au": 0.01 / units.GPa,
            "fixcm": False,
        },
        set_temperature=_to_temperature,
        set_pressure=_to_pressure,
    ),
}
#: The name of an ensemble stands for one integrator.
DYNAMICS |= {"NVE": DYNAMICS["VelocityVerlet"], "NVT": DYNAMICS["Langevin"], "NPT": DYNAMICS["IsotropicMTKNPT"]}


class Motion:
    """Dynamics with checked settings. They keep no state of a run, and serve any number of runs.

    Parameters
    ----------
    dynamics, steps, timestep, temperature, pressure, keep_velocities, dynamics_kwargs
        Same as in `run_md`: `timestep` in fs, `temperature` in K and `pressure` in eV/Å³.

    Attributes
    ----------
    ensemble
        Ensemble that is sampled: ``"NVE"``, ``"NVT"`` or ``"NPT"``.
    seeded
        Whether random numbers are drawn.
    ramped
        Whether temperature or pressure change with the steps.
    needs
        Properties that the calculator must be able to compute.

    Raises
    ------
    InputError
        A number is out of its range, or the dynamics have no such temperature or pressure.
    """

    def __init__(
        self,
        dynamics: str,
        steps: int,
        timestep: float,
        temperature: Knots | None,
        pressure: Knots,
        keep_velocities: bool,
        dynamics_kwargs: Mapping[str, Any] | None,
    ) -> None:
        check_positive(timestep=timestep)
        check_count(steps=steps)
        if dynamics not in DYNAMICS:
            raise UnknownNameError("dynamics", dynamics, DYNAMICS)
        self._chosen = chosen = DYNAMICS[dynamics]
        self._heat = None if temperature is None else Ramp("temperature", temperature, steps, positive=True)
        self._press = Ramp("pressure", pressure, steps)
        _check(dynamics, chosen, self._heat, self._press)
        warn_of_unit(self._press.at(0), self._press.at(steps))
        self._integrator = find_class("dynamics", dynamics, {dynamics: chosen.path})
        self._timestep = timestep * units.fs
        self._options = _options(chosen, self._timestep, self._heat, self._press) | dict(dynamics_kwargs or {})
        if self._options.get("fixcm"):
            raise InputError(
                f"dynamics_kwargs have fixcm={self._options['fixcm']!r}, with which {dynamics} does not sample the "
                "temperature. Leave it out; atoms.set_constraint(ase.constraints.FixCom()) holds the centre of mass."
            )
        self._draws = self._heat is not None and not keep_velocities
        self.ensemble = chosen.ensemble
        self.seeded = self._draws or chosen.seeded
        self.ramped = self._press.moves or (self._heat is not None and self._heat.moves)
        self.needs = chosen.needs
        self._given_timestep, self._keep_velocities = timestep, keep_velocities

    @property
    def parameters(self) -> dict[str, Any]:
        """All settings but the number of steps, for the result."""
        return {
            "dynamics": self._integrator.__name__,
            "timestep": self._given_timestep,
            "temperature": self._heat and self._heat.plain,
            "pressure": self._press.plain if self.ensemble == "NPT" else None,
            "keep_velocities": self._keep_velocities,
            "dynamics_kwargs": {key: value for key, value in self._options.items() if key != "rng"},
        }

    def check(self, atoms: Atoms) -> None:
        """Refuse a structure that the dynamics cannot move as they should.

        Parameters
        ----------
        atoms
            Structure to start from.

        Raises
        ------
        InputError
            The dynamics do not keep a constraint, or cannot start from the cell or the velocities.
        """
        check_movable(atoms, self._integrator.__name__, self.ensemble, self._draws)

    def freedoms(self, atoms: Atoms) -> Freedoms:
        """Return the degrees of freedom that hold the heat of a structure in these dynamics.

        Parameters
        ----------
        atoms
            Structure with its constraints.
        """
        return Freedoms(atoms, self._integrator.__name__)

    def set_velocities(self, atoms: Atoms, rng: np.random.Generator) -> None:
        """Draw the first velocities, unless the structure keeps its own, without those that its constraints hold.

        Parameters
        ----------
        atoms
            Structure that receives the velocities.
        rng
            Generator of the random numbers.
        """
        if self._heat is not None and self._draws:
            _set_velocities(atoms, self._heat.at(0), rng, self.freedoms(atoms))
        elif atoms.constraints:
            atoms.set_momenta(atoms.get_momenta())

    def integrator(self, atoms: Atoms, rng: np.random.Generator, **files: Any) -> Any:
        """Return ASE's object that makes the steps, and that is watched in these.

        Parameters
        ----------
        atoms
            Structure with its calculator; the steps move it.
        rng
            Generator of the random numbers.
        **files
            Trajectory, and interval of writing, by the names of ASE's arguments.

        Raises
        ------
        InputError
            The `dynamics_kwargs` do not fit ASE's class.
        """
        random = {"rng": rng} if self._chosen.seeded else {}
        try:
            made = self._integrator(atoms, self._timestep, **files, **(random | self._options))
        except TypeError as error:
            raise InputError(f"dynamics_kwargs do not fit {self._integrator.__name__}: {error}.") from error
        watch(made, self.freedoms(atoms), 0.0 if self._heat is None else self._heat.highest)
        return made

    def follow(self, integrator: Any) -> None:
        """Change temperature and pressure with the steps, from the current step on.

        Parameters
        ----------
        integrator
            Object that `Motion.integrator` returned.
        """
        if self._heat is not None:
            self._heat.follow(integrator, self._chosen.set_temperature)
        self._press.follow(integrator, self._chosen.set_pressure)


def _check(dynamics: str, chosen: Dynamics, heat: Ramp | None, press: Ramp) -> None:
    if heat is None and chosen.ensemble != "NVE":
        raise InputError(f"{dynamics} is at constant temperature and none is given. Set temperature (K).")
    if (press.moves or press.plain) and chosen.ensemble != "NPT":
        at_pressure = _names(lambda row: row.ensemble == "NPT")
        raise InputError(
            f"pressure is {press.plain}, but {dynamics} is at constant volume. At pressure: {at_pressure}."
        )
    for name, ramp in {"temperature": heat, "pressure": press}.items():
        if ramp is not None and ramp.moves and getattr(chosen, f"set_{name}") is None:
            able = _names(attrgetter(f"set_{name}"))
            raise InputError(f"{name} is {ramp.plain}, but {dynamics} keeps one. These go through several: {able}.")


def _names(condition: Callable[[Dynamics], Any]) -> str:
    """Return the names of the dynamics for which a condition is true, for a message."""
    return ", ".join(sorted(name for name, row in DYNAMICS.items() if condition(row)))


def _options(chosen: Dynamics, timestep: float, heat: Ramp | None, press: Ramp) -> dict[str, Any]:
    options = chosen.defaults(timestep)
    if chosen.ensemble != "NVE" and heat is not None:
        options["temperature_K"] = heat.at(0)
    if chosen.ensemble == "NPT":
        options["pressure_au"] = press.at(0)
    return options


def _set_velocities(atoms: Atoms, temperature: float, rng: np.random.Generator, freedoms: Freedoms) -> None:
    from ase.md.velocitydistribution import thermalize_momenta

    thermalize_momenta(atoms, temperature, rng=rng)
    momenta = atoms.get_momenta()
    atoms.set_momenta(momenta - freedoms.drift(momenta))
