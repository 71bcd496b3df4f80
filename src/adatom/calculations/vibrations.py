"""Harmonic vibrations from finite differences of the forces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from adatom.calculations.calculation import calculation
from adatom.calculations.checks import check_atoms, check_positive
from adatom.calculations.copy_files import CopyFiles
from adatom.calculations.rigid_body import rigid_motions
from adatom.calculations.trajectory import Trajectory
from adatom.errors import InputError
from adatom.schemas.results import VibResult

__all__ = ["run_vibrations"]

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
        Whether the structure can rotate. None: it can unless it is periodic.
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
        (Cartesian, in Å sqrt(amu)) are in ``vib.npz``.

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
    moving = _moving(atoms, indices)
    can_turn = not atoms.pbc.any() if molecule is None else molecule
    with calculation(name, atoms, calculator, copy_files, needs=("energy", "forces")) as run:
        results = run.properties()
        with run.trajectory() as trajectory:
            trajectory.write(run.atoms)
            hessian = _hessian(run.atoms, moving, delta, _STENCILS[nfree], trajectory)
        run.atoms.positions = atoms.positions
        rigid = rigid_motions(atoms, rotations=can_turn) if len(moving) == len(atoms) else None
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
        document = run.result(converged=True, delta=delta, nfree=nfree, indices=moving, molecule=can_turn)
        return cast(VibResult, {**document, "results": results})


def _moving(atoms: Atoms, indices: Sequence[int] | None) -> NDArray[Any]:
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
