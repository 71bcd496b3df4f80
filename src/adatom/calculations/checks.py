"""Bad input, found before anything is computed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable
from numbers import Real
from typing import Any

import numpy as np
from ase import Atoms

from adatom.errors import InputError, UnknownNameError

__all__ = [
    "check_atoms",
    "check_calculator",
    "check_count",
    "check_elements",
    "check_keywords",
    "check_positive",
    "check_spin",
]


def check_atoms(atoms: Any) -> None:
    """Refuse what no calculator can work on.

    Parameters
    ----------
    atoms
        What was given as a structure.

    Raises
    ------
    InputError
        Not an `ase.Atoms`, no atoms, positions or cell that are not finite, or a periodic direction without a cell.
    """
    if not isinstance(atoms, Atoms):
        step = "Read one with ase.io.read." if isinstance(atoms, str) else "Call the recipe once for each structure."
        raise InputError(f"The structure is a {type(atoms).__name__}, not an ase.Atoms. {step}")
    if len(atoms) == 0:
        raise InputError("The structure has no atoms. Give at least one.")
    if not np.isfinite(atoms.positions).all():
        bad = int(np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))[0])
        raise InputError(f"Atom {bad} ({atoms.symbols[bad]}) is at {atoms.positions[bad].tolist()}. Give it numbers.")
    cell = atoms.cell.array
    if not np.isfinite(cell).all():
        raise InputError(f"The cell is {cell.tolist()}. Give it numbers.")
    if atoms.pbc.any():
        periodic = cell[atoms.pbc]
        if np.linalg.matrix_rank(periodic) < len(periodic):
            raise InputError(
                f"The structure is periodic along {atoms.pbc.tolist()}, but its cell is {cell.tolist()}. "
                "Set a cell with atoms.set_cell, or atoms.pbc = False."
            )


def check_calculator(calculator: Any, *properties: str) -> None:
    """Refuse what is not a calculator, or one that lacks a property.

    Parameters
    ----------
    calculator
        What was given as a calculator.
    *properties
        What it must be able to compute, under ASE's names.

    Raises
    ------
    InputError
        It is not an instance of an ASE calculator, or one of `properties` is not among what it computes.
    """
    if isinstance(calculator, type) or not hasattr(calculator, "calculate"):
        raise InputError(f"The calculator is {calculator!r}. Give an instance of an ASE calculator, such as EMT().")
    known = calculator.implemented_properties
    for name in properties:
        if name not in known:
            raise InputError(f"{type(calculator).__name__} has no {name!r}. It computes: {', '.join(sorted(known))}.")


def check_elements(atoms: Atoms, elements: Collection[str], code: str) -> None:
    """Refuse a species that a code has no parameters for.

    Parameters
    ----------
    atoms
        The structure.
    elements
        The chemical symbols that the code knows.
    code
        Its name.

    Raises
    ------
    InputError
        Naming the species, and those that the code knows.
    """
    unknown = set(atoms.symbols) - set(elements)
    if unknown:
        raise InputError(
            f"{code} has no parameters for {', '.join(sorted(unknown))} (in {atoms.get_chemical_formula()}). "
            f"It knows: {', '.join(sorted(elements))}."
        )


def check_keywords(function: Callable[..., Any], keywords: Iterable[str]) -> None:
    """Refuse an unknown keyword before what comes before the call is computed.

    Parameters
    ----------
    function
        The function that is to be called.
    keywords
        Names of arguments for it.

    Raises
    ------
    UnknownNameError
        One of them is not a keyword-only parameter.
    """
    known = inspect.getfullargspec(function).kwonlyargs
    for key in keywords:
        if key not in known:
            raise UnknownNameError(f"argument of {function.__name__}", key, known)


def check_spin(atoms: Atoms, electrons: int, *, charge: float | None = None, multiplicity: int | None = None) -> None:
    """Refuse a charge and a spin that a structure cannot have.

    Parameters
    ----------
    atoms
        The structure.
    electrons
        How many the neutral structure has, without those that the code has in cores.
    charge
        Of the structure, in e. None: the sum of the atoms' initial charges.
    multiplicity
        2S + 1. None: what the initial magnetic moments, in Bohr magnetons, add up to, rounded; any if all are zero.

    Raises
    ------
    InputError
        Naming the multiplicities that there can be.
    """
    if charge is None:
        charge = float(atoms.get_initial_charges().sum())
    if not isinstance(charge, Real) or not round(float(charge), 6).is_integer():
        raise InputError(f"The charge is {charge!r}. Give a whole number: calc_kwargs={{'charge': 0}}.")
    left = electrons - round(float(charge))
    name = f"{atoms.get_chemical_formula()} with charge {charge:g}"
    if left < 0:
        raise InputError(f"{name}: there are {electrons} electrons to take. Give a lower charge.")
    if multiplicity is None:
        moments = atoms.get_initial_magnetic_moments()
        if not moments.any():
            return
        unpaired = abs(round(float(moments.sum())))
        given = f"the initial magnetic moments add up to {moments.sum():g}, which is a multiplicity of {unpaired + 1}"
    else:
        check_count(multiplicity=multiplicity)
        unpaired, given = multiplicity - 1, f"the multiplicity is {multiplicity}"
    if unpaired > left or (left - unpaired) % 2:
        possible = [str(one) for one in range(left % 2 + 1, left + 2, 2)]
        short = possible if len(possible) < 6 else [*possible[:3], "...", possible[-1]]
        raise InputError(
            f"{name} has {left} electrons, and {given}. Possible multiplicities: {', '.join(short)}. "
            "Set one of them, or another charge."
        )


def check_positive(**values: Any) -> None:
    """Refuse values that are not finite numbers above zero.

    Parameters
    ----------
    **values
        By name.

    Raises
    ------
    InputError
        Naming the first that is not.
    """
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < math.inf:
            raise InputError(f"{name} is {value!r}. Give a number above 0.")


def check_count(**values: Any) -> None:
    """Refuse values that are not integers above zero.

    Parameters
    ----------
    **values
        By name.

    Raises
    ------
    InputError
        Naming the first that is not.
    """
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} is {value!r}. Give an integer above 0.")
