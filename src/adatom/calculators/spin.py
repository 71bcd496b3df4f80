"""Charge and spin of a structure, in one spelling for all codes: `charge` and `multiplicity`, or the atoms' own."""

from __future__ import annotations

from ase import Atoms

__all__ = ["charge_of", "state_of", "with_state"]


def charge_of(atoms: Atoms, charge: float | None) -> float:
    """Return the charge of a calculation in e, which need not be whole.

    Parameters
    ----------
    atoms, charge
        Same as in `state_of`.
    """
    return round(float(atoms.get_initial_charges().sum() if charge is None else charge), 10)


def state_of(atoms: Atoms, charge: float | None, multiplicity: int | None) -> tuple[int, int]:
    """Return the charge and the spin multiplicity of a calculation.

    Parameters
    ----------
    atoms
        Structure.
    charge
        Charge in e. None: the sum of the initial charges of the atoms.
    multiplicity
        Spin multiplicity, 2S + 1. None: that of the sum of the initial magnetic moments (in Bohr magnetons), rounded;
        if it is zero, the lowest one that the number of electrons has.
    """
    total = round(charge_of(atoms, charge))
    if multiplicity is not None:
        return total, multiplicity
    unpaired = abs(round(float(atoms.get_initial_magnetic_moments().sum())))
    return total, 1 + (unpaired or (int(atoms.numbers.sum()) - total) % 2)


def with_state(atoms: Atoms, charge: float | None, multiplicity: int | None) -> Atoms:
    """Return a copy of a structure whose initial charges and moments add up to those of `state_of`.

    Parameters
    ----------
    atoms, charge, multiplicity
        Same as in `state_of`.
    """
    given = atoms.copy()
    total, spin = state_of(atoms, charge, multiplicity)
    rest = [0] * (len(atoms) - 1)
    given.set_initial_charges([total, *rest])
    given.set_initial_magnetic_moments([spin - 1, *rest])
    return given
