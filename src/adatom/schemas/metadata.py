"""Metadata of materials databases: emmet-core's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ase import Atoms

__all__ = ["document", "metadata"]


def metadata(atoms: Atoms) -> dict[str, Any]:
    """Return emmet-core's fields for a structure, as plain data.

    Parameters
    ----------
    atoms
        Structure that the fields describe.

    Returns
    -------
    dict
        The fields of ``StructureMetadata`` where any direction is periodic, else those of ``MoleculeMetadata``.
    """
    # emmet-core and pymatgen take a second or more to import, so only where metadata are made.
    from pymatgen.io.ase import AseAtomsAdaptor

    if atoms.pbc.any():
        from emmet.core.structure import StructureMetadata

        # Only the parts that the fields need: pymatgen refuses some types of site properties.
        crystal = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell.complete(), pbc=True)
        fields = StructureMetadata.from_structure(AseAtomsAdaptor.get_structure(crystal))
    else:
        from emmet.core.structure import MoleculeMetadata

        molecule = Atoms(atoms.numbers, positions=atoms.positions)
        fields = MoleculeMetadata.from_molecule(AseAtomsAdaptor.get_molecule(molecule))
    return cast(dict[str, Any], fields.model_dump(mode="json", exclude_none=True))


def document(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result with the metadata of its final structure, ready to be saved.

    Parameters
    ----------
    result
        Result of a job; it is not changed.

    Returns
    -------
    dict
        Copy of the result with ``structure_metadata`` or ``molecule_metadata``.
    """
    atoms = result["atoms"]
    kind = "structure_metadata" if atoms.pbc.any() else "molecule_metadata"
    return {**result, kind: metadata(atoms)}
