"""Point defects in a crystal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_masses
from numpy.typing import NDArray

from adatom.atoms.constraints import without_atom, without_symmetry
from adatom.atoms.convert import to_pymatgen
from adatom.atoms.deformations import check_crystal
from adatom.atoms.symmetry import inequivalent_atoms
from adatom.errors import InputError, MissingExtraError, UnknownNameError

__all__ = ["make_defects"]


def make_defects(
    atoms: Atoms,
    supercell: Atoms,
    *,
    vacancies: Collection[str] | None = None,
    substitutions: Mapping[str, str | Collection[str]] | None = None,
    interstitials: Collection[str] = (),
) -> list[Atoms]:
    """Make point defects in a supercell: one on each kind of site.

    Sites are of one kind where a symmetry of the crystal takes one to the other, as spglib finds it: see
    `adatom.atoms.symmetry.inequivalent_atoms`. pymatgen-analysis-defects finds the holes for interstitials.

    Parameters
    ----------
    atoms
        Crystal that the defects are in; it is not changed.
    supercell
        Supercell of the crystal in the same orientation, such as `adatom.atoms.supercells.make_cubic_supercell` makes.
    vacancies
        Elements of which an atom is taken away; None: all elements of the crystal.
    substitutions
        For elements of the crystal, those that take their place: ``{"Ga": ["Al", "As"]}``.
    interstitials
        Elements of which an atom is added, at sites that a Voronoi analysis of the crystal finds.

    Returns
    -------
    list of Atoms
        Supercells with one defect each. Their ``info`` has ``defect``, a name such as ``"v_Cu"``, ``"Al_Cu"`` or
        ``"Cu_i"``; ``defect_index``, the number of the defect among those with the same name; ``defect_position`` in Å.
        An interstitial is the last atom. A new atom has the natural mass of its element, no initial magnetic moment
        and no velocity; other atoms keep what they have. Initial charges are dropped, as without an atom they add up to
        the charge of an ion, which some codes would compute. So is ``FixSymmetry``.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, an element is not in the crystal, nothing is asked for, or the
        supercell has a constraint from which no atom can be taken away.
    MissingExtraError
        Interstitials are asked for, and pymatgen-analysis-defects is not installed.
    """
    check_crystal(atoms, "Point defects are made in a crystal")
    own = sorted(set(atoms.symbols))
    wanted = own if vacancies is None else vacancies
    others = {key: [value] if isinstance(value, str) else list(value) for key, value in (substitutions or {}).items()}
    _check(own, wanted, others, interstitials)
    base = without_symmetry(supercell)
    base.set_initial_charges()
    counted: Counter[str] = Counter()
    made = []
    for name, position, new in _found(atoms, wanted, others, interstitials):
        structure = _implanted(base, position, new, on_a_site=not name.endswith("_i"))
        structure.info |= {"defect": name, "defect_index": counted[name], "defect_position": position.tolist()}
        counted[name] += 1
        made.append(structure)
    return made


Found = tuple[str, NDArray[np.float64], str | None]  # name, position in Å, and the element that is there afterwards


def _found(
    atoms: Atoms, vacancies: Collection[str], substitutions: Mapping[str, list[str]], interstitials: Collection[str]
) -> Iterator[Found]:
    sites = [(atoms.symbols[index], atoms.positions[index]) for index in inequivalent_atoms(atoms)]
    for symbol, position in sites:
        if symbol in vacancies:
            yield f"v_{symbol}", position, None
    for symbol, position in sites:
        for new in substitutions.get(symbol, ()):
            yield f"{new}_{symbol}", position, new
    if interstitials:
        for symbol, position in _holes(atoms, interstitials):
            yield f"{symbol}_i", position, symbol


def _holes(atoms: Atoms, symbols: Collection[str]) -> Iterator[tuple[str, NDArray[np.float64]]]:
    try:
        from pymatgen.analysis.defects.generators import VoronoiInterstitialGenerator
    except ImportError as error:
        raise MissingExtraError("pymatgen-analysis-defects", "defects") from error

    inside = atoms.copy()
    inside.wrap()
    # thickness=1.0 is the whole cell: the default leaves out atoms that rounding has put a little below it.
    voronoi = VoronoiInterstitialGenerator(thickness=1.0)
    # oxi_state=0: otherwise oxidation states would be guessed, which takes long and is of no use here.
    for defect in voronoi.generate(to_pymatgen(inside), insert_species=list(symbols), oxi_state=0):
        yield str(defect.site.specie.symbol), defect.site.coords


def _implanted(supercell: Atoms, position: NDArray[np.float64], new: str | None, on_a_site: bool) -> Atoms:
    from ase.geometry import get_distances

    structure: Atoms = supercell.copy()
    if not on_a_site:
        structure.append(new)
        structure.positions[-1] = position
        return structure
    distances = get_distances([position], supercell.positions, cell=supercell.cell, pbc=True)[1][0]
    index = int(np.argmin(distances))
    if distances[index] > 0.1:
        raise InputError(f"The supercell has no atom at {position.tolist()} Å. Give one of this crystal, not turned.")
    if new is None:
        return without_atom(structure, index)
    structure.symbols[index] = new
    defaults = {"masses": atomic_masses[structure.numbers[index]], "initial_magmoms": 0.0, "momenta": 0.0}
    for name, value in defaults.items():
        if name in structure.arrays:
            structure.arrays[name][index] = value
    return structure


def _check(
    own: list[str], vacancies: Collection[str], substitutions: Mapping[str, Any], interstitials: Collection[str]
) -> None:
    from ase.data import chemical_symbols

    for what, symbols, valid in (
        ("element of the crystal", vacancies, own),
        ("element of the crystal", substitutions, own),
        ("element", [symbol for new in substitutions.values() for symbol in new], chemical_symbols[1:]),
        ("element", interstitials, chemical_symbols[1:]),
    ):
        if isinstance(symbols, str):
            raise InputError(f"Elements are {symbols!r}. Give a list, such as [{symbols!r}].")
        for symbol in symbols:
            if symbol not in valid:
                raise UnknownNameError(what, symbol, valid)
    if not (vacancies or substitutions or interstitials):
        raise InputError("No defect is asked for. Give elements as vacancies, substitutions or interstitials.")
