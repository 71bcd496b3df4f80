"""Input sets of pymatgen for VASP, as arguments of ASE's calculator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.errors import InputError, UnknownNameError

__all__ = ["SETS", "arguments_of"]

# Names of presets and the classes of pymatgen.io.vasp.sets, with their options.
SETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "mp_gga_relax": ("MPRelaxSet", {}),
    "mp_gga_static": ("MPStaticSet", {}),
    "mp_metal_relax": ("MPMetalRelaxSet", {}),
    "mp_r2scan_relax": ("MPScanRelaxSet", {}),
    "mp_r2scan_static": ("MPScanStaticSet", {}),
    "mp24_relax": ("MP24RelaxSet", {}),
    "mp24_static": ("MP24StaticSet", {}),
    "matpes_pbe_static": ("MatPESStaticSet", {}),
    "matpes_r2scan_static": ("MatPESStaticSet", {"xc_functional": "R2SCAN"}),
}
_OF_A_LIST = ("MAGMOM", "LDAUU", "LDAUJ", "LDAUL")


def arguments_of(name: str, atoms: Atoms) -> dict[str, Any]:
    """Return the arguments of ASE's ``Vasp`` for a structure, and ``moments``, a list with one moment for each atom.

    Parameters
    ----------
    name
        Name in `SETS`.
    atoms
        Structure. Initial magnetic moments, if there are any, count instead of those of the set.

    Raises
    ------
    UnknownNameError
        There is no such set.
    InputError
        pymatgen refuses the structure.
    """
    if name not in SETS:
        raise UnknownNameError("input set of VASP", name, SETS)
    from pymatgen.core import Lattice, Structure
    from pymatgen.io.vasp import sets

    kind, options = SETS[name]
    moments = atoms.get_initial_magnetic_moments()
    structure = Structure(
        Lattice(atoms.cell.array),
        [str(symbol) for symbol in atoms.symbols],
        atoms.get_scaled_positions(wrap=False),
        site_properties={"magmom": moments.tolist()} if moments.any() else None,
    )
    try:
        made = getattr(sets, kind)(structure, sort_structure=False, **options)
        tags, grid, potentials = dict(made.incar), made.kpoints, made.potcar_symbols
    except Exception as error:  # pymatgen raises any kind
        raise InputError(f"pymatgen's {kind} refuses {atoms.get_chemical_formula()}: {error}") from error
    elements = made.poscar.site_symbols
    found = {tag.lower(): value for tag, value in tags.items() if tag not in _OF_A_LIST}
    if "MAGMOM" in tags:
        found["moments"] = [float(moment) for moment in tags["MAGMOM"]]
    if "LDAUU" in tags:
        rows = zip(elements, tags["LDAUL"], tags["LDAUU"], tags["LDAUJ"], strict=True)
        found["ldau_luj"] = {element: {"L": ell, "U": u, "J": j} for element, ell, u, j in rows}
    if grid is not None:
        found |= {"kpts": [int(number) for number in grid.kpts[0]], "gamma": grid.style.name == "Gamma"}
    suffixes = {symbol.partition("_")[0]: symbol[len(symbol.partition("_")[0]) :] for symbol in potentials}
    _, _, version = str(made.potcar_functional).partition("_")
    return {**found, "setups": suffixes, "pp": "PBE", "pp_version": version or None}
