"""Formation energies of point defects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, TypedDict

from ase import Atoms

__all__ = ["DefectEnergy", "FormationEnergies", "formation_energy"]


class DefectEnergy(TypedDict):
    """Formation energy of one point defect.

    Attributes
    ----------
    defect
        Name of the defect, such as ``"v_Cu"``.
    defect_index
        Number of the defect among those with the same name, counted from 0.
    charge
        Charge of the defect in elementary charges.
    element_changes
        Number of atoms that the defect adds to the perfect supercell, by element; negative if it takes atoms away.
    energy_difference
        Energy of the supercell with the defect minus that of the perfect one in eV; None if the calculation failed.
    formation_energy
        Formation energy in eV; None if it cannot be computed.
    missing
        Reason why there is no formation energy; empty if there is one.
    """

    defect: str
    defect_index: int
    charge: int
    element_changes: dict[str, int]
    energy_difference: float | None
    formation_energy: float | None
    missing: str


class FormationEnergies(TypedDict):
    """Formation energies of the point defects of a crystal.

    They are those of the supercells: no correction is made for their size, nor for the interaction of a charge with its
    images and the background.

    Attributes
    ----------
    name
        Kind of document: ``"formation_energies"``.
    chemical_potentials
        Chemical potentials in eV per atom, by element.
    fermi_energy
        Energy of an electron in eV; None if it was not given.
    defects
        Formation energies in eV, in the order of the runs.
    """

    name: str
    chemical_potentials: Annotated[dict[str, float], "eV"]
    fermi_energy: Annotated[float | None, "eV"]
    defects: Annotated[list[DefectEnergy], "eV"]


def formation_energy(
    defect: Atoms,
    energy: float | None,
    missing: str,
    supercell: Atoms,
    supercell_energy: float,
    chemical_potentials: Mapping[str, float],
    *,
    charge: int = 0,
    fermi_energy: float | None = None,
) -> DefectEnergy:
    """Return the energy of formation of a point defect: E(defect) - E(perfect) - Σ Δn μ + q E_F.

    Δn is the number of atoms of an element that the defect adds, μ the chemical potential of the element, q the charge
    of the defect and E_F the energy of an electron. The formula is that of Zhang and Northrup, Phys. Rev. Lett. 67,
    2339 (1991), with no correction for the size of the supercell.

    Parameters
    ----------
    defect
        Supercell with the defect; its ``info`` has the name of the defect, as `adatom.atoms.defects.make_defects` sets
        it.
    energy
        Energy of `defect` in eV, or None if there is none.
    missing
        Reason why there is no energy; empty if there is one.
    supercell
        Perfect supercell, without the defect.
    supercell_energy
        Energy of `supercell` in eV.
    chemical_potentials
        Chemical potentials in eV per atom, by element.
    charge
        Charge of the defect in elementary charges.
    fermi_energy
        Energy of an electron in eV, on the energy scale of the code: that of the edge of the valence band plus the
        Fermi level above the edge. It is needed if `charge` is not 0.
    """
    changes = _element_changes(defect, supercell)
    unknown = [symbol for symbol in changes if symbol not in chemical_potentials]
    difference = None if energy is None else energy - supercell_energy
    formation = None
    if unknown:
        missing = missing or f"Give chemical_potentials, in eV per atom, of {', '.join(unknown)}."
    elif charge and fermi_energy is None:
        missing = missing or f"The charge is {charge:+d}. Give fermi_energy, in eV."
    elif difference is not None:
        reservoirs = sum(change * chemical_potentials[symbol] for symbol, change in changes.items())
        formation = difference - reservoirs + charge * (fermi_energy or 0.0)
    return {
        "defect": defect.info["defect"],
        "defect_index": defect.info["defect_index"],
        "charge": charge,
        "element_changes": changes,
        "energy_difference": difference,
        "formation_energy": formation,
        "missing": missing,
    }


def _element_changes(defect: Atoms, supercell: Atoms) -> dict[str, int]:
    now, before = Counter(defect.symbols), Counter(supercell.symbols)
    return {symbol: now[symbol] - before[symbol] for symbol in sorted({*now, *before}) if now[symbol] != before[symbol]}
