"""Phonons of a crystal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by

__all__ = ["PHONON"]


@job(name="PHONON", key_functions=KEYS)
@documented_by(chosen)
def PHONON(
    atoms: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    supercell_matrix: Sequence[int] | Sequence[Sequence[int]] | None = None,
    min_lengths: float = 20.0,
    distance: float = 0.01,
    symprec: float = 1e-5,
) -> dict[str, Any]:
    """Compute the phonons of a crystal that is relaxed already.

    Parameters
    ----------
    {parameters}
    atoms
        Crystal; it is not changed.
    supercell_matrix
        Same as in `adatom.recipes.mlip.phonon_flow`, from which the defaults are.
    min_lengths
        Least length of a vector of the supercell in Å, without `supercell_matrix`.
    distance
        Displacement of an atom in Å.
    symprec
        Largest distance in Å between an atom and its place in the symmetric crystal.

    Returns
    -------
    dict
        ``"phonons"``, an `adatom.analysis.phonons.Phonons`, beside the results of the displaced supercells.
    """
    return mlip.phonon_flow(
        atoms,
        run_relax=False,
        supercell_matrix=supercell_matrix,
        min_length=min_lengths,
        distance=distance,
        symprec=symprec,
        ignore_imaginary=True,
        static_job=mlip.static_job.bind(**chosen(calculator, calculator_kwargs, dispersion)),
    )
