"""Trajectory files, written without asking the calculator for the same property twice."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from ase.calculators.calculator import all_properties
from ase.io.trajectory import TrajectoryWriter

from adatom.errors import InputError

__all__ = ["Trajectory"]

_PROPERTIES = frozenset(all_properties)


class Trajectory(TrajectoryWriter):
    """ASE's trajectory file, which stays open for the whole run.

    For each property ASE's own writer compares the structure with that of the calculator, and an optimizer that gets a
    path opens the file for each structure. Together these cost as much as the forces of a few atoms.

    Parameters
    ----------
    path
        Path of the trajectory file.
    append
        Whether to add to the structures in the file; otherwise an old file is replaced.
    """

    def __init__(self, path: Path, append: bool = False) -> None:
        super().__init__(path, "a" if append else "w")  # type: ignore[no-untyped-call]

    def write(self, atoms: Any = None, **kwargs: Any) -> None:
        """Write a structure, or the structures of a filter or a band, with their known properties.

        Parameters
        ----------
        atoms
            Structure, filter, or other object that an optimizer moves; None: ``atoms`` of the writer.
        **kwargs
            Further properties, by ASE's names.
        """
        for image in (self.atoms if atoms is None else atoms).iterimages():
            known = _known(image.calc, image)
            super().write(image, **{**known, **kwargs})  # type: ignore[no-untyped-call]

    def length(self) -> dict[str, int]:
        """Return the current length of the file, for `cut`.

        Returns
        -------
        dict
            ``bytes``; ``frames``, the number of structures; and ``table``, the place of their table in bytes.
        """
        backend = self.backend
        return {"bytes": backend.fd.tell(), "frames": int(backend.nitems), "table": int(backend.pos0)}


def cut(source: Path, target: Path, length: dict[str, int]) -> None:
    """Copy the first frames of a trajectory.

    Parameters
    ----------
    source
        Path of the trajectory, whose later frames may be broken.
    target
        Path of the copy.
    length
        Length of the trajectory after the last frame to copy, as `Trajectory.length` returned it.

    Raises
    ------
    InputError
        The trajectory is shorter than `length`.
    """
    copy_start(source, target, length["bytes"])
    with target.open("r+b") as file:
        # The header of the format ulm has 24 bytes of names and the version, followed by the two 64-bit integers that
        # each frame changes: the number of frames and the place of their table.
        file.seek(32)
        file.write(struct.pack("<qq", length["frames"], length["table"]))


def copy_start(source: Path, target: Path, size: int) -> None:
    """Copy the first bytes of a file.

    Parameters
    ----------
    source, target
        Paths of the file and of its copy.
    size
        Number of bytes to copy.

    Raises
    ------
    InputError
        The file is shorter than `size`.
    """
    with source.open("rb") as old, target.open("wb") as new:
        left = size
        while left and (block := old.read(min(left, 1 << 20))):
            new.write(block)
            left -= len(block)
    if left:
        raise InputError(f"{source} has {size - left} bytes and should have {size}.")


def _known(calculator: Any, atoms: Any) -> dict[str, Any]:
    """Return the calculator's properties, None for those without a value; nothing if ASE must ask it itself."""
    if calculator is None or not hasattr(calculator, "check_state") or calculator.check_state(atoms):
        return {}
    results = calculator.results
    return {name: results.get(name) for name in calculator.implemented_properties if name in _PROPERTIES}
