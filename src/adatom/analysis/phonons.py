"""Phonons of a crystal in the harmonic approximation, by phonopy."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

import numpy as np
from ase import Atoms, units
from numpy.typing import ArrayLike, NDArray

from adatom.analysis.phonon_bands import Bands, compute_bands
from adatom.analysis.polar import check_polar, nac_params
from adatom.atoms.convert import to_phonopy
from adatom.atoms.displacements import take_sites
from adatom.atoms.phonopy_model import phonopy_model, space_group
from adatom.errors import InputError

__all__ = [
    "DensityOfStates",
    "Phonons",
    "ThermalProperties",
    "as_phonopy",
    "check_phonons",
    "check_symmetry",
    "fit_phonons",
]

#: A frequency this far below zero, in THz, is imaginary. Those of acoustic modes at Γ lie nearer to zero.
IMAGINARY = 0.01
#: Force constants of all atoms of the supercell are kept if they take no more than this many bytes.
LARGE = 1_000_000

Array = NDArray[np.float64]


class DensityOfStates(TypedDict):
    """Phonon density of states at F frequencies. P is the number of atoms of the primitive cell.

    Attributes
    ----------
    frequencies
        Frequencies in THz, shape (F,).
    densities
        Densities in states/THz for the primitive cell, shape (F,); their integral is 3 P.
    """

    frequencies: Array
    densities: Array


class ThermalProperties(TypedDict):
    """Thermodynamic functions of the primitive cell at constant volume, at T temperatures.

    Attributes
    ----------
    temperatures
        Temperatures in K, shape (T,).
    free_energy
        Helmholtz energy in eV, with the zero-point energy and without the potential energy, shape (T,).
    entropy
        Entropy in eV/K, shape (T,).
    heat_capacity
        Heat capacity at constant volume in eV/K, shape (T,).
    zero_point_energy
        Zero-point energy in eV.
    """

    temperatures: Array
    free_energy: Array
    entropy: Array
    heat_capacity: Array
    zero_point_energy: float


class Phonons(TypedDict):
    """Phonons of a crystal. P is the number of atoms of its primitive cell, S that of its supercell.

    Without the non-analytical correction, the longitudinal optical modes of a polar crystal are too low near Γ.

    Attributes
    ----------
    name
        Kind of document: ``"phonons"``.
    atoms
        Crystal whose phonons these are.
    primitive
        Primitive cell of the crystal, as phonopy finds it; the other quantities are of this cell.
    supercell_matrix
        phonopy's matrix from the cell of `atoms` to the supercell, shape (3, 3).
    primitive_matrix
        phonopy's matrix from the cell of `atoms` to the primitive cell, shape (3, 3); the vectors of a left-handed cell
        are reversed first.
    space_group
        Symbol and number of the space group, in which atoms of other masses differ, and magnetic moments do not count.
    displacements
        Number of displaced supercells that were computed.
    force_constants
        Force constants in eV/Å², shape (S, S, 3, 3), or (P, S, 3, 3) for the atoms of the primitive cell where the
        former would take more than 1 MB. Both forms are phonopy's, and `as_phonopy` takes both.
    born_charges
        Born effective charges in e of the atoms of the primitive cell, with which bands, density of states and thermal
        properties have the non-analytical correction, shape (P, 3, 3); None where they have none.
    dielectric
        Electronic dielectric tensor of the same correction, shape (3, 3), or None.
    mesh
        Numbers of q points along the three reciprocal vectors.
    imaginary_modes
        Number of imaginary modes on the mesh, out of 3 P for each q point; 0 for a stable crystal.
    lowest_frequency
        Lowest frequency on the mesh and along the path, in THz; below 0 if it is imaginary.
    dos
        Density of states on the mesh, a `DensityOfStates`.
    bands
        Frequencies along the path, a `Bands`.
    thermal_properties
        Thermodynamic functions, a `ThermalProperties`; None where modes are imaginary, unless they were to be left out.
    """

    name: str
    atoms: Atoms
    primitive: Atoms
    supercell_matrix: list[list[int]]
    primitive_matrix: Array
    space_group: str
    displacements: int
    force_constants: Annotated[Array, "eV/Å²"]
    born_charges: Annotated[Array | None, "e"]
    dielectric: Array | None
    mesh: list[int]
    imaginary_modes: int
    lowest_frequency: Annotated[float, "THz"]
    dos: DensityOfStates
    bands: Bands
    thermal_properties: ThermalProperties | None


def check_phonons(mesh: float | Sequence[int], t_min: float, t_max: float, t_step: float) -> Array:
    """Return the temperatures of a range, and refuse a bad range or mesh of q points.

    Parameters
    ----------
    mesh
        Numbers of q points along the three reciprocal vectors, or a length in Å from which phonopy finds them.
    t_min
        Lowest temperature in K.
    t_max
        Highest temperature in K.
    t_step
        Difference in K between one temperature and the next.

    Returns
    -------
    ndarray
        Temperatures in K, shape (T,).

    Raises
    ------
    InputError
        The mesh is not three numbers or a length above 0, or the range of temperatures is empty.
    """
    if np.shape(mesh) not in ((), (3,)) or not (np.asarray(mesh) > 0).all():
        raise InputError(f"mesh is {mesh!r}. Give three integers above 0, or a length in Å.")
    if not (0 <= t_min <= t_max < np.inf and 0 < t_step < np.inf):
        raise InputError(
            f"t_min, t_max and t_step are {t_min!r}, {t_max!r} and {t_step!r}. Give temperatures in K with "
            "0 <= t_min <= t_max, and a step above 0."
        )
    return np.arange(t_min, t_max + t_step * 1e-6, t_step, dtype=float)


def fit_phonons(
    atoms: Atoms,
    supercell_matrix: ArrayLike,
    displaced: Sequence[Atoms],
    forces: Sequence[ArrayLike],
    *,
    residual_forces: ArrayLike | None = None,
    born_charges: ArrayLike | None = None,
    dielectric: ArrayLike | None = None,
    symprec: float = 1e-5,
    mesh: float | Sequence[int] = 100.0,
    t_min: float = 0.0,
    t_max: float = 1000.0,
    t_step: float = 10.0,
    ignore_imaginary: bool = False,
) -> Phonons:
    """Fit force constants to the forces in displaced supercells, and compute the phonons that follow from them.

    Translational and permutation symmetry are imposed on the force constants. The three acoustic modes at Γ are left
    out of thermal properties.

    Parameters
    ----------
    atoms
        Crystal whose phonons are computed; it is not changed.
    supercell_matrix
        Matrix of the supercell, as `adatom.atoms.displacements.find_supercell` returns it.
    displaced
        Supercells with one atom displaced each, as `adatom.atoms.displacements.make_displaced` returns them.
    forces
        Forces in each displaced supercell in eV/Å, each of shape (S, 3).
    residual_forces
        Forces in the supercell without a displacement in eV/Å, shape (S, 3), which are subtracted; None: 0.
    born_charges, dielectric
        Born charges in e and dielectric tensor of `atoms`, as in `adatom.analysis.polar.check_polar`. None: there is no
        non-analytical correction.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.
    mesh, t_min, t_max, t_step
        Mesh of q points and temperatures in K, the same as in `check_phonons`.
    ignore_imaginary
        Whether to leave imaginary modes out of thermal properties, instead of giving none.

    Returns
    -------
    Phonons
        Force constants, density of states, bands and thermal properties, of the primitive cell.

    Raises
    ------
    InputError
        The mesh, the range of temperatures, the Born charges or the dielectric tensor are bad.
    MissingExtraError
        phonopy is not installed.
    """
    temperatures = check_phonons(mesh, t_min, t_max, t_step)
    model = _model(atoms, supercell_matrix, symprec)
    at_rest = model.supercell.positions
    residual = 0.0 if residual_forces is None else np.asarray(residual_forces)
    model.dataset = {
        "natom": len(at_rest),
        "first_atoms": [
            {**_displacement(structure.positions - at_rest), "forces": np.asarray(found) - residual}
            for structure, found in zip(displaced, forces, strict=True)
        ],
    }
    whole = 72 * len(at_rest) ** 2 <= LARGE
    model.produce_force_constants(calculate_full_force_constants=whole, show_drift=False)
    model.symmetrize_force_constants(show_drift=False)
    if (polar := check_polar(atoms, born_charges, dielectric, symprec)) is not None:
        model.nac_params = nac_params(polar[0][_sites(model)], polar[1])
    model.run_mesh(mesh, is_gamma_center=True)
    model.run_total_dos()
    bands = compute_bands(model)
    frequencies, weights = model.mesh.frequencies, model.mesh.weights
    imaginary = int(weights @ (frequencies < -IMAGINARY).sum(axis=1))
    if imaginary and not ignore_imaginary:
        warnings.warn(
            f"{imaginary} of {weights.sum() * frequencies.shape[1]} phonon modes of {atoms.get_chemical_formula()} are "
            f"imaginary, the lowest at {frequencies.min():.2f} THz: no thermal properties. Relax the crystal, take a "
            "larger supercell, or set ignore_imaginary=True.",
            stacklevel=2,
        )
    return {
        "name": "phonons",
        "atoms": atoms,
        "primitive": take_sites(atoms, model.primitive, _sites(model)),
        "supercell_matrix": model.supercell_matrix.tolist(),
        "primitive_matrix": model.primitive_matrix,
        "space_group": space_group(model, symprec),
        "displacements": len(displaced),
        "force_constants": model.force_constants,
        "born_charges": None if polar is None else model.nac_params["born"],
        "dielectric": None if polar is None else model.nac_params["dielectric"],
        "mesh": model.mesh.mesh_numbers.tolist(),
        "imaginary_modes": imaginary,
        "lowest_frequency": float(min(frequencies.min(), bands["frequencies"].min())),
        "dos": {"frequencies": model.total_dos.frequency_points, "densities": model.total_dos.dos},
        "bands": bands,
        "thermal_properties": None if imaginary and not ignore_imaginary else _thermal_properties(model, temperatures),
    }


def check_symmetry(atoms: Atoms, supercell_matrix: ArrayLike, symprec: float = 1e-5) -> None:
    """Check that there is the symmetry that `fit_phonons` needs, which some cells with magnetic moments do not have.

    Parameters
    ----------
    atoms
        Crystal whose phonons are to be computed; it is not changed.
    supercell_matrix
        Matrix of the supercell, as `adatom.atoms.displacements.find_supercell` returns it.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    InputError
        spglib finds no symmetry.
    """
    if atoms.get_initial_magnetic_moments().any():
        _model(atoms, supercell_matrix, symprec)


def as_phonopy(phonons: Phonons, symprec: float = 1e-5) -> Any:
    """Return a ``phonopy.Phonopy`` with the force constants and the correction, for what else phonopy can do.

    Parameters
    ----------
    phonons
        Phonons of a crystal, as `fit_phonons` returns them.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Raises
    ------
    MissingExtraError
        phonopy is not installed.
    """
    model = _model(phonons["atoms"], phonons["supercell_matrix"], symprec, phonons["primitive_matrix"])
    model.force_constants = phonons["force_constants"]
    if phonons["born_charges"] is not None and phonons["dielectric"] is not None:
        model.nac_params = nac_params(phonons["born_charges"], phonons["dielectric"])
    return model


def _model(atoms: Atoms, supercell_matrix: ArrayLike, symprec: float, primitive_matrix: Any = None) -> Any:
    return phonopy_model(to_phonopy(atoms), np.asarray(supercell_matrix), primitive_matrix, symprec)


def _displacement(displacements: Array) -> dict[str, Any]:
    number = int(np.linalg.norm(displacements, axis=1).argmax())
    return {"number": number, "displacement": displacements[number]}


def _sites(model: Any) -> list[int]:
    """Return, for each atom of the primitive cell, the number of the atom of the given cell that it is."""
    supercell = model.supercell
    return [int(supercell.u2u_map[supercell.s2u_map[atom]]) for atom in model.primitive.p2s_map]


def _thermal_properties(model: Any, temperatures: Array) -> ThermalProperties:
    found = model.run_thermal_properties(temperatures=temperatures, exclude_gamma_acoustic=True)
    per_mole = units.J / units.mol
    return {
        "temperatures": found.temperatures,
        "free_energy": found.free_energy * 1000 * per_mole,
        "entropy": found.entropy * per_mole,
        "heat_capacity": found.heat_capacity * per_mole,
        "zero_point_energy": float(found.zero_point_energy * 1000 * per_mole),
    }
