"""Insertion of a gas into a crystal with pores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom import job
from adatom.arena.tasks._words import KEYS, chosen, relaxation
from adatom.atoms.supercells import make_supercell
from adatom.calculations.checks import check_positive
from adatom.recipes import mlip
from adatom.recipes.common.docs import documented_by

__all__ = ["WIDOM"]


@job(name="WIDOM", key_functions=KEYS)
@documented_by(chosen, relaxation)
def WIDOM(
    atoms: Atoms,
    gas: Atoms,
    calculator: Any,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    optimizer: Any = "BFGSLineSearch",
    optimizer_kwargs: Mapping[str, Any] | None = None,
    filter: Any = "FrechetCellFilter",
    filter_kwargs: Mapping[str, Any] | None = None,
    criterion: Mapping[str, Any] | None = None,
    init_structure_optimize: bool = True,
    init_gas_optimize: bool = True,
    temperature: float = 300.0,
    num_insertions: int = 5000,
    cutoff_distance: float = 1.5,
    min_interplanar_distance: float = 6.0,
    random_seed: int = 0,
) -> dict[str, Any]:
    """Relax a host and a gas molecule, and insert the molecule at random places of the host, which is rigid then.

    Parameters
    ----------
    {parameters}
    atoms
        Host, a crystal with pores such as a zeolite; it is not changed.
    gas
        Molecule; it is not changed.
    init_structure_optimize, init_gas_optimize
        Whether the host and its cell, and the molecule, are relaxed first.
    temperature
        Temperature in K.
    num_insertions
        Number of insertions.
    cutoff_distance
        Distance in Å between an atom of the molecule and one of the host below which there is no room.
    min_interplanar_distance
        Least distance in Å of opposite faces of the cell, by which the host is repeated.
    random_seed
        Seed of the random numbers.

    Returns
    -------
    dict
        ``"widom"``, the result of `adatom.recipes.mlip.widom_job`, which has the Henry coefficient in mol/kg/Pa, the
        interaction energy in eV and the heat of adsorption in kJ/mol; ``"structure"`` and ``"gas"``, the relaxed host
        and molecule where they are relaxed.
    """
    check_positive(min_interplanar_distance=min_interplanar_distance)
    which = chosen(calculator, calculator_kwargs, dispersion)
    found: dict[str, Any] = {}
    if init_structure_optimize:
        cell = relaxation(optimizer, optimizer_kwargs, filter, filter_kwargs, criterion)
        found["structure"] = mlip.relax_job(atoms, **cell, **which)
        atoms = found["structure"]["atoms"]
    if init_gas_optimize:
        ions = relaxation(optimizer, optimizer_kwargs, None, None, criterion)
        found["gas"] = mlip.relax_job(gas, **ions, **which)
        gas = found["gas"]["atoms"]
    faces = np.linalg.norm(atoms.cell.reciprocal().array, axis=1)  # one over the distances of opposite faces
    host = make_supercell(atoms, np.ceil(min_interplanar_distance * faces - 1e-6).astype(int).tolist())
    found["widom"] = mlip.widom_job(
        host,
        gas,
        temperature=temperature,
        insertions=num_insertions,
        min_distance=cutoff_distance,
        seed=random_seed,
        **which,
    )
    return found
