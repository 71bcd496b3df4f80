"""Metadata of materials databases: emmet-core's fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, cast

from ase import Atoms

from adatom.atoms.electrons import total_charge, unpaired_electrons
from adatom.atoms.point_groups import SYMMETRY_TOLERANCE, molecular_symmetry

__all__ = ["document", "metadata"]


def metadata(
    atoms: Atoms, properties: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return emmet-core's fields for a structure, as plain data.

    Parameters
    ----------
    atoms
        Structure that the fields describe.
    properties, settings
        Computed properties and the parameters of the calculator, which tell the charge and the spin multiplicity of a
        molecule. None: its initial charges and magnetic moments do.

    Returns
    -------
    dict
        The fields of ``StructureMetadata`` where any direction is periodic, else those of ``MoleculeMetadata``.
    """
    # emmet-core and pymatgen take a second or more to import, so only where metadata are made.
    from emmet.core.structure import MoleculeMetadata, StructureMetadata

    fields: Any
    if atoms.pbc.any():
        from pymatgen.io.ase import AseAtomsAdaptor

        # Only the parts that the fields need: pymatgen refuses some types of site properties.
        crystal = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell.complete(), pbc=True)
        fields = StructureMetadata.from_structure(AseAtomsAdaptor.get_structure(crystal))
    else:
        from pymatgen.core import Composition

        # pymatgen's point groups need moments of inertia that differ by 1 %, and know no isotopes.
        symmetry = molecular_symmetry(atoms)
        charge = round(total_charge(atoms, settings))
        fields = MoleculeMetadata.from_composition(
            Composition(Counter(atoms.get_chemical_symbols())),
            natoms=len(atoms),
            nelectrons=int(atoms.numbers.sum()) - charge,
            charge=charge,
            spin_multiplicity=unpaired_electrons(atoms, properties, settings)[0] + 1,
            symmetry={
                "point_group": symmetry.point_group,
                "rotation_number": symmetry.symmetry_number,
                "linear": symmetry.linear,
                "tolerance": SYMMETRY_TOLERANCE,
            },
        )
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
    return {**result, kind: metadata(atoms, result.get("results"), result.get("parameters", {}).get("calculator"))}
