"""Log of molecular dynamics."""

from __future__ import annotations

from typing import IO, Any

from ase import Atoms, units
from ase.md.logger import MDLogger

from adatom.atoms.freedoms import Freedoms

__all__ = ["Log"]


class Log(MDLogger):
    """ASE's log, with the temperature of the degrees of freedom that hold heat.

    Parameters
    ----------
    motion
        ASE's object that makes the steps.
    atoms
        Structure that moves.
    file
        File to write to; it stays open.
    freedoms
        Degrees of freedom of the structure.
    """

    def __init__(self, motion: Any, atoms: Atoms, file: IO[str], freedoms: Freedoms) -> None:
        super().__init__(motion, atoms, file)
        self._motion, self._freedoms = motion, freedoms

    def __call__(self) -> None:
        """Write the line of the current step."""
        potential, kinetic = self.atoms.get_potential_energy(), self.atoms.get_kinetic_energy()
        temperature = self._freedoms.temperature(self.atoms.get_momenta())
        time = self._motion.get_time() / (1000 * units.fs)
        self.logfile.write(self.fmt % (time, potential + kinetic, potential, kinetic, temperature))
