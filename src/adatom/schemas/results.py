"""Results: the plain dictionaries that jobs return.

Units are ASE's: eV, Å, eV/Å, eV/Å³. N is the number of atoms.
"""

from __future__ import annotations

from typing import Any, NotRequired, Required, TypedDict

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.schemas.provenance import Provenance

__all__ = [
    "UNITS",
    "BaderCharges",
    "Bond",
    "ChargemolCharges",
    "MDAverages",
    "MDProperties",
    "MDResult",
    "PathPoints",
    "PathResult",
    "ProgramResult",
    "Properties",
    "RelaxResult",
    "Result",
    "ScanPoints",
    "ScanResult",
    "StaticResult",
    "Thermo",
    "VibProperties",
    "VibResult",
]

Array = NDArray[np.float64]

#: By the name of a property under ``results``, its unit.
UNITS = {
    "energy": "eV",
    "free_energy": "eV",
    "energies": "eV",
    "forces": "eV/Å",
    "stress": "eV/Å³",
    "stresses": "eV/Å³",
    "dipole": "e Å",
    "charges": "e",
    "magmom": "μB",
    "magmoms": "μB",
    "kinetic_energy": "eV",
    "temperature": "K",
    "frequencies": "cm⁻¹",
    "vib_energies": "eV",
    "zpe": "eV",
    "henry_coefficient": "mol/kg/Pa",
    "henry_coefficient_error": "mol/kg/Pa",
    "averaged_interaction_energy": "eV",
    "averaged_interaction_energy_error": "eV",
    "heat_of_adsorption": "kJ/mol",
    "heat_of_adsorption_error": "kJ/mol",
}


class Properties(TypedDict, total=False):
    """Properties of the final structure that the calculator knows, under ASE's names.

    Attributes
    ----------
    energy
        Potential energy in eV.
    free_energy
        Energy in eV that the forces derive from.
    energies
        Energy of each atom in eV, shape (N,).
    forces
        Forces in eV/Å, shape (N, 3), as computed, also on atoms that a constraint holds.
    stress
        Stress in eV/Å³, shape (6,): xx, yy, zz, yz, xz, xy; only with three cell vectors.
    stresses
        Stress of each atom in eV/Å³, shape (N, 6).
    dipole
        Dipole moment in e Å, shape (3,).
    charges
        Charge of each atom in e, shape (N,).
    magmom
        Total magnetic moment in Bohr magnetons.
    magmoms
        Magnetic moment of each atom in Bohr magnetons, shape (N,).
    """

    energy: Required[float]
    free_energy: float
    energies: Array
    forces: Array
    stress: Array
    stresses: Array
    dipole: Array
    charges: Array
    magmom: float
    magmoms: Array


class MDProperties(Properties, total=False):
    """Properties at the last step of molecular dynamics.

    Attributes
    ----------
    kinetic_energy
        Kinetic energy in eV.
    temperature
        Instantaneous temperature in K, of the degrees of freedom that hold heat in these dynamics: not of the motion
        of the centre of mass, except in Langevin dynamics, nor of what constraints hold.
    """

    kinetic_energy: Required[float]
    temperature: Required[float]


class VibProperties(Properties, total=False):
    """Properties of a structure and of its vibrations. M is the number of modes.

    Attributes
    ----------
    frequencies
        Wave numbers in cm⁻¹, ascending, shape (M,). An imaginary one is given as a negative number.
    vib_energies
        Quanta of the modes in eV, shape (M,), in the order and with the signs of `frequencies`.
    imaginary
        Number of imaginary modes; 0 at a minimum.
    zpe
        Zero-point energy of the real modes in eV.
    """

    frequencies: Required[Array]
    vib_energies: Required[Array]
    imaginary: Required[int]
    zpe: Required[float]


