"""Formation energies of point defects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, TypedDict

from ase import Atoms

__all__ = ["DefectEnergy", "FormationEnergies", "formation_energy"]


class DefectEnergy(TypedDict):
    """The energy of a defect.

    Attributes
    ----------
    defect
        Its name, such as ``"v_Cu"``.
    defect_index
        Counts those of a name.
    charge
        In elementary charges.
    element_changes
        How many atoms it has more than the perfect supercell, by element.
    energy_difference
        Energy of its supercell minus that of the perfect one in eV; None if it failed.
    formation_energy
        In eV; None if it cannot be had.
    missing
        Why not; else empty.
    """

    defect: str
    defect_index: int
    charge: int
    element_changes: dict[str, int]
    energy_difference: float | None
    formation_energy: float | None
    missing: str


class FormationEnergies(TypedDict):
    """Formation energies of the defects of a crystal.

    They are those of the supercells: no correction is made for their size, nor for the interaction of a charge with its
    images and the background.

    Attributes
    ----------
    name
        ``"formation_energies"``.
    chemical_potentials
        In eV per atom, by element.
    fermi_energy
        Energy of an electron in eV; None if it was not given.
    defects
        In the order of the runs, with energies in eV.
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
    """The energy of formation: E(defect) - E(perfect) - Σ Δn μ + q E_F.

    By Zhang and Northrup, Phys. Rev. Lett. 67, 2339 (1991), with no correction for the size of the supercell.

    Parameters
    ----------
    defect
        The supercell with the defect, with its name in ``info``.
    energy
        Its energy in eV, or None.
    missing
        Why there is none; else empty.
    supercell
        The perfect supercell.
    supercell_energy
        Its energy in eV.
    chemical_potentials
        In eV per atom, by element.
    charge
        Of the defect, in elementary charges.
    fermi_energy
        Energy of an electron in eV, on the scale of the code: the valence band's edge and what lies above it.
    """
    now, before = Counter(defect.symbols), Counter(supercell.symbols)
    changes = {
        symbol: now[symbol] - before[symbol] for symbol in sorted({*now, *before}) if now[symbol] != before[symbol]
    }
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
