"""Input sets of pymatgen for VASP, as arguments of ASE's calculator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ase import Atoms

from adatom.errors import InputError, MissingExtraError, UnknownNameError

__all__ = ["SETS", "arguments_of"]

_TO_START = {"METAGGA": None, "GGA": "PS", "EDIFFG": -0.05}  # PBEsol, which is cheaper, and looser forces
# Names of presets and the classes of pymatgen.io.vasp.sets, with their options; those of OMat24 are in a package of
# theirs. The relaxations with PBEsol before r2SCAN are of Kingsbury et al., Phys. Rev. Mater. 6, 013801 (2022).
SETS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "mp_gga_relax": ("MPRelaxSet", {}),
    "mp_gga_static": ("MPStaticSet", {}),
    "mp_metal_relax": ("MPMetalRelaxSet", {}),
    "mp_pbesol_relax": ("MPScanRelaxSet", {"user_incar_settings": _TO_START}),
    "mp_r2scan_relax": ("MPScanRelaxSet", {}),
    "mp_r2scan_static": ("MPScanStaticSet", {}),
    "mp24_pbesol_relax": ("MP24RelaxSet", {"xc_functional": "PBEsol", "user_incar_settings": {"EDIFFG": -0.05}}),
    "mp24_relax": ("MP24RelaxSet", {}),
    "mp24_static": ("MP24StaticSet", {}),
    "matpes_pbe_static": ("MatPESStaticSet", {}),
    "matpes_pbe_u_static": ("MatPESStaticSet", {"xc_functional": "PBE+U"}),
    "matpes_r2scan_static": ("MatPESStaticSet", {"xc_functional": "R2SCAN"}),
    "omat24_static": ("OMat24StaticSet", {}),
    "omat24_relax": ("OMat24RelaxSet", {}),
}
_OF_A_LIST = ("MAGMOM", "LDAUU", "LDAUJ", "LDAUL")


def arguments_of(name: str, atoms: Atoms, bandgap: float | None = None) -> dict[str, Any]:
    """Return the arguments of ASE's ``Vasp`` for a structure, and ``moments``, a list with one moment for each atom.

    Parameters
    ----------
    name
        Name in `SETS`.
    atoms
        Structure. Initial magnetic moments, if there are any, count instead of those of the set.
    bandgap
        Band gap in eV, by which some sets choose the smearing and the distance of k points. None: not known.

    Raises
    ------
    UnknownNameError
        There is no such set.
    InputError
        pymatgen refuses the structure.
    MissingExtraError
        The set is of a package that is not installed.
    """
    if name not in SETS:
        raise UnknownNameError("input set of VASP", name, SETS)
    from pymatgen.core import Lattice, Structure

    kind, options = SETS[name]
    make = _class_of(kind)
    moments = atoms.get_initial_magnetic_moments()
    structure = Structure(
        Lattice(atoms.cell.array),
        [str(symbol) for symbol in atoms.symbols],
        atoms.get_scaled_positions(wrap=False),
        site_properties={"magmom": moments.tolist()} if moments.any() else None,
    )
    try:
        made = make(structure, sort_structure=False, bandgap=bandgap, **options)
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
    version = str(made.potcar_functional).partition("_")[2].partition("_")[0]  # of PBE_54_W_HASH: 54
    return {**found, "setups": suffixes, "pp": "PBE", "pp_version": version or None}


def _class_of(kind: str) -> Any:
    """Return the class of a set."""
    from pymatgen.io.vasp import sets

    if not kind.startswith("OMat24"):
        return getattr(sets, kind)
    place = sets.MODULE_DIR
    try:
        from fairchem.data.omat.vasp import sets as omat24
    except ImportError as error:
        raise MissingExtraError("fairchem-data-omat", "omat24") from error
    finally:
        sets.MODULE_DIR = place  # which that module moves to its own files, for all of pymatgen
    return getattr(omat24, kind)
