"""Checks that find bad input before anything is computed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
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
    "check_real",
    "check_spin",
    "make_generator",
]


def check_atoms(atoms: Any) -> None:
    """Refuse a structure that no calculator can work on.

    Parameters
    ----------
    atoms
        Value that was given as a structure.

    Raises
    ------
    InputError
        The value is not an `ase.Atoms`, has no atoms, has positions or a cell that are not finite, or is periodic in
        more directions than its cell spans.
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
    """Refuse a value that is not a calculator, or a calculator that lacks a property.

    Parameters
    ----------
    calculator
        Value that was given as a calculator.
    *properties
        Properties that the calculator must be able to compute, by ASE's names.

    Raises
    ------
    InputError
        The value is not an instance of an ASE calculator, or the calculator lacks one of `properties`.
    """
    if isinstance(calculator, type) or not hasattr(calculator, "calculate"):
        raise InputError(f"The calculator is {calculator!r}. Give an instance of an ASE calculator, such as EMT().")
    known = calculator.implemented_properties
    for name in properties:
        if name not in known:
            raise InputError(f"{type(calculator).__name__} has no {name!r}. It computes: {', '.join(sorted(known))}.")


def check_elements(atoms: Atoms, elements: Collection[str], code: str) -> None:
    """Refuse an element that a code has no parameters for.

    Parameters
    ----------
    atoms
        Structure whose elements are checked.
    elements
        Chemical symbols that the code knows.
    code
        Name of the code, for the message.

    Raises
    ------
    InputError
        An element is unknown. The message names it and the elements that the code knows.
    """
    unknown = set(atoms.symbols) - set(elements)
    if unknown:
        raise InputError(
            f"{code} has no parameters for {', '.join(sorted(unknown))} (in {atoms.get_chemical_formula()}). "
            f"It knows: {', '.join(sorted(elements))}."
        )


def check_keywords(function: Callable[..., Any], keywords: Iterable[str]) -> None:
    """Refuse an unknown keyword before the steps that precede a call are computed.

    Parameters
    ----------
    function
        Function that will be called.
    keywords
        Names of the arguments that the function will get.

    Raises
    ------
    UnknownNameError
        A name is not that of a keyword-only parameter of the function.
    """
    known = inspect.getfullargspec(function).kwonlyargs
    for key in keywords:
        if key not in known:
            raise UnknownNameError(f"argument of {function.__name__}", key, known)


def check_spin(atoms: Atoms, electrons: int, *, charge: float | None = None, multiplicity: int | None = None) -> None:
    """Refuse a charge or a spin multiplicity that a structure cannot have.

    Parameters
    ----------
    atoms
        Structure that has the charge and the multiplicity.
    electrons
        Number of electrons of the neutral structure, without those that the code keeps in cores.
    charge
        Charge of the structure in e. None: the sum of the initial charges of the atoms.
    multiplicity
        Spin multiplicity, 2S + 1. None: the one that follows from the sum of the initial magnetic moments (in Bohr
        magnetons), rounded; any, if all moments are zero.

    Raises
    ------
    InputError
        The charge or the multiplicity is impossible. For a multiplicity the message names those that are possible.
    """
    if charge is None:
        charge = float(atoms.get_initial_charges().sum())
    if not isinstance(charge, Real) or not round(float(charge), 6).is_integer():
        raise InputError(f"The charge is {charge!r}. Give a whole number: calc_kwargs={{'charge': 0}}.")
    left = electrons - round(float(charge))
    name = f"{atoms.get_chemical_formula()} with charge {charge:g}"
    if left < 0:
        raise InputError(f"{name}: there are {electrons} electrons to take. Give a lower charge.")
    spin = _spin(atoms, multiplicity)
    if spin is None:
        return
    unpaired, given = spin
    if unpaired > left or (left - unpaired) % 2:
        possible = [str(one) for one in range(left % 2 + 1, left + 2, 2)]
        short = possible if len(possible) < 6 else [*possible[:3], "...", possible[-1]]
        raise InputError(
            f"{name} has {left} electrons, and {given}. Possible multiplicities: {', '.join(short)}. "
            "Set one of them, or another charge."
        )


