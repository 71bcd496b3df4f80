"""Equations of state, fitted to the energies of a crystal at several volumes."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Annotated, TypedDict

import numpy as np
from ase import units
from numpy.typing import ArrayLike, NDArray

from adatom.errors import AnalysisError, InputError, UnknownNameError

__all__ = ["EQUATIONS", "EquationOfState", "check_eos", "energies_of", "fit_eos"]

#: Names of the equations, the same as in pymatgen.
EQUATIONS = ("birch_murnaghan", "murnaghan", "vinet", "birch", "pourier_tarantola")
#: An equation has four parameters: with fewer points than five none is left to show whether the equation fits.
LEAST_POINTS = 5
#: Derivatives of the bulk modulus of solids: 3 to 8 but for very soft ones. Outside, a fit is doubtful.
DERIVATIVES = (2.0, 10.0)
#: Largest residual of a fit that is not doubtful, in parts of the difference between the highest and lowest energy.
RESIDUAL = 0.02


class EquationOfState(TypedDict):
    """Equation of state, fitted to energies at several volumes. P is the number of points.

    Attributes
    ----------
    name
        Kind of document: ``"eos"``.
    equation
        Name of the equation, one of `EQUATIONS`.
    v0
        Volume of the cell at the lowest energy, in Å³.
    e0
        Lowest energy of the cell, in eV.
    bulk_modulus
        Bulk modulus at `v0`, in GPa.
    bulk_modulus_derivative
        Derivative of the bulk modulus by the pressure, at `v0`; it has no unit.
    volumes, energies
        Volumes and energies of the cell at the points, in Å³ and eV, shape (P,), the smallest volume first.
    residuals
        Energies of the points minus those of the equation, in eV, shape (P,).
    failed
        By strain of the volume, the reason why its point is missing.
    """

    name: str
    equation: str
    v0: Annotated[float, "Å³"]
    e0: Annotated[float, "eV"]
    bulk_modulus: Annotated[float, "GPa"]
    bulk_modulus_derivative: float
    volumes: Annotated[NDArray[np.float64], "Å³"]
    energies: Annotated[NDArray[np.float64], "eV"]
    residuals: Annotated[NDArray[np.float64], "eV"]
    failed: dict[str, str]


def check_eos(equation: str, volumes: Sequence[float]) -> None:
    """Refuse an unknown equation, and fewer volumes than a fit needs.

    Parameters
    ----------
    equation
        Name of the equation, one of `EQUATIONS`.
    volumes
        Volumes of the points, or strains of one volume, in any unit.

    Raises
    ------
    InputError
        There are fewer than five different volumes, or the equation is unknown.
    """
    if equation not in EQUATIONS:
        raise UnknownNameError("equation of state", equation, EQUATIONS)
    if len(set(volumes)) < LEAST_POINTS:
        raise InputError(
            f"An equation of state is fitted to {LEAST_POINTS} volumes or more, and these are {len(set(volumes))}: "
            f"{list(volumes)}."
        )


def fit_eos(volumes: ArrayLike, energies: ArrayLike, equation: str = "birch_murnaghan") -> EquationOfState:
    """Fit an equation of state, as ``pymatgen.analysis.eos`` does.

    Parameters
    ----------
    volumes
        Volumes of the cell in Å³, shape (P,).
    energies
        Energies of the cell in eV, shape (P,).
    equation
        Name of the equation, one of `EQUATIONS`.

    Returns
    -------
    EquationOfState
        The parameters, with the bulk modulus in GPa, and the points that they were fitted to.

    Raises
    ------
    InputError
        There are fewer than five different volumes, or the equation is unknown.
    AnalysisError
        There is no minimum between these points that the equation could describe.

    Warns
    -----
    UserWarning
        The derivative of the bulk modulus or a residual is not that of a solid: see `DERIVATIVES` and `RESIDUAL`.
    """
    volumes, energies = np.asarray(volumes, dtype=float), np.asarray(energies, dtype=float)
    check_eos(equation, volumes.tolist())
    from pymatgen.analysis.eos import EOS, EOSError

    order = np.argsort(volumes)
    volumes, energies = volumes[order], energies[order]
    points = ", ".join(f"{volume:.3f} Å³: {energy:.6f} eV" for volume, energy in zip(volumes, energies, strict=True))
    try:
        fit = EOS(equation).fit(volumes, energies)
        v0, e0, b0, b1 = (float(value) for value in (fit.v0, fit.e0, fit.b0, fit.b1))
        if not (np.isfinite([v0, e0, b0, b1]).all() and volumes[0] <= v0 <= volumes[-1] and b0 > 0):
            raise ValueError(f"v0 = {v0:.4g} Å³ and a bulk modulus of {b0 / units.GPa:.4g} GPa")
    except (EOSError, ValueError, RuntimeError, np.linalg.LinAlgError) as error:
        raise AnalysisError(
            f"{equation} does not fit these points: {str(error).rstrip('.')}. They are {points}. "
            "Take volumes on both sides of the lowest energy."
        ) from error
    residuals = energies - np.asarray(fit.func(volumes))
    _warn_of_nonsense(b1, residuals, np.ptp(energies), points)
    return {
        "name": "eos",
        "equation": equation,
        "v0": v0,
        "e0": e0,
        "bulk_modulus": b0 / units.GPa,
        "bulk_modulus_derivative": b1,
        "volumes": volumes,
        "energies": energies,
        "residuals": residuals,
        "failed": {},
    }


def _warn_of_nonsense(derivative: float, residuals: NDArray[np.float64], span: float, points: str) -> None:
    """Warn of a fit that describes no solid, such as one to energies with noise."""
    doubts = []
    if not DERIVATIVES[0] <= derivative <= DERIVATIVES[1]:
        doubts.append(f"the derivative of the bulk modulus is {derivative:.2f}, and solids have 2 to 10")
    if (worst := float(np.abs(residuals).max())) > RESIDUAL * span:
        doubts.append(f"an energy is {1000 * worst:.3g} meV off, and the energies span {1000 * span:.3g} meV")
    if doubts:
        warnings.warn(
            f"The equation of state is doubtful: {'; '.join(doubts)}. The points are {points}. Are energies converged, "
            "with the same settings at all volumes, and is the range of volumes neither too narrow nor too wide?",
            stacklevel=3,
        )


def energies_of(eos: EquationOfState, volumes: ArrayLike) -> NDArray[np.float64]:
    """Return the energies of an equation of state at given volumes, in eV.

    Parameters
    ----------
    eos
        The equation with its fitted parameters.
    volumes
        Volumes of the cell in Å³, of any shape.
    """
    from pymatgen.analysis.eos import EOS

    volumes = np.asarray(volumes, dtype=float)
    model = EOS.MODELS[eos["equation"]](volumes, volumes)
    model.eos_params = [eos["e0"], eos["bulk_modulus"] * units.GPa, eos["bulk_modulus_derivative"], eos["v0"]]
    return np.asarray(model.func(volumes))
