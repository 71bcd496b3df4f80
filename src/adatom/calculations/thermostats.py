"""Thermostats and barostats of ASE, with the degrees of freedom that really hold heat.

ASE's thermostats take the temperature of 3N degrees of freedom. They scale velocities, so the centre of mass stays at
rest, and the motion of the atoms, which has three degrees of freedom less, is too hot by N / (N - 1): twice the
temperature for two atoms. Here `Freedoms` counts for all of them, and only heat is scaled: a structure that moves as a
whole goes on with its velocity. All else is as in ASE.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms, units
from ase.md import bussi, nose_hoover_chain, nptberendsen, nvtberendsen
from ase.md.md import MolecularDynamics
from ase.md.verlet import VelocityVerlet
from numpy.typing import NDArray

from adatom.atoms.freedoms import Freedoms

__all__ = ["MTKNPT", "Bussi", "IsotropicMTKNPT", "NPTBerendsen", "NVTBerendsen", "NoseHooverChainNVT"]


class Bussi(bussi.Bussi):
    """Stochastic scaling of the velocities."""

    def __init__(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
        super().__init__(atoms, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._freedoms = Freedoms(atoms, "Bussi")
        self.ndof = self._freedoms.count
        self.target_kinetic_energy = self.temp * self.ndof / 2

    def scale_velocities(self) -> None:
        """Scale the heat by a random factor."""
        kinetic_energy = self._freedoms.kinetic_energy(self.atoms.get_momenta())
        factor = self.calculate_alpha(kinetic_energy)  # type: ignore[no-untyped-call]
        _scale(self.atoms, self._freedoms, factor)
        self.transferred_energy += (factor**2 - 1) * kinetic_energy


class NVTBerendsen(nvtberendsen.NVTBerendsen):
    """Scaling of the velocities towards a temperature."""

    def __init__(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
        super().__init__(atoms, *args, **kwargs)
        self._freedoms = Freedoms(atoms, "NVTBerendsen")

    def scale_velocities(self) -> None:
        """Scale the heat, by at most a tenth as in ASE."""
        _scale_towards(self, self._freedoms)

    def step(self, forces: Any = None) -> Any:
        """Make one step, in which constraints hold momenta as well as positions."""
        self.scale_velocities()
        return VelocityVerlet.step(self, forces)  # type: ignore[arg-type]


class NPTBerendsen(nptberendsen.NPTBerendsen):
    """Scaling of the velocities towards a temperature, and of the cell towards a pressure."""

    def __init__(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
        super().__init__(atoms, *args, **kwargs)
        self._freedoms = Freedoms(atoms, "NPTBerendsen")

    def step(self, forces: Any = None) -> Any:
        """Make one step."""
        _scale_towards(self, self._freedoms)
        moving = self.atoms.get_momenta()
        self.atoms.set_momenta(moving - self._freedoms.drift(moving))  # the motion as a whole makes no pressure
        self.scale_positions_and_cell()  # type: ignore[no-untyped-call]
        self.atoms.set_momenta(moving)
        return VelocityVerlet.step(self, forces)  # type: ignore[arg-type]


class NoseHooverChainNVT(nose_hoover_chain.NoseHooverChainNVT):
    """Chain of thermostats."""

    def __init__(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
        super().__init__(atoms, *args, **kwargs)
        self._thermostat = _Chain(self._thermostat, Freedoms(atoms, "NoseHooverChainNVT"))

    def step(self) -> None:
        """Make one step of the same operator as ASE's, in which constraints hold momenta as well as positions."""
        self._exchange_heat()
        VelocityVerlet.step(self)  # type: ignore[arg-type]
        self._exchange_heat()

    def _exchange_heat(self) -> None:
        self.atoms.set_momenta(self._thermostat.integrate_nhc(self.atoms.get_momenta(), self.dt / 2))


class _MTK(MolecularDynamics):
    """Part that both barostats of Martyna, Tobias and Klein have in common."""

    _thermostat: Any
    _num_atoms_global: Any
    _p: Any

    def __init__(self, atoms: Atoms, *args: Any, **kwargs: Any) -> None:
        super().__init__(atoms, *args, **kwargs)
        self._freedoms = Freedoms(atoms, type(self).__name__)
        self._thermostat = _Chain(self._thermostat, self._freedoms)
        self._num_atoms_global = self._freedoms.count / 3  # in the terms 3 / freedoms of the equations of motion

    def _integrate_p_cell(self, delta: float) -> None:
        moving = self._p
        self._p = moving - self._freedoms.drift(moving)  # the motion as a whole makes no pressure
        super()._integrate_p_cell(delta)  # type: ignore[misc]
        self._p = moving


class IsotropicMTKNPT(_MTK, nose_hoover_chain.IsotropicMTKNPT):
    """Chains of thermostats for the atoms and for the volume."""


class MTKNPT(_MTK, nose_hoover_chain.MTKNPT):
    """Chains of thermostats for the atoms and for the cell."""


class _Chain(nose_hoover_chain.NoseHooverChainThermostat):
    """Chain of thermostats like another, for other degrees of freedom: a third of these stand for the atoms."""

    def __init__(self, like: Any, freedoms: Freedoms) -> None:
        super().__init__(freedoms.count / 3, like._masses, like._kT / units.kB, like._tdamp, like._tchain, like._tloop)
        self._freedoms = freedoms

    def integrate_nhc(self, p: NDArray[Any], delta: float) -> NDArray[Any]:
        """Return the momenta after a time in which only the thermostats act."""
        drift = self._freedoms.drift(p)
        return drift + super().integrate_nhc(p - drift, delta)


def _scale_towards(motion: Any, freedoms: Freedoms) -> None:
    """Scale the velocities for one step towards the temperature of a Berendsen thermostat."""
    now = freedoms.temperature(motion.atoms.get_momenta())
    if now > 0:
        square = 1 + (motion.temperature / now - 1) * motion.dt / motion.taut
        _scale(motion.atoms, freedoms, np.sqrt(np.clip(square, 0.9**2, 1.1**2)))


def _scale(atoms: Atoms, freedoms: Freedoms, factor: float) -> None:
    momenta = atoms.get_momenta()
    drift = freedoms.drift(momenta)
    atoms.set_momenta(drift + factor * (momenta - drift))
