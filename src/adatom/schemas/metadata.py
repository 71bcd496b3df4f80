"""The metadata of materials databases: emmet-core's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ase import Atoms

__all__ = ["document", "metadata"]


def metadata(atoms: Atoms) -> dict[str, Any]:
    """emmet-core's fields for a structure, as plain data.

    Parameters
    ----------
    atoms
        The structure.

    Returns
    -------
    dict
        The fields of ``StructureMetadata`` where any direction is periodic, else those of ``MoleculeMetadata``.
    """
    # emmet-core and pymatgen take a second or more to import: here, where a document is made, and not in the hot path
    from pymatgen.io.ase import AseAtomsAdaptor

    if atoms.pbc.any():
        from emmet.core.structure import StructureMetadata

        # Only what the fields are made of: site properties and the like can be of types that pymatgen refuses.
        crystal = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell.complete(), pbc=True)
        fields = StructureMetadata.from_structure(AseAtomsAdaptor.get_structure(crystal))
    else:
        from emmet.core.structure import MoleculeMetadata

        molecule = Atoms(atoms.numbers, positions=atoms.positions)
        fields = MoleculeMetadata.from_molecule(AseAtomsAdaptor.get_molecule(molecule))
    return cast(dict[str, Any], fields.model_dump(mode="json", exclude_none=True))


def document(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the metadata of its final structure, ready to be saved.

    Parameters
    ----------
    result
        A result document; it stays as it is.

    Returns
    -------
    dict
        A copy with ``structure_metadata`` or ``molecule_metadata``.
    """
    atoms = result["atoms"]
    kind = "structure_metadata" if atoms.pbc.any() else "molecule_metadata"
    return {**result, kind: metadata(atoms)}
