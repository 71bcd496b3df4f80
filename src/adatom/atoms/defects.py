"""Point defects in a crystal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom.atoms.convert import to_pymatgen
from adatom.atoms.deformations import check_crystal
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
    """Make point defects in a supercell: one on each kind of site, as pymatgen-analysis-defects finds them.

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
        An interstitial is the last atom.

    Raises
    ------
    InputError
        `atoms` is not periodic in three directions, an element is not in the crystal, or nothing is asked for.
    MissingExtraError
        pymatgen-analysis-defects is not installed.
    """
    check_crystal(atoms, "Point defects are made in a crystal")
    own = sorted(set(atoms.symbols))
    wanted = own if vacancies is None else vacancies
    others = {key: [value] if isinstance(value, str) else list(value) for key, value in (substitutions or {}).items()}
    _check(own, wanted, others, interstitials)
    try:
        from pymatgen.analysis.defects import generators
    except ImportError as error:
        raise MissingExtraError("pymatgen-analysis-defects", "defects") from error

    inside = atoms.copy()
    inside.wrap()
    crystal = to_pymatgen(inside)

    def found() -> Iterator[Any]:
        # oxi_state=0: otherwise oxidation states would be guessed, which takes long and is of no use here.
        if wanted:
            yield from generators.VacancyGenerator().generate(crystal.copy(), rm_species=list(wanted), oxi_state=0)
        if others:
            yield from generators.SubstitutionGenerator().generate(crystal.copy(), others, oxi_state=0)
        if interstitials:
            # thickness=1.0 is the whole cell: the default leaves out atoms that rounding has put a little below it.
            voronoi = generators.VoronoiInterstitialGenerator(thickness=1.0)
            yield from voronoi.generate(crystal.copy(), insert_species=list(interstitials), oxi_state=0)

    counted: Counter[str] = Counter()
    made = []
    for defect in found():
        structure = _implanted(supercell, defect)
        structure.info |= {
            "defect": defect.name,
            "defect_index": counted[defect.name],
            "defect_position": defect.site.coords.tolist(),
        }
        counted[defect.name] += 1
        made.append(structure)
    return made


def _implanted(supercell: Atoms, defect: Any) -> Atoms:
    from ase.geometry import get_distances

    structure: Atoms = supercell.copy()
    position = defect.site.coords
    changes = {str(element): change for element, change in defect.element_changes.items()}
    new = next((symbol for symbol, change in changes.items() if change > 0), None)
    if min(changes.values()) > 0:
        structure.append(new)
        structure.positions[-1] = position
        return structure
    distances = get_distances([position], supercell.positions, cell=supercell.cell, pbc=True)[1][0]
    index = int(np.argmin(distances))
    if distances[index] > 0.1:
        raise InputError(f"The supercell has no atom at {position.tolist()} Å. Give one of this crystal, not turned.")
    if new is None:
        del structure[index]
    else:
        structure.symbols[index] = new
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
