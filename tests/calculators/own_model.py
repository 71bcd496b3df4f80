"""A potential with weights in a file, as a user may have one."""

import threading

from ase.calculators.emt import EMT
from ase.calculators.morse import MorsePotential

loads = []


class OwnModel(MorsePotential):
    """The Morse potential, of a depth that a file says."""

    def __init__(self, weights, *, where="cpu", **kwargs):
        loads.append(str(weights))
        with open(weights) as file:
            super().__init__(epsilon=float(file.read()), r0=2.5, rho0=4.0, **{"rcut1": 4.0, "rcut2": 5.0, **kwargs})
        self.where = where


class NotForCopies(OwnModel):
    """The same, with what can neither be copied nor pickled."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.lock = threading.Lock()


TABLE = """
own:
  package: ase
  make: tests.calculators.own_model:OwnModel
  file: weights
  file_needed: true
  words: {device: where}
lock:
  package: ase
  make: tests.calculators.own_model:NotForCopies
  file: weights
elsewhere:
  package: no-such-package
  make: no_such_package.ase:Calculator
"""
ROWS = {"by-entry-point": {"package": "ase", "make": "ase.calculators.lj:LennardJones", "arguments": {"rc": 12.0}}}


class ShortSighted(EMT):
    """Effective medium theory that breaks where atoms overlap."""

    def calculate(self, atoms=None, *args, **kwargs):
        if len(atoms) > 1 and atoms.get_distance(0, 1) < 0.5:
            raise ArithmeticError("too near")
        super().calculate(atoms, *args, **kwargs)


def emt_batched(calculator, structures):
    """What effective medium theory finds, and as the magnetic moment how many structures it was given."""
    found = []
    for atoms in structures:
        one = type(calculator)()
        one.calculate(atoms.copy(), ["energy", "forces"])
        found.append({**one.results, "magmom": len(structures)})
    return found
