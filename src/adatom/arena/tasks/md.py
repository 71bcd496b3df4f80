"""Molecular dynamics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen
from adatom.errors import UnknownNameError
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by
from adatom.schemas.results import MDResult

__all__ = ["MD"]

#: By ensemble and thermostat, the name of the dynamics in `adatom.calculations.motion.DYNAMICS`.
_DYNAMICS = {
    "nve": {"velocityverlet": "VelocityVerlet"},
    "nvt": {
        "langevin": "Langevin",
        "bussi": "Bussi",
        "nose-hoover": "NoseHooverChainNVT",
        "berendsen": "NVTBerendsen",
    },
    "npt": {"berendsen": "NPTBerendsen", "nose-hoover": "MTKNPT"},
}


@job(name="MD", key_functions=KEYS)
@documented_by(chosen)
def MD(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    ensemble: str = "nvt",
    dynamics: str | None = None,
    time_step: float | None = None,
    total_time: float = 1000.0,
    temperature: float | Sequence[float] = 300.0,
    pressure: float | Sequence[float] = 0.0,
    dynamics_kwargs: Mapping[str, Any] | None = None,
    velocity_seed: int = 0,
    traj_interval: int = 10,
) -> MDResult:
    """Run molecular dynamics.

    Parameters
    ----------
    {parameters}
    atoms
        Structure to start from; it is not changed.
    ensemble
        ``"nve"``, ``"nvt"`` or ``"npt"``.
    dynamics
        Thermostat or barostat: ``"langevin"``, ``"bussi"``, ``"nose-hoover"`` or ``"berendsen"`` for NVT,
        ``"berendsen"`` or ``"nose-hoover"`` for NPT. None: the first of these.
    time_step
        Time step in fs. None: 0.5 fs if there is hydrogen, else 2 fs.
    total_time
        Time of the run in fs.
    temperature
        Temperature in K of the first velocities and of the thermostat. Several: the thermostat goes from one to the
        next, evenly spaced over the run and linear in between.
    pressure
        Pressure of the barostat in eV/Å³. Several mean the same as for `temperature`.
    dynamics_kwargs
        Further arguments of ASE's class, in ASE's units.
    velocity_seed
        Seed of the first velocities and of the thermostat.
    traj_interval
        Number of steps between two structures in the trajectory.

    Returns
    -------
    MDResult
        ``atoms`` is the last structure with its velocities; ``trajectory`` is the path of the file.
    """
    which = chosen(calculator, calculator_kwargs, dispersion)
    step = (0.5 if "H" in atoms.get_chemical_symbols() else 2.0) if time_step is None else time_step
    several: Any = temperature if ensemble != "nve" or not isinstance(temperature, Sequence) else temperature[0]
    return mlip.md_job(
        atoms,
        dynamics=_named(ensemble, dynamics),
        steps=round(total_time / step),
        timestep=step,
        temperature=several,
        pressure=pressure,
        dynamics_kwargs=dynamics_kwargs,
        seed=velocity_seed,
        interval=traj_interval,
        **which,
    )


def _named(ensemble: str, dynamics: str | None) -> str:
    if ensemble not in _DYNAMICS:
        raise UnknownNameError("ensemble", ensemble, _DYNAMICS)
    known = _DYNAMICS[ensemble]
    name = next(iter(known)) if dynamics is None or ensemble == "nve" else dynamics.lower()
    if name not in known:
        raise UnknownNameError(f"dynamics of {ensemble}", name, known)
    return known[name]
