"""Grids of k points from a spacing, which has one meaning for all codes."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
from ase import Atoms

from adatom.errors import InputError

__all__ = ["k_grid", "numbers_of", "numbers_or_spacing", "spacing_of"]


def k_grid(atoms: Atoms, parameters: Mapping[str, Any], slab: Atoms | None = None) -> dict[str, Any]:
    """Return the numbers of k points that ``kspacing`` gives for a structure, in its place; nothing without a spacing.

    Parameters
    ----------
    atoms, slab
        Same as in `numbers_of`.
    parameters
        Same as in `spacing_of`.
    """
    if (spacing := spacing_of(parameters)) is None:
        return {}
    return {"kpts": numbers_of(atoms, spacing, slab), "kspacing": None}


def spacing_of(parameters: Mapping[str, Any]) -> float | None:
    """Return the spacing of k points that a calculation asks for, as in `numbers_of`, or None without one.

    Parameters
    ----------
    parameters
        Arguments of a calculator that takes ``kpts`` or ``kspacing``; either may be None.

    Raises
    ------
    InputError
        The spacing is no number above 0, or k points are given too.
    """
    kpts, spacing = parameters.get("kpts"), parameters.get("kspacing")
    if spacing is None:
        return None
    if kpts is not None:
        raise InputError(f"kpts is {kpts!r}, and kspacing is {spacing!r}. Give one.")
    if not isinstance(spacing, Real) or not float(spacing) > 0:
        raise InputError(f"kspacing is {spacing!r}. Give a number above 0, in Å⁻¹.")
    return float(spacing)


def numbers_of(atoms: Atoms, spacing: float, slab: Atoms | None = None) -> list[int]:
    """Return the numbers of k points along the reciprocal cell vectors, as VASP's manual has them for ``KSPACING``.

    Parameters
    ----------
    atoms
        Structure from whose cell the numbers follow. There is one point along a direction that is not periodic.
    spacing
        Largest distance of neighbouring points in Å⁻¹, with the factor 2π of the reciprocal cell.
    slab
        Slab with the same first two cell vectors, from whose cell the numbers along these follow. None: all numbers
        follow from `atoms`.
    """
    lengths = 2 * np.pi * np.linalg.norm(atoms.cell.reciprocal().array, axis=1)
    numbers = [max(1, int(np.ceil(length / spacing - 1e-9))) for length in lengths]
    numbers = [number if periodic else 1 for number, periodic in zip(numbers, atoms.pbc, strict=True)]
    if slab is not None:
        numbers[:2] = numbers_of(slab, spacing)[:2]
    return numbers


def numbers_or_spacing(atoms: Atoms, parameters: Mapping[str, Any]) -> list[int]:
    """Return the numbers of k points along the reciprocal cell vectors, as a calculation asks for them.

    Parameters
    ----------
    atoms
        Same as in `numbers_of`. A structure that is not periodic needs neither numbers nor a spacing: it has one point.
    parameters
        Same as in `spacing_of`.

    Raises
    ------
    InputError
        Same as in `spacing_of`; or there are neither numbers nor a spacing, or the numbers are not three.
    """
    if (spacing := spacing_of(parameters)) is not None:
        return numbers_of(atoms, spacing)
    numbers = parameters.get("kpts")
    if numbers is None and not atoms.pbc.any():
        return [1, 1, 1]
    given = [] if numbers is None or np.ndim(numbers) == 0 else [*numbers]
    if len(given) != 3 or not all(isinstance(one, int | np.integer) and one > 0 for one in given):
        raise InputError(
            f"kpts is {numbers!r}. Give three integers above 0, such as [4, 4, 4], or kspacing=0.2, in Å⁻¹."
        )
    return [int(one) for one in given]
