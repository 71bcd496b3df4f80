"""Elastic constants from energies under strain, and by pymatgen's tools."""

import numpy as np
from ase import Atoms, units
from ase.calculators.emt import EMT

from .by_ase import energy, relaxed
from .derivatives import second, strained

STEP = 2e-3
SIZES = [-0.002, 0.002]


def green_lagrange(strain: np.ndarray) -> np.ndarray:
    """The symmetric part that a Green-Lagrange strain adds to 1: sqrt(1 + 2 E) - 1."""
    values, vectors = np.linalg.eigh(np.eye(3) + 2 * strain)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T - np.eye(3)


def curvature(crystal: Atoms, shape: np.ndarray, relax_ions: bool = False) -> float:
    """The second derivative of the energy by the size of a Green-Lagrange strain, per volume, in GPa."""

    def at(size: float) -> float:
        atoms = strained(crystal, green_lagrange(size * np.asarray(shape, dtype=float)))
        return float(relaxed(atoms, fmax=1e-5).get_potential_energy()) if relax_ions else energy(atoms)

    return second(at, STEP) / crystal.get_volume() / units.GPa


def cubic_constants(crystal: Atoms) -> dict[str, float]:
    """C11, C12 and C44 in GPa, of a cubic crystal with its axes along x, y and z."""
    shear = np.zeros((3, 3))
    shear[1, 2] = shear[2, 1] = 0.5
    c11 = curvature(crystal, np.diag([1, 0, 0]))
    return {
        "C11": c11,
        "C12": curvature(crystal, np.diag([1, 1, 0])) / 2 - c11,
        "C44": curvature(crystal, shear),
    }


def shear_modulus(crystal: Atoms) -> float:
    """Mean of Voigt's and Reuss's shear moduli in GPa, with the strains, the fit and the averages of pymatgen."""
    from pymatgen.analysis.elasticity import DeformedStructureSet, ElasticTensor, Strain, Stress
    from pymatgen.io.ase import AseAtomsAdaptor

    structures = DeformedStructureSet(AseAtomsAdaptor.get_structure(crystal), norm_strains=SIZES, shear_strains=SIZES)
    strains, stresses = [], []
    for deformation, structure in zip(structures.deformations, structures, strict=True):
        atoms = AseAtomsAdaptor.get_atoms(structure)
        atoms.calc = EMT()
        cauchy = atoms.get_stress(voigt=False) / units.GPa
        strains.append(Strain.from_deformation(deformation))
        stresses.append(Stress(cauchy).piola_kirchoff_2(deformation))
    tensor = ElasticTensor.from_independent_strains(strains, stresses, eq_stress=np.zeros((3, 3)), vasp=False)
    return float(tensor.g_vrh)


def sound(crystal: Atoms) -> float:
    """Speed of longitudinal sound along [100] of a cubic crystal in km/s: sqrt(C11 / ρ)."""
    density = crystal.get_masses().sum() / units.kg / (crystal.get_volume() * 1e-30)
    return float(np.sqrt(cubic_constants(crystal)["C11"] * 1e9 / density) / 1000)
