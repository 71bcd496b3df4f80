"""Born charges and the dielectric tensor of a polar crystal: what they have to be, and how phonopy takes them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from ase import Atoms, units
from numpy.typing import ArrayLike, NDArray

from adatom.atoms.convert import to_phonopy
from adatom.errors import InputError

__all__ = ["check_polar", "nac_params"]

#: Born charges may differ by this much, in e, from what translations and the symmetry of the crystal demand.
TOLERANCE = 0.1

Array = NDArray[np.float64]


def check_polar(
    atoms: Atoms, born_charges: ArrayLike | None, dielectric: ArrayLike | None, symprec: float = 1e-5
) -> tuple[Array, Array] | None:
    """Return Born charges and a dielectric tensor with the symmetry of the crystal, and refuse those that are far off.

    The mean of the charges is subtracted from each: a translation of the whole crystal polarizes nothing, which is the
    acoustic sum rule. Charges and tensor are then averaged over the symmetry of the crystal.

    Parameters
    ----------
    atoms
        Crystal of N atoms that the charges are of.
    born_charges
        Born effective charges in e, Cartesian, shape (N, 3, 3), in the order of the atoms: the first index is that of
        the polarization or electric field, the second that of the displacement or force. Their mean has to be within
        0.1 e of 0, and the symmetry of the crystal has to change none of them by more than 0.1 e. None: there is no
        non-analytical correction.
    dielectric
        Electronic (high-frequency) dielectric tensor, Cartesian, shape (3, 3): symmetric, with no eigenvalue below 1.
        It is given where `born_charges` is.
    symprec
        Largest distance in Å of an atom from the place where symmetry has it.

    Returns
    -------
    tuple of ndarray, or None
        Born charges in e, shape (N, 3, 3), and dielectric tensor, shape (3, 3); None where neither is given.

    Raises
    ------
    InputError
        One of the two is missing or is not what it has to be.
    MissingExtraError
        phonopy is not installed.
    """
    if born_charges is None and dielectric is None:
        return None
    if born_charges is None or dielectric is None:
        given, missing = ("dielectric", "born_charges") if born_charges is None else ("born_charges", "dielectric")
        raise InputError(f"{given} is given without {missing}. Give both for a polar crystal, or neither.")
    charges = _tensors("born_charges", born_charges, (len(atoms), 3, 3), "a tensor in e for each atom")
    tensor = _tensors("dielectric", dielectric, (3, 3), "the electronic dielectric tensor")
    if not np.allclose(tensor, tensor.T, rtol=0, atol=1e-3 * np.abs(tensor).max()):
        raise InputError(f"dielectric is {tensor.tolist()}, which is not symmetric. Give the electronic one.")
    if (least := np.linalg.eigvalsh((tensor + tensor.T) / 2).min()) < 1 - 1e-3:
        raise InputError(
            f"dielectric has the eigenvalue {least:.4g}. Give the electronic tensor, which has none below 1."
        )
    mean = charges.mean(axis=0)
    if (off := np.abs(mean).max()) > TOLERANCE:
        raise InputError(
            f"The mean of born_charges has a component of {off:.3g} e, and the acoustic sum rule allows {TOLERANCE} e. "
            "Converge them, mostly with k points, and give one for each atom."
        )
    return _symmetrized(atoms, charges - mean, tensor, symprec)


def nac_params(born_charges: ArrayLike, dielectric: ArrayLike) -> dict[str, Any]:
    """Return phonopy's parameters of the non-analytical correction by Gonze and Lee.

    Source: X. Gonze and C. Lee, Phys. Rev. B 55, 10355 (1997), equations 60 and 71.

    Parameters
    ----------
    born_charges
        Born effective charges in e of the atoms of the primitive cell, shape (P, 3, 3).
    dielectric
        Electronic dielectric tensor, shape (3, 3).
    """
    coulomb = units.Hartree * units.Bohr  # e²/(4π ε0) in eV Å
    return {"born": born_charges, "dielectric": dielectric, "factor": coulomb, "method": "gonze"}


def _tensors(name: str, given: ArrayLike, shape: tuple[int, ...], what: str) -> Array:
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{name} is {given!r}. Give {what}, shape {shape}.") from None
    if values.shape != shape or not np.isfinite(values).all():
        raise InputError(f"{name} has the shape {values.shape} or is not finite. Give {what}, shape {shape}.")
    return values


def _symmetrized(atoms: Atoms, charges: Array, tensor: Array, symprec: float) -> tuple[Array, Array]:
    cell = to_phonopy(atoms)
    from phonopy.structure.symmetry import symmetrize_borns_and_epsilon

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is an error here
        even, symmetric = symmetrize_borns_and_epsilon(charges, tensor, cell, symprec=symprec)
    if (off := np.abs(even - charges).max()) > TOLERANCE:
        raise InputError(
            f"The symmetry of the crystal changes born_charges by {off:.3g} e, and {TOLERANCE} e are allowed. Give "
            "those of this crystal, in the order and the orientation of its atoms."
        )
    return even, symmetric
