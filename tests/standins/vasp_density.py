"""The densities of what stands in for VASP: a Gaussian at each atom, in the format of CHGCAR."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase import Atoms

SPACING = 0.25  # Å between the points of the grid, at most
WIDTH, CORE = 0.35, 0.2  # Å: widths
PULLS = {"O": 0.8, "Au": 0.4}  # electrons that such an atom takes from the others


def electrons_of(atoms: Atoms, valences: Sequence[float], charge: float) -> np.ndarray:
    """Electrons at each atom."""
    pulls = np.array([PULLS.get(symbol, 0.0) for symbol in atoms.symbols])
    gives = pulls == 0
    moved = np.where(gives, -pulls.sum() / gives.sum(), pulls) if gives.any() else 0 * pulls
    return np.array(valences) + moved - charge / len(atoms)


def density(atoms: Atoms, amounts: Sequence[float], width: float) -> np.ndarray:
    """The density times the volume on a grid, whose mean is the sum of the amounts."""
    shape = [2 * int(np.ceil(length / SPACING / 2)) for length in atoms.cell.lengths()]
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), -1)
    total = np.zeros(shape)
    for place, amount in zip(atoms.get_scaled_positions(), amounts, strict=True):
        apart = points - place
        near = np.zeros(shape)
        for shift in np.ndindex(3, 3, 3):
            vectors = (apart - np.round(apart) + np.array(shift) - 1) @ atoms.cell.array
            near += np.exp(-(vectors**2).sum(-1) / (2 * width**2))
        total += amount * near / near.mean()
    return total


def write(name: str, structure: str, blocks: Sequence[np.ndarray], augmented: bool) -> None:
    text = structure.rstrip() + "\n\n"
    for block in blocks:
        values = [f" {value:17.10E}" for value in block.ravel(order="F")]
        lines = ["".join(values[i : i + 5]) for i in range(0, len(values), 5)]
        text += "".join(f"{n:5d}" for n in block.shape) + "\n" + "\n".join(lines) + "\n"
        text += "augmentation occupancies   1   1\n  0.0000000E+00\n" if augmented else ""
    Path(name).write_text(text)