def check_state(atoms: Atoms, calc_kwargs: Mapping[str, Any]) -> None:
    """Refuse a charge or a multiplicity that does not fit all electrons of a structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    calc_kwargs
        Arguments of the calculator, of which ``charge`` and ``multiplicity`` count; see `check_spin`.

    Raises
    ------
    InputError
        The charge or the multiplicity is impossible.
    """
    state = {name: calc_kwargs.get(name) for name in ("charge", "multiplicity")}
    check_spin(atoms, int(atoms.numbers.sum()), **state)


def check_molecule(atoms: Atoms, code: str) -> None:
    """Refuse a periodic structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    code
        Name of the code, for the message.

    Raises
    ------
    InputError
        The structure is periodic.
    """
    if atoms.pbc.any():
        raise InputError(
            f"{atoms.get_chemical_formula()} is periodic along {atoms.pbc.tolist()}; these recipes of {code} are for "
            "molecules. Set atoms.pbc = False, or take another code."
        )


def check_real(atoms: Atoms, code: str) -> None:
    """Refuse atoms that are none, with the symbol X.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    code
        Name of the code, for the message.

    Raises
    ------
    InputError
        An atom is none.
    """
    if not atoms.numbers.all():
        bad = [int(index) for index in np.flatnonzero(atoms.numbers == 0)]
        raise InputError(
            f"Atoms {bad} of {atoms.get_chemical_formula()} are X, which is no element; these recipes of {code} have "
            "no ghost or dummy atoms. Remove them: del atoms[atoms.numbers == 0]."
        )


def check_crystal(atoms: Atoms, code: str, *, molecules: bool = False) -> None:
    """Refuse a structure that a code for crystals has no input for.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    code
        Name of the code, for the message.
    molecules
        Whether the code computes structures that are not periodic without a cell.

    Raises
    ------
    InputError
        The cell has fewer than three vectors, or the initial magnetic moments are vectors.
    """
    if np.linalg.matrix_rank(atoms.cell.array) < 3 and not (molecules and not atoms.pbc.any()):
        raise InputError(
            f"{code} needs a cell of three vectors; that of {atoms.get_chemical_formula()} is "
            f"{atoms.cell.array.tolist()}. For a molecule: atoms.center(vacuum=8); for a slab: "
            "atoms.center(vacuum=8, axis=2)."
        )
    if np.ndim(atoms.get_initial_magnetic_moments()) > 1:
        raise InputError(f"The initial magnetic moments are vectors; these recipes of {code} take one number per atom.")


def _spin(atoms: Atoms, multiplicity: int | None) -> tuple[int, str] | None:
    """Return the number of unpaired electrons and its origin in words, or None if nothing sets it."""
    if multiplicity is not None:
        check_count(multiplicity=multiplicity)
        return multiplicity - 1, f"the multiplicity is {multiplicity}"
    moments = atoms.get_initial_magnetic_moments()
    if not moments.any():
        return None
    unpaired = abs(round(float(moments.sum())))
    return (
        unpaired,
        f"the initial magnetic moments add up to {moments.sum():g}, which is a multiplicity of {unpaired + 1}",
    )


def check_positive(**values: Any) -> None:
    """Refuse values that are not finite numbers above zero.

    Parameters
    ----------
    **values
        Values by name, as the message shows it.

    Raises
    ------
    InputError
        A value is not a finite number above zero. The message names the first such value.
    """
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 < float(value) < math.inf:
            raise InputError(f"{name} is {value!r}. Give a number above 0.")


def check_count(**values: Any) -> None:
    """Refuse values that are not integers above zero.

    Parameters
    ----------
    **values
        Values by name, as the message shows it.

    Raises
    ------
    InputError
        A value is not an integer above zero. The message names the first such value.
    """
    for name, value in values.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} is {value!r}. Give an integer above 0.")


def make_generator(seed: int) -> np.random.Generator:
    """Return a generator of random numbers, and refuse a value that is no seed.

    Parameters
    ----------
    seed
        Seed of the random numbers, an integer of at least 0.

    Raises
    ------
    InputError
        The value is no seed.
    """
    try:
        return np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise InputError(f"seed is {seed!r}: {error}. Give an integer of at least 0.") from error