class Thermo(TypedDict):
    """Thermodynamic functions at one temperature, with energies per molecule or cell.

    Attributes
    ----------
    model
        Model of the motion: ``"ideal_gas"`` or ``"harmonic"``.
    temperature
        Temperature in K, above 0.
    energy
        Potential energy in eV, which the other energies include.
    zpe
        Zero-point energy in eV.
    internal_energy
        Internal energy U in eV.
    entropy
        Entropy S in eV/K.
    helmholtz_energy
        Helmholtz energy U - T S in eV.
    pressure_bar
        Pressure in bar; only for an ideal gas.
    enthalpy
        Enthalpy H = U + kT in eV; only for an ideal gas.
    gibbs_energy
        Gibbs energy H - T S in eV; only for an ideal gas.
    geometry
        Geometry of the molecule: ``"monatomic"``, ``"linear"`` or ``"nonlinear"``; only for an ideal gas.
    symmetry_number
        Rotational symmetry number; only for an ideal gas.
    spin
        Total electronic spin; only for an ideal gas.
    """

    model: str
    temperature: float
    energy: float
    zpe: float
    internal_energy: float
    entropy: float
    helmholtz_energy: float
    pressure_bar: NotRequired[float]
    enthalpy: NotRequired[float]
    gibbs_energy: NotRequired[float]
    geometry: NotRequired[str]
    symmetry_number: NotRequired[int]
    spin: NotRequired[float]


class PathPoints(TypedDict):
    """Lengths, energies and slopes at the structures along a path, M of them.

    Attributes
    ----------
    coordinates
        Length of the path up to each structure, in Å, shape (M,).
    energies
        Energies of the structures in eV, shape (M,).
    slopes
        Derivatives of the energy along the path, in eV/Å, shape (M,).
    """

    coordinates: Array
    energies: Array
    slopes: Array


class BaderCharges(TypedDict):
    """Electrons of the basins of Bader, which end where the density is least, and the atoms that they are of.

    Attributes
    ----------
    electrons
        Number of valence electrons of each atom, shape (N,).
    charges
        Charge of each atom in e: the electrons of its potential less those that it has, shape (N,).
    volumes
        Volume of each atom in Å³, shape (N,).
    distances
        Distance from each atom to the surface of its basin in Å, shape (N,).
    magmoms
        Magnetic moment of each atom in Bohr magnetons, shape (N,), after a run with spin along one axis.
    vacuum_electrons, vacuum_volume
        Electrons and volume in Å³ that are of no atom.
    total_electrons
        Number of all electrons that were found.
    """

    electrons: Array
    charges: Array
    volumes: Array
    distances: Array
    magmoms: NotRequired[Array]
    vacuum_electrons: float
    vacuum_volume: float
    total_electrons: float


class Bond(TypedDict):
    """A bond between two atoms by DDEC6.

    Attributes
    ----------
    atoms
        Numbers of the two atoms.
    cell
        Numbers of lattice vectors by which the second atom is away from its place in the cell, shape (3,).
    order
        Bond order.
    """

    atoms: list[int]
    cell: list[int]
    order: float


class ChargemolCharges(TypedDict):
    """Electrons of the atoms by DDEC6, computed by the program Chargemol.

    Attributes
    ----------
    charges
        Charge of each atom in e, shape (N,).
    dipoles
        Dipole of each atom in e Å, shape (N, 3).
    magmoms
        Magnetic moment of each atom in Bohr magnetons, shape (N,), after a run with spin along one axis.
    bond_orders
        Sum of the bond orders of each atom, shape (N,).
    bonds
        Bonds, each from both of its ends: see `Bond`.
    """

    charges: Array
    dipoles: Array
    magmoms: NotRequired[Array]
    bond_orders: NotRequired[Array]
    bonds: NotRequired[list[Bond]]


