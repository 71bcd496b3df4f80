"""Trajectories, written without asking the calculator the same thing again."""

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
    """ASE's trajectory file, open for the whole run.

    ASE's own writer compares the structure with the calculator's for each property, and an optimizer that is given a
    path opens the file for each structure: together that costs as much as the forces of a few atoms do.

    Parameters
    ----------
    path
        The file.
    append
        Whether to add to what it holds; else an old one is replaced.
    """

    def __init__(self, path: Path, append: bool = False) -> None:
        super().__init__(path, "a" if append else "w")  # type: ignore[no-untyped-call]

    def write(self, atoms: Any = None, **kwargs: Any) -> None:
        """Write a structure, or the structures of a filter, with what is known of them.

        Parameters
        ----------
        atoms
            The structure, a filter, or what an optimizer moves.
        **kwargs
            Further properties, by ASE's names.
        """
        for image in (self.atoms if atoms is None else atoms).iterimages():
            known = _known(image.calc, image)
            super().write(image, **{**known, **kwargs})  # type: ignore[no-untyped-call]

    def length(self) -> dict[str, int]:
        """How long it is now, for `cut`: in bytes and frames, and where its table of frames is."""
        backend = self.backend
        return {"bytes": backend.fd.tell(), "frames": int(backend.nitems), "table": int(backend.pos0)}


def cut(source: Path, target: Path, length: dict[str, int]) -> None:
    """Copy the first frames of a trajectory.

    Parameters
    ----------
    source
        The trajectory, of which the rest may be broken.
    target
        The copy.
    length
        What `Trajectory.length` was after the last of these frames.

    Raises
    ------
    InputError
        The trajectory is shorter.
    """
    copy_start(source, target, length["bytes"])
    with target.open("r+b") as file:
        # ulm's header: 24 bytes of names, the version, and then as 64-bit integers what later frames have changed
        file.seek(32)
        file.write(struct.pack("<qq", length["frames"], length["table"]))


def copy_start(source: Path, target: Path, size: int) -> None:
    """Copy the first bytes of a file.

    Parameters
    ----------
    source, target
        The file and its copy.
    size
        How many bytes.

    Raises
    ------
    InputError
        The file is shorter.
    """
    with source.open("rb") as old, target.open("wb") as new:
        left = size
        while left and (block := old.read(min(left, 1 << 20))):
            new.write(block)
            left -= len(block)
    if left:
        raise InputError(f"{source} has {size - left} bytes and should have {size}.")


def _known(calculator: Any, atoms: Any) -> dict[str, Any]:
    """The calculator's properties, None where it has no value; nothing where ASE must ask it itself."""
    if calculator is None or not hasattr(calculator, "check_state") or calculator.check_state(atoms):
        return {}
    results = calculator.results
    return {name: results.get(name) for name in calculator.implemented_properties if name in _PROPERTIES}
