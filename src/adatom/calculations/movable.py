"""Checks that find, before the first step, structures that dynamics cannot move as they should."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from adatom.atoms.freedoms import Freedoms
from adatom.calculations.checks import check_atoms
from adatom.errors import InputError

__all__ = ["check_movable"]

# Momenta that FixInternals and FixedMode leave are not along the motions that they allow, unless all masses are equal;
# FixInternals takes the rotation of a crystal, too, and FixedMode reports as many freedoms as there are atoms.
_NOT_FOR_MOMENTA = {"FixInternals", "FixedMode"}


def check_movable(atoms: Atoms, dynamics: str, ensemble: str, draws: bool) -> None:
    """Refuse a structure that dynamics cannot move as they should.

    Parameters
    ----------
    atoms
        Structure to start from.
    dynamics
        Name of ASE's class.
    ensemble
        Ensemble that is sampled.
    draws
        Whether the first velocities are drawn; otherwise the structure keeps its own.

    Raises
    ------
    InputError
        The structure is none; it has constraints that the dynamics do not keep, or no freedom to move; its cell cannot
        have a pressure; or its velocities are such that the dynamics cannot start.
    """
    check_atoms(atoms)
    _check_constraints(atoms, dynamics, ensemble)
    if ensemble == "NPT":
        _check_cell(atoms, dynamics)
    freedoms = Freedoms(atoms, dynamics)
    if freedoms.count < 1:
        raise InputError(
            f"The constraints of {atoms.get_chemical_formula()} leave no atom to move. Take one away: "
            f"{', '.join(type(each).__name__ for each in atoms.constraints)}."
        )
    if not draws:
        _check_velocities(atoms, dynamics, freedoms)


def _check_constraints(atoms: Atoms, dynamics: str, ensemble: str) -> None:
    for constraint in atoms.constraints:
        name = type(constraint).__name__
        if ensemble == "NPT":
            raise InputError(
                f"{dynamics} moves all atoms with the cell, and the structure has the constraint {name}. Take it away, "
                "or use dynamics at constant volume: NVT."
            )
        if name in _NOT_FOR_MOMENTA or not _is_counted(atoms, constraint):
            raise InputError(
                f"The constraint {name} holds positions and forces, but no velocities. Take it away for dynamics, or "
                "use one of FixAtoms, FixCartesian, FixedLine, FixedPlane, FixCom, FixBondLengths."
            )
        if name == "FixScaled" and not atoms.cell.orthorhombic:
            raise InputError(
                "FixScaled holds no velocities in a cell that is not orthorhombic. Use FixedLine or FixedPlane."
            )


def _is_counted(atoms: Atoms, constraint: object) -> bool:
    try:
        return int(constraint.get_removed_dof(atoms)) >= 0  # type: ignore[attr-defined]
    except (NotImplementedError, AttributeError):
        return False


def _check_cell(atoms: Atoms, dynamics: str) -> None:
    if not atoms.pbc.all():
        raise InputError(
            f"{dynamics} changes the cell, and {atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()} "
            "only: there is no pressure along the other directions. Use dynamics at constant volume: NVT."
        )


def _check_velocities(atoms: Atoms, dynamics: str, freedoms: Freedoms) -> None:
    momenta = atoms.get_momenta()
    if not np.isfinite(momenta).all():
        raise InputError(f"Velocities of {atoms.get_chemical_formula()} are not numbers. Set others, or draw them.")
    if dynamics == "Bussi" and freedoms.kinetic_energy(momenta) < 1e-12:
        raise InputError(
            f"{dynamics} scales velocities, and those of the structure are zero. Set keep_velocities=False."
        )