class Result(TypedDict):
    """Keys that every result of a calculation has.

    Attributes
    ----------
    name
        Kind of calculation, such as ``"static"`` or ``"md"``.
    atoms
        Final structure, without a calculator.
    input_atoms
        Structure as it was given.
    parameters
        Parameters of the run and of its calculator.
    converged
        Whether the run reached its goal, such as the largest force of a relaxation.
    trajectory
        Path of the file with the structures on the way: ``ase.io.read(path, ":")``.
    dir_name
        Path of the run directory.
    provenance
        Time, place and software of the run that made the result.
    corrections
        What custodian corrected in the runs of the code, if there was anything: the handler, its errors and its
        actions. `parameters` are those after the corrections.
    bader
        Bader's charges after a run of VASP that left its densities: see `BaderCharges`. If the program failed, only an
        entry ``error``.
    chargemol
        Charges and bond orders by DDEC6 after such a run: see `ChargemolCharges`. If the program failed, only an entry
        ``error``.
    structure_metadata, molecule_metadata
        emmet-core's fields for a periodic structure or a molecule, in a saved document.
    """

    name: str
    atoms: Atoms
    input_atoms: Atoms
    parameters: dict[str, Any]
    converged: bool
    trajectory: str
    dir_name: str
    provenance: Provenance
    corrections: NotRequired[list[dict[str, Any]]]
    bader: NotRequired[BaderCharges | dict[str, str]]
    chargemol: NotRequired[ChargemolCharges | dict[str, str]]
    structure_metadata: NotRequired[dict[str, Any]]
    molecule_metadata: NotRequired[dict[str, Any]]


class StaticResult(Result):
    """Result of a single-point calculation."""

    results: Properties


class RelaxResult(Result):
    """Result of a geometry optimisation. `steps` is the number of steps that it took."""

    results: Properties
    steps: int


class MDAverages(TypedDict):
    """Means over the structures in a trajectory, the first one among them.

    Attributes
    ----------
    structures
        Number of structures in the trajectory.
    energy
        Mean potential energy in eV.
    kinetic_energy
        Mean kinetic energy in eV.
    temperature
        Mean temperature in K, of the same degrees of freedom as that of the last step.
    volume
        Mean volume of the cell in Å³; None without three cell vectors.
    drift
        Drift of the total energy, in eV per atom and ps: the slope of a line through it. At constant energy, a drift
        shows that the time step is too long, or that the forces do not fit the energy.
    """

    structures: int
    energy: float
    kinetic_energy: float
    temperature: float
    volume: float | None
    drift: float


class MDResult(Result):
    """Result of molecular dynamics."""

    results: MDProperties
    averages: MDAverages


class PathResult(Result):
    """Result of a run that gives a path: `points` are those of the path, `steps` is the number of steps that it took.

    For a nudged elastic band, `atoms` and `results` are those of the highest image, and the last structures in the
    trajectory are the path. For an intrinsic reaction coordinate they are those of its end, and the whole trajectory is
    the path; where a code follows it to both sides in one run, they are those of the saddle point, and `ends` are the
    structures at the end of the reverse and of the forward side.
    """

    results: Properties
    points: PathPoints
    steps: int
    ends: NotRequired[list[Atoms]]


class ScanPoints(TypedDict):
    """Properties of the structures of a scan, P of them; NaN for a structure that failed.

    Attributes
    ----------
    energies
        Energies in eV, shape (P,).
    forces
        Forces in eV/Å on the atoms of each structure, of shape (N, 3) for each.
    stresses
        Stress of each structure in eV/Å³, of shape (6,) for each: xx, yy, zz, yz, xz, xy.
    """

    energies: Array
    forces: NotRequired[list[Array]]
    stresses: NotRequired[list[Array]]


class ScanResult(Result):
    """Result of a scan. `atoms` and `results` are those of the structure with the lowest energy.

    Attributes
    ----------
    results
        Properties of that structure.
    points
        Properties of all structures, in their order.
    missing
        Why a structure failed, by its number in the order, from ``"0"`` on. The trajectory lacks these structures.
    """

    results: Properties
    points: ScanPoints
    missing: dict[str, str]


class VibResult(Result):
    """Result of a vibrational analysis. `thermo` is None where it was not asked for or has no meaning."""

    results: VibProperties
    thermo: NotRequired[Thermo | None]


class ProgramResult(TypedDict):
    """Result of a program that works on the files of an earlier run.

    Attributes
    ----------
    name
        Kind of calculation that the program did.
    atoms
        Structure of the earlier run.
    parameters
        Parameters that the program was given.
    dir_name
        Path of the run directory.
    provenance
        Time, place and software of the run that made the result.
    results
        Quantities that the program computed; the job that returns them documents them and their units.
    """

    name: str
    atoms: Atoms
    parameters: dict[str, Any]
    dir_name: str
    provenance: Provenance
    results: dict[str, Any]
