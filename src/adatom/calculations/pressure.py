"""External pressure on a cell."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from ase import Atoms, units
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

from adatom.errors import InputError

__all__ = ["Pressure", "check_filter", "check_pressure", "under_pressure", "warn_of_unit"]

Pressure = float | Sequence[float] | Sequence[Sequence[float]]

# Optimizers that look at forces alone: there is no energy whose derivative is a tensor of pressure that stays the same
# while the cell turns and shears.
_BY_FORCES = ("BFGS", "FIRE", "FIRE2", "LBFGS", "MDMin", "ODE12r")


def check_pressure(pressure: Any, relax_cell: bool, tensor: bool = True) -> Pressure:
    """Refuse a pressure that is none in GPa, or that no cell is relaxed under.

    Parameters
    ----------
    pressure
        Value that was given as a pressure in GPa.
    relax_cell
        Whether the cell is relaxed.
    tensor
        Whether the pressure may be a tensor.

    Returns
    -------
    float or list of list of float
        The pressure, a tensor as three rows.

    Raises
    ------
    InputError
        The pressure is neither a finite number nor a symmetric tensor of finite numbers, is a tensor where that must
        not be, or is not 0 without `relax_cell`.
    """
    try:
        values = np.array([np.nan] if isinstance(pressure, bool | str) else pressure, float)
    except (TypeError, ValueError):
        values = np.array([np.nan])
    if values.shape == (6,):
        values = voigt_6_to_full_3x3_stress(values)
    if values.shape not in ((), (3, 3)) or not np.isfinite(values).all() or not np.allclose(values, values.T):
        raise InputError(
            f"pressure is {pressure!r}. Give a number in GPa, or a symmetric tensor: 3 × 3 numbers, or xx, yy, zz, yz, "
            "xz and xy."
        )
    plain: Pressure = values.tolist()
    if values.any() and not relax_cell:
        raise InputError(f"pressure is {plain} GPa, and the cell stays as it is. Set relax_cell=True.")
    if values.ndim and not tensor:
        raise InputError(
            f"pressure is {plain} GPa, and the code's own optimizer takes one number. Give one, or take the job that "
            "relaxes with an optimizer of ASE: ase_relax_job."
        )
    return plain


def warn_of_unit(*pressures: float) -> None:
    """Warn of a pressure in eV/Å³ that is rather one in GPa.

    Parameters
    ----------
    *pressures
        Pressures in eV/Å³.
    """
    if abs(most := max(pressures, key=abs)) >= 1:
        warnings.warn(
            f"pressure is {most:g} eV/Å³, which is {most / units.GPa:.0f} GPa. If it is one in GPa, give "
            f"{most:g} * ase.units.GPa.",
            stacklevel=3,
        )


def check_filter(pressure: Pressure, cell_filter: type[Any], optimizer: type[Any]) -> None:
    """Refuse a pressure that a cell filter or an optimizer does not have.

    Parameters
    ----------
    pressure
        Pressure in GPa, as `check_pressure` returns it.
    cell_filter, optimizer
        Classes of the filter and the optimizer.

    Raises
    ------
    InputError
        The filter takes no pressure, or the optimizer compares energies and the pressure is a tensor.
    """
    if np.any(pressure) and "scalar_pressure" not in inspect.signature(cell_filter).parameters:
        raise InputError(f"{cell_filter.__name__} takes no pressure. Take another cell_filter: FrechetCellFilter.")
    if isinstance(pressure, list) and optimizer.__name__ not in _BY_FORCES:
        raise InputError(
            f"{optimizer.__name__} compares energies, and a pressure that is a tensor has none. "
            f"Take another optimizer: {', '.join(_BY_FORCES)}."
        )


def under_pressure(atoms: Atoms, pressure: Pressure, cell_filter: type[Any]) -> Any:
    """Return the filter by which an optimizer moves atoms and cell under a pressure.

    Parameters
    ----------
    atoms
        Structure to move.
    pressure
        Pressure in GPa, as `check_pressure` returns it.
    cell_filter
        Class of the filter.
    """
    if isinstance(pressure, list):
        return cell_filter(_Pressed(atoms, full_3x3_to_voigt_6_stress(np.array(pressure) * units.GPa)))
    return cell_filter(atoms, **({"scalar_pressure": cast(float, pressure) * units.GPa} if pressure else {}))


class _Pressed:
    """Atoms whose stress is the one that is left beside an external pressure, in eV/Å³."""

    def __init__(self, atoms: Atoms, pressure: np.ndarray) -> None:
        self._atoms = atoms
        self._pressure = pressure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._atoms, name)

    def __len__(self) -> int:
        return len(self._atoms)

    def get_stress(self, **kwargs: Any) -> np.ndarray:
        """Return the sum of stress and external pressure, which is 0 in equilibrium."""
        return np.asarray(self._atoms.get_stress(**kwargs)) + self._pressure
