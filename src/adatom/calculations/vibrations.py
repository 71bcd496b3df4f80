"""Harmonic vibrations from finite differences of the forces."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from adatom.atoms.electrons import check_spin_value, electronic_spin
from adatom.atoms.molecules import DOUBTFUL, LINEAR, distance_from_line, make_whole
from adatom.calculations.calculation import calculation, calculator_parameters
from adatom.calculations.checks import check_atoms, check_positive
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.rigid_body import rigid_motions
from adatom.calculations.trajectory import Trajectory
from adatom.errors import InputError
from adatom.schemas.results import VibResult

__all__ = ["can_turn", "moving_atoms", "run_vibrations"]

# Steps, in units of delta, and their weights in a central difference of second and of fourth order.
_STENCILS = {2: {-1: -1 / 2, 1: 1 / 2}, 4: {-2: 1 / 12, -1: -8 / 12, 1: 8 / 12, 2: -1 / 12}}

# sqrt(eV / Å² / amu) as an energy in eV
_QUANTUM = units._hbar * 1e10 / math.sqrt(units._e * units._amu)


def run_vibrations(
    atoms: Atoms,
    calculator: Any,
    *,
    delta: float = 0.01,
    nfree: int = 2,
    indices: Sequence[int] | None = None,
    molecule: bool | None = None,
    spin: float | None = None,
    name: str = "vib",
    copy_files: CopyFiles = None,
) -> VibResult:
    """Compute the harmonic vibrations of a structure.

    Parameters
    ----------
    atoms
        Structure at a minimum; it is not changed.
    calculator
        ASE calculator that nothing else uses.
    delta
        Displacement of each coordinate in Å.
    nfree
        Number of displacements of each coordinate: 2 or 4, for central differences of second or fourth order.
    indices
        Indices of the atoms that vibrate. None: all atoms that no ``FixAtoms`` holds.
    molecule
        Whether the structure is a molecule that can rotate. None: it is unless it is periodic. A molecule may lie
        across the boundary of its cell. It counts as linear if no atom is farther than 0.1 Å from a line; between 0.03
        and 0.25 Å a warning says so.
    spin
        Total electronic spin of a molecule: 0 if all electrons are paired, 0.5 for a radical, 1 for O2. None: that of
        the computed magnetic moment, else of the code's multiplicity, else of the initial magnetic moments, else the
        lowest one. A value that contradicts these is an error.
    name
        Name of the run and stem of its files.
    copy_files
        Files to start from: a path, a result, ``{path: names}``, ``(source, names)``, or a list of these.

    Returns
    -------
    VibResult
        ``results["frequencies"]`` in cm⁻¹, imaginary ones negative; ``results["vib_energies"]`` and ``results["zpe"]``
        in eV. If all atoms vibrate, translations are taken out before the modes are computed, and for a molecule
        rotations too: 3N-5 modes remain if it is linear, 3N-6 if not, 3N-3 for a crystal. Hessian (eV/Å²) and modes
        (Cartesian, in Å sqrt(amu)) are in ``vib.npz``. ``parameters["spin"]`` is the spin of a molecule.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    ConvergenceError
        The energy or a force is not a number.
    """
    check_atoms(atoms)
    check_positive(delta=delta)
    if nfree not in _STENCILS:
        raise InputError(f"nfree is {nfree!r}. Valid: 2, 4.")
    check_spin_value(spin)
    moving = moving_atoms(atoms, indices)
    free = can_turn(atoms, molecule)
    turns = free and len(moving) == len(atoms)
    whole = make_whole(atoms) if turns else atoms
    if turns:
        _warn_of_doubt(whole)
    elif spin is not None:
        raise InputError(f"spin is {spin!r}, which only counts for a molecule whose atoms all vibrate. Leave it out.")
    with calculation(name, atoms, calculator, copy_files, needs=("energy", "forces")) as run:
        results = run.properties()
        if turns:
            spin = electronic_spin(atoms, spin, results, calculator_parameters(calculator))
        with run.trajectory() as trajectory:
            trajectory.write(run.atoms)
            hessian = _hessian(run.atoms, moving, delta, _STENCILS[nfree], trajectory)
        run.atoms.positions = atoms.positions
        rigid = rigid_motions(whole, rotations=turns) if len(moving) == len(atoms) else None
        quanta, modes = _modes(hessian, atoms.get_masses()[moving], rigid)
        frequencies = quanta / units.invcm
        np.savez(run.file(".npz"), hessian=hessian, modes=modes, frequencies=frequencies, indices=moving)
        with run.log() as log:
            log.write("mode       meV      cm^-1   (negative: imaginary)\n")
            log.writelines(
                f"{i:4d} {1000 * quantum:10.3f} {frequency:10.3f}\n"
                for i, (quantum, frequency) in enumerate(zip(quanta, frequencies, strict=True))
            )
        results |= {
            "frequencies": frequencies,
            "vib_energies": quanta,
            "imaginary": int((quanta < 0).sum()),
            "zpe": float(quanta[quanta > 0].sum() / 2),
        }
        document = run.result(converged=True, delta=delta, nfree=nfree, indices=moving, molecule=free, spin=spin)
        return cast(VibResult, {**document, "results": results})


def can_turn(atoms: Atoms, molecule: bool | None) -> bool:
    """Return whether a structure can rotate.

    Parameters
    ----------
    atoms
        Structure.
    molecule
        Whether it is a molecule that can rotate. None: it is unless it is periodic.
    """
    return not atoms.pbc.any() if molecule is None else molecule


def moving_atoms(atoms: Atoms, indices: Sequence[int] | None) -> NDArray[Any]:
    """Return the indices of the atoms that vibrate.

    Parameters
    ----------
    atoms
        Structure.
    indices
        Indices that the user gives. None: those of all atoms that no ``FixAtoms`` holds.

    Raises
    ------
    InputError
        There is no atom of an index, an index comes twice, or there is none.
    """
    if indices is None:
        from ase.constraints import FixAtoms

        held = [index for c in atoms.constraints if isinstance(c, FixAtoms) for index in c.index]
        moving = np.setdiff1d(np.arange(len(atoms)), held)
    else:
        moving = np.unique(np.asarray(indices))
        if len(moving) != len(indices) or not np.isin(moving, np.arange(len(atoms))).all():
            raise InputError(f"indices is {list(indices)}. Give different numbers from 0 to {len(atoms) - 1}.")
    if len(moving) == 0:
        raise InputError("No atom is free to vibrate. Give indices, or take constraints off.")
    return moving


def _warn_of_doubt(molecule: Atoms) -> None:
    distance = distance_from_line(molecule)
    if DOUBTFUL[0] < distance < DOUBTFUL[1]:
        kind = "linear, with 3N-5" if distance <= LINEAR else "bent, with 3N-6"
        warnings.warn(
            f"The atoms of {molecule.get_chemical_formula()} are up to {distance:.3f} Å from a line: it counts as "
            f"{kind} vibrations. Relax it further if it should be straight.",
            stacklevel=3,
        )


def _hessian(
    atoms: Atoms, moving: NDArray[Any], delta: float, stencil: dict[int, float], trajectory: Trajectory
) -> NDArray[Any]:
    rest = atoms.positions.copy()
    rows = []
    for index in moving:
        for axis in range(3):
            change = np.zeros((len(moving), 3))
            for step, weight in stencil.items():
                atoms.positions = rest
                atoms.positions[index, axis] += step * delta
                change += weight * atoms.get_forces(apply_constraint=False)[moving]
                trajectory.write(atoms)
            rows.append(-change.ravel() / delta)
    hessian = np.array(rows)
    return (hessian + hessian.T) / 2


def _modes(
    hessian: NDArray[Any], masses: NDArray[Any], rigid: NDArray[Any] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return quanta in eV, negative where imaginary, shape (M,), and modes, shape (M, N, 3)."""
    weight = np.repeat(masses**-0.5, 3)
    dynamical = weight[:, None] * hessian * weight
    # Motions with the structure as a whole at rest: otherwise rotations of a molecule that is not fully relaxed would
    # mix with its soft modes.
    internal = np.eye(len(weight)) if rigid is None else np.linalg.svd(rigid)[0][:, rigid.shape[1] :]
    squares, vectors = np.linalg.eigh(internal.T @ dynamical @ internal)
    quanta = _QUANTUM * np.sign(squares) * np.sqrt(np.abs(squares))
    modes = (internal @ vectors).T * weight
    return quanta, modes.reshape(len(quanta), len(masses), 3)
