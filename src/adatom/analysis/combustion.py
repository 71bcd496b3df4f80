"""Molecules that a mixture of hydrogen and oxygen burns to, and measures of the run in which it does."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, TypedDict

import numpy as np
from ase import Atoms, units
from ase.neighborlist import neighbor_list

from adatom.errors import InputError

__all__ = ["Combustion", "combustion", "count_molecules"]

#: Distances in Å below which two atoms are bonded. Bonds are 0.74 Å long in H2, 0.96 Å in H2O, 1.21 Å in O2 and 1.47 Å
#: in H2O2; the next distances are 1.5 Å between the hydrogen atoms of H2O, and 1.7 Å in short hydrogen bonds.
BONDS = {("H", "H"): 1.0, ("H", "O"): 1.3, ("O", "O"): 1.7}


class Combustion(TypedDict):
    """A run in which hydrogen burns.

    Attributes
    ----------
    name
        Kind of document: ``"combustion"``.
    water_yield
        Number of water molecules at the end, in parts of the largest that the atoms allow.
    reaction_energy
        Change of the potential energy by each water molecule at the end, in kcal/mol; NaN if there is none or the run
        did not come to its end.
    drift
        Distance by which the centre of mass has moved in Å; NaN without a stage that did not fail.
    reached
        Part of the time of the run, from 0 to 1, before the first stage that failed.
    reason
        Why that stage failed; empty if none did.
    steps_per_second
        Number of time steps by the time of the run in 1/s, on the machine that ran it; NaN without a stage that did
        not fail.
    """

    name: str
    water_yield: float
    reaction_energy: Annotated[float, "kcal/mol"]
    drift: Annotated[float, "Å"]
    reached: float
    reason: str
    steps_per_second: Annotated[float, "1/s"]


def count_molecules(atoms: Atoms) -> dict[str, int]:
    """Return the number of molecules by formula, such as ``{"H2": 2, "H2O": 1}``.

    Parameters
    ----------
    atoms
        Structure, which may be periodic. Atoms of hydrogen and oxygen are bonded where they are closer than `BONDS`
        says, and those of a molecule are all that bonds connect.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first, second = neighbor_list("ij", atoms, BONDS)
    bonds = coo_array((np.ones(len(first)), (first, second)), shape=(len(atoms), len(atoms)))
    number, owners = connected_components(bonds, directed=False)
    formulas = (atoms.symbols[owners == owner].get_chemical_formula() for owner in range(number))
    return dict(sorted(Counter(formulas).items()))


def combustion(
    start: Atoms,
    end: Atoms,
    change: float,
    *,
    steps: int,
    seconds: float,
    reached: float = 1.0,
    reason: str = "",
) -> Combustion:
    """Return measures of a run in which hydrogen burns.

    Parameters
    ----------
    start, end
        First structure and the last one, in which no atom has been put back into the cell.
    change
        Potential energy of the last structure less that of the first, in eV.
    steps
        Number of time steps that were made.
    seconds
        Time in s that they took.
    reached, reason
        Part of the run that was done, and why the rest was not: see `Combustion`.

    Raises
    ------
    InputError
        The first structure has too few atoms of hydrogen and oxygen for one water molecule.
    """
    most = min(int((start.symbols == "H").sum()) // 2, int((start.symbols == "O").sum()))
    if not most:
        raise InputError(f"{start.get_chemical_formula()} cannot burn to water. Give two atoms of H and one of O.")
    waters = count_molecules(end).get("H2O", 0)
    moved = np.linalg.norm(end.get_center_of_mass() - start.get_center_of_mass())
    return {
        "name": "combustion",
        "water_yield": waters / most,
        "reaction_energy": change / waters * units.mol / units.kcal if waters and reached == 1 else np.nan,
        "drift": float(moved) if steps else np.nan,
        "reached": reached,
        "reason": reason,
        "steps_per_second": steps / seconds if steps else np.nan,
    }
