"""A potential with known minima and saddle points."""

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.constraints import FixAtoms

# K. Müller and L. D. Brown, Theor. Chim. Acta 53, 75 (1979): the potential, in units of 0.01 eV here, and its points.
A = np.array([-200.0, -100.0, -170.0, 15.0])
a = np.array([-1.0, -1.0, -6.5, 0.7])
b = np.array([0.0, 0.0, 11.0, 0.6])
c = np.array([-10.0, -10.0, -6.5, 0.7])
X = np.array([1.0, 0.0, -0.5, -1.0])
Y = np.array([0.0, 0.5, 1.5, 1.0])

FIRST_MINIMUM, FIRST_ENERGY = (-0.558, 1.442), -1.46700
SADDLE, SADDLE_ENERGY = (-0.822, 0.624), -0.40665
SECOND_MINIMUM, SECOND_ENERGY = (-0.050, 0.467), -0.80768


class MullerBrown(Calculator):
    """Of the first atom in x and y; z is a harmonic oscillator."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        x, y, z = self.atoms.positions[0]
        dx, dy = x - X, y - Y
        terms = 0.01 * A * np.exp(a * dx**2 + b * dx * dy + c * dy**2)
        slopes = (terms @ (2 * a * dx + b * dy), terms @ (b * dx + 2 * c * dy), 10 * z)
        forces = np.zeros((len(self.atoms), 3))
        forces[0] = [-slope for slope in slopes]
        self.results = {"energy": terms.sum() + 5 * z**2, "forces": forces}


def at(point):
    """The atom at a point of the plane, and one that is held."""
    return Atoms("HHe", positions=[(*point, 0.0), (5.0, 5.0, 5.0)], constraint=FixAtoms([1]))
