"""Structures that benchmarks compute, that ASE makes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import cache

import numpy as np
from ase import Atoms
from ase.build import bulk, molecule
from ase.data import atomic_numbers, chemical_symbols, reference_states

from adatom.arena.benchmark import Size
from adatom.atoms.rattle import rattle

__all__ = ["crystals", "metals", "molecules", "of_elements", "rattled", "supercells"]

_SIMPLE = ("fcc", "bcc", "hcp", "diamond")
#: Lattice constants of compounds in Å (experiment, rounded), by ASE's name of their structure and by formula.
_BINARY = {
    "rocksalt": {
        "NaCl": 5.64,
        "MgO": 4.21,
        "LiF": 4.03,
        "KBr": 6.60,
        "CaO": 4.81,
        "TiC": 4.33,
        "TiN": 4.24,
        "AgCl": 5.55,
    },
    "zincblende": {
        "GaAs": 5.65,
        "ZnS": 5.41,
        "SiC": 4.36,
        "InP": 5.87,
        "AlP": 5.46,
        "BN": 3.62,
        "CuCl": 5.42,
        "CdTe": 6.48,
    },
    "cesiumchloride": {"CsCl": 4.12, "NiAl": 2.88, "TlBr": 3.98},
    "fluorite": {"CaF2": 5.46, "CeO2": 5.41},
}
_PEROVSKITE = {"SrTiO3": 3.905, "BaTiO3": 4.00, "KMgF3": 3.99}
_PEROVSKITE_SITES = [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]
_SMALL = ("Cu", "Al", "Na", "Fe", "Si", "Ti", "NaCl", "SiC")
_NOBLE_GASES = ("Ne", "Ar", "Kr", "Xe")
_MOLECULES = ("H2O", "CH4", "NH3", "C2H6", "CO2", "C6H6", "CH3OH", "HCN", "C2H4", "SiH4", "CH3Cl", "PH3", "H2CO", "N2")


def crystals(size: Size, elements: Collection[str] | None = None) -> dict[str, Atoms]:
    """Return primitive cells of crystals by formula, near their experimental lattice constants.

    The small set has eight crystals of all kinds of bonds; the medium set the elements up to bismuth whose crystals are
    face- or body-centred cubic, hexagonal close-packed or of diamond's kind, and compounds of two kinds of atoms; the
    full set all such elements, and perovskites and fluorites besides.

    Parameters
    ----------
    size
        Size of the set.
    elements
        Symbols of elements: only crystals of these, from the full set. None: all of the set.
    """
    everything = _all_crystals()
    if elements is not None:
        return of_elements(everything, elements)
    if size == "small":
        return {name: everything[name] for name in _SMALL}
    if size == "medium":
        binary = {name for kind in ("rocksalt", "zincblende", "cesiumchloride") for name in _BINARY[kind]}
        return {name: atoms for name, atoms in everything.items() if name in binary or _up_to_bismuth(atoms, name)}
    return dict(everything)


def supercells(size: Size, elements: Collection[str] | None = None) -> dict[str, Atoms]:
    """Return the crystals of a set with two cells along each vector, for dynamics.

    Parameters
    ----------
    size, elements
        Same as in `crystals`.
    """
    return {name: atoms * (2, 2, 2) for name, atoms in crystals(size, elements).items()}


def metals(size: Size, elements: Collection[str] | None = None) -> dict[str, Atoms]:
    """Return primitive cells of face-centred cubic elements: copper and aluminium, or all.

    Parameters
    ----------
    size, elements
        Same as in `crystals`.
    """
    found = {
        name: atoms
        for name, atoms in _all_crystals().items()
        if (state := reference_states[atomic_numbers[name]] if name in atomic_numbers else None)
        and state["symmetry"] == "fcc"
        and name not in _NOBLE_GASES
        and (elements is not None or size == "full" or _up_to_bismuth(atoms, name))
    }
    if elements is not None:
        return of_elements(found, elements)
    return {name: found[name] for name in ("Cu", "Al")} if size == "small" else found


def molecules(size: Size, elements: Collection[str] | None = None) -> dict[str, Atoms]:
    """Return molecules by formula, with the geometry that ASE has of the G2 set: 4, 8 or 14.

    Parameters
    ----------
    size, elements
        Same as in `crystals`.
    """
    if elements is not None:
        return of_elements({name: molecule(name) for name in _MOLECULES}, elements)
    return {name: molecule(name) for name in _MOLECULES[: {"small": 4, "medium": 8, "full": 14}[size]]}


def of_elements(systems: Mapping[str, Atoms], elements: Collection[str]) -> dict[str, Atoms]:
    """Return the structures that have no other elements.

    Parameters
    ----------
    systems
        Structures by name.
    elements
        Symbols of elements.
    """
    return {name: atoms for name, atoms in systems.items() if set(atoms.symbols) <= set(elements)}


def rattled(systems: Mapping[str, Atoms], stdev: float = 0.08, repeat: int = 2) -> dict[str, Atoms]:
    """Return structures without symmetry: supercells of crystals, and molecules, with their atoms displaced.

    Parameters
    ----------
    systems
        Structures by name.
    stdev
        Standard deviation of the displacements in Å.
    repeat
        Number of cells along each vector of a crystal.
    """
    found: dict[str, Atoms] = {}
    for name, atoms in systems.items():
        whole = atoms * (repeat, repeat, repeat) if atoms.pbc.all() else atoms.copy()
        rng = np.random.default_rng(len(found))
        if atoms.pbc.all():
            found[name] = rattle(whole, stdev, rng)
        else:
            whole.positions += rng.normal(scale=stdev, size=whole.positions.shape)
            found[name] = whole
    return found


@cache
def _all_crystals() -> dict[str, Atoms]:
    found: dict[str, Atoms] = {}
    for symbol in chemical_symbols[1:]:
        number = atomic_numbers[symbol]
        state = reference_states[number] if number < len(reference_states) else None
        if state and state["symmetry"] in _SIMPLE:
            with suppress(ValueError):  # of those of which ASE has no basis
                found[symbol] = bulk(symbol)
    for structure, constants in _BINARY.items():
        for name, a in constants.items():
            found[name] = bulk(name, structure, a=a)
    found["Li2O"] = bulk("OLi2", "fluorite", a=4.62)  # ASE puts the first element on the lattice
    for name, a in _PEROVSKITE.items():
        found[name] = Atoms(name, scaled_positions=_PEROVSKITE_SITES, cell=[a] * 3, pbc=True)
    return found


def _up_to_bismuth(atoms: Atoms, name: str) -> bool:
    return name in atomic_numbers and int(atoms.numbers.max()) <= atomic_numbers["Bi"]
