"""Potentials that misbehave, for workers to import."""

import os
import time
from typing import ClassVar

from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones


class Counting(EMT):
    """Writes a letter to a file for each structure that it computes."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        with open(os.environ["COUNTING_LOG"], "a") as log:
            log.write("x")


class Crashing(EMT):
    """Ends its process, as a fault in compiled code does."""

    def calculate(self, *args, **kwargs):
        os._exit(139)


class Hanging(EMT):
    """Never answers."""

    def calculate(self, *args, **kwargs):
        time.sleep(600)


class NotANumber(EMT):
    """Has NaN for an energy."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["energy"] = float("nan")


class HalfNotANumber(EMT):
    """Has no energy of atoms that are far apart."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        if len(self.atoms) == 2 and self.atoms.get_distance(0, 1) > 4:
            self.results["energy"] = float("nan")


class WithoutStress(Calculator):
    """Lennard-Jones that computes energy and forces only."""

    implemented_properties: ClassVar = ["energy", "forces"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        inner = LennardJones(sigma=2.3, epsilon=0.4, rc=6.0, smooth=True)
        inner.calculate(atoms, properties)
        self.results = {name: inner.results[name] for name in self.implemented_properties}
