"""Molecules from SMILES."""

from __future__ import annotations

import numpy as np
from ase import Atoms

from adatom.errors import InputError, MissingExtraError

__all__ = ["from_smiles"]


def from_smiles(smiles: str, rng: np.random.Generator | None = None) -> Atoms:
    """Make a molecule of its SMILES, with hydrogen and with a geometry by the distance geometry of RDKit [1]_.

    Bonds have ordinary lengths; nothing is relaxed. As an operation on many, each molecule has random numbers of its
    own: ``configs.map(from_smiles, ["CCO", "C1CC1"], seed=1)``.

    Parameters
    ----------
    smiles
        SMILES of the molecule.
    rng
        Generator of random numbers, by which the conformer is chosen. None: the same conformer each time.

    Returns
    -------
    Atoms
        Molecule without a cell, with the SMILES in ``info["smiles"]`` and ``"smiles"`` in ``info["config_type"]``.
        Formal charges are the initial charges (e), and unpaired electrons the initial magnetic moments (Bohr magneton).

    Raises
    ------
    InputError
        The text is no SMILES of a molecule, or no geometry of the molecule was found.
    MissingExtraError
        RDKit is not installed.

    References
    ----------
    .. [1] S. Wang, J. Witek, G. A. Landrum, S. Riniker, J. Chem. Inf. Model. 60, 2044 (2020),
       https://doi.org/10.1021/acs.jcim.0c00025
    """
    try:
        from rdkit import Chem, rdBase
        from rdkit.Chem import rdDistGeom
    except ImportError as error:
        raise MissingExtraError("rdkit", "smiles") from error
    with rdBase.BlockLogs():  # what it says is in the errors here
        molecule = Chem.MolFromSmiles(smiles) if isinstance(smiles, str) else None
    if molecule is None or not molecule.GetNumAtoms():
        raise InputError(f"{smiles!r} is no SMILES of a molecule. Give one such as 'CCO', for ethanol.")
    if unknown := [atom.GetIdx() for atom in molecule.GetAtoms() if not atom.GetAtomicNum()]:
        raise InputError(f"Atom {unknown[0]} of {smiles!r} stands for any element. Give each atom an element.")
    if (number := len(Chem.GetMolFrags(molecule))) > 1:
        raise InputError(f"{smiles!r} is {number} molecules, which RDKit puts in one place. Make each alone.")
    molecule = Chem.AddHs(molecule)
    method = rdDistGeom.ETKDGv3()
    method.randomSeed = 0 if rng is None else int(rng.integers(2**31))
    with rdBase.BlockLogs():
        if rdDistGeom.EmbedMolecule(molecule, method) != 0:
            raise InputError(f"RDKit found no geometry of {smiles!r}. Make the molecule by another program.")
    atoms = Atoms(
        [atom.GetAtomicNum() for atom in molecule.GetAtoms()],
        molecule.GetConformer().GetPositions(),
        info={"smiles": smiles, "config_type": "smiles"},
    )
    charges = [atom.GetFormalCharge() for atom in molecule.GetAtoms()]
    unpaired = [atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()]
    if any(charges):
        atoms.set_initial_charges(charges)
    if any(unpaired):
        atoms.set_initial_magnetic_moments(unpaired)
    return atoms
