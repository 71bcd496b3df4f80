"""The plain dictionaries that jobs return.

Units are ASE's: eV, Å, eV/Å, eV/Å³. N is the number of atoms.
"""

from __future__ import annotations

from typing import Any, NotRequired, Required, TypedDict

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from adatom.schemas.provenance import Provenance

__all__ = [
    "MDAverages",
    "MDProperties",
    "MDResult",
    "PathPoints",
    "PathResult",
    "ProgramResult",
    "Properties",
    "RelaxResult",
    "Result",
    "StaticResult",
    "Thermo",
    "VibProperties",
    "VibResult",
]

Array = NDArray[np.float64]


class Properties(TypedDict, total=False):
    """What the calculator knows of the final structure, under ASE's names.

    Attributes
    ----------
    energy
        Potential energy in eV.
    free_energy
        The energy that the forces derive from, in eV.
    energies
        Energy of each atom in eV, shape (N,).
    forces
        In eV/Å, shape (N, 3); as computed, also on atoms that a constraint holds.
    stress
        In eV/Å³, shape (6,): xx, yy, zz, yz, xz, xy; only with three cell vectors.
    stresses
        Stress of each atom in eV/Å³, shape (N, 6).
    dipole
        In e Å, shape (3,).
    charges
        In e, shape (N,).
    magmom
        In Bohr magnetons.
    magmoms
        In Bohr magnetons, shape (N,).
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
    """What is known of the last step of molecular dynamics.

    Attributes
    ----------
    kinetic_energy
        In eV.
    temperature
        Instantaneous temperature in K.
    """

    kinetic_energy: Required[float]
    temperature: Required[float]


class VibProperties(Properties, total=False):
    """What is known of a structure's vibrations. M is the number of modes.

    Attributes
    ----------
    frequencies
        Wave numbers in cm⁻¹, ascending, shape (M,). An imaginary one is given as a negative number.
    vib_energies
        The same as quanta in eV, shape (M,).
    imaginary
        How many are imaginary; 0 at a minimum.
    zpe
        Zero-point energy in eV, of the real modes.
    """

    frequencies: Required[Array]
    vib_energies: Required[Array]
    imaginary: Required[int]
    zpe: Required[float]


class Thermo(TypedDict):
    """Thermodynamic functions at one temperature; energies per molecule or cell.

    Attributes
    ----------
    model
        ``"ideal_gas"`` or ``"harmonic"``.
    temperature
        In K.
    energy
        Potential energy that the others include, in eV.
    zpe
        Zero-point energy in eV.
    internal_energy
        U in eV.
    entropy
        S in eV/K.
    helmholtz_energy
        U - T S in eV.
    pressure
        In eV/Å³; ideal gas.
    enthalpy
        H = U + kT in eV; ideal gas.
    gibbs_energy
        H - T S in eV; ideal gas.
    geometry
        ``"monatomic"``, ``"linear"`` or ``"nonlinear"``; ideal gas.
    symmetry_number
        Rotational symmetry number; ideal gas.
    spin
        Total electronic spin; ideal gas.
    """

    model: str
    temperature: float
    energy: float
    zpe: float
    internal_energy: float
    entropy: float
    helmholtz_energy: float
    pressure: NotRequired[float]
    enthalpy: NotRequired[float]
    gibbs_energy: NotRequired[float]
    geometry: NotRequired[str]
    symmetry_number: NotRequired[int]
    spin: NotRequired[float]


class PathPoints(TypedDict):
    """Structures along a path, M of them.

    Attributes
    ----------
    coordinates
        Length of the path up to each, in Å, shape (M,).
    energies
        In eV, shape (M,).
    slopes
        Of the energy along the path, in eV/Å, shape (M,).
    """

    coordinates: Array
    energies: Array
    slopes: Array


class Result(TypedDict):
    """What every result has.

    Attributes
    ----------
    name
        What was run.
    atoms
        The final structure, without a calculator.
    input_atoms
        The structure as given.
    parameters
        What the run and its calculator were set to.
    converged
        Whether the run reached what it was asked for.
    trajectory
        Path of the file with the structures on the way: ``ase.io.read(path, ":")``.
    dir_name
        Path of the run's directory.
    provenance
        Where, when and with what it was made.
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
    structure_metadata: NotRequired[dict[str, Any]]
    molecule_metadata: NotRequired[dict[str, Any]]


class StaticResult(Result):
    """Result of a single-point calculation."""

    results: Properties


class RelaxResult(Result):
    """Result of a geometry optimisation; `steps` is how many it took."""

    results: Properties
    steps: int


class MDAverages(TypedDict):
    """Means over the structures in a trajectory, the first one among them.

    Attributes
    ----------
    structures
        How many there are.
    energy
        Potential energy in eV.
    kinetic_energy
        In eV.
    temperature
        In K.
    volume
        Of the cell in Å³; None without three cell vectors.
    drift
        Of the total energy, in eV per atom and ps: the slope of a line through it. At constant energy it tells of the
        time step, and of forces that do not fit the energy.
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
    """Result of a run that gives a path: `points` are those of the path, `steps` how many it took.

    Of a nudged elastic band, `atoms` and `results` are of the highest image, and the last structures in the trajectory
    are the path; of an intrinsic reaction coordinate they are of its end, and the whole trajectory is the path.
    """

    results: Properties
    points: PathPoints
    steps: int


class VibResult(Result):
    """Result of a vibrational analysis; `thermo` is None where it was not asked for or means nothing."""

    results: VibProperties
    thermo: NotRequired[Thermo | None]


class ProgramResult(TypedDict):
    """Result of a program that works on the files of an earlier run.

    Attributes
    ----------
    name
        What was run.
    atoms
        The structure of the earlier run.
    parameters
        What the program was set to.
    dir_name
        Path of the run's directory.
    provenance
        Where, when and with what it was made.
    results
        What the program found; the job says what that is, and its units.
    """

    name: str
    atoms: Atoms
    parameters: dict[str, Any]
    dir_name: str
    provenance: Provenance
    results: dict[str, Any]
