"""Checkpoints: the state of an interrupted run, in a file from which the next run continues."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import crc32

import ase
import numpy as np
from ase import Atoms

from adatom.errors import InputError
from adatom.utils.files import whole_file

__all__ = ["Checkpoint"]

_FORMAT = 1
_CHECKSUM = 4  # bytes


@dataclass(frozen=True)
class Checkpoint:
    """State of a run after a number of steps.

    The file has numpy's format ``.npz``: plain arrays, one of which holds everything else as JSON. A checksum follows.

    Attributes
    ----------
    inputs
        Inputs of the run, as `adatom.calculations.inputs.fingerprint` returns them.
    steps
        Number of steps that had been made.
    files
        Lengths of the trajectory, as `Trajectory.length` returns them, and of the log (``log``, in bytes). Later
        content of these files belongs to steps that are made again.
    state
        State of the objects that make the steps, as `adatom.calculations.state.snapshot` returns it.
    missing
        Parts of the state that could not be written. Unless it is empty, another run cannot continue exactly.
    arrays
        Arrays of the state, which are stored beside the JSON.
    positions, cell
        Positions, shape (N, 3), and cell vectors, shape (3, 3), in Å. The positions of a band are those of all images
        between its ends.
    momenta
        Momenta in ASE's units, shape (N, 3); None if the structure has none.
    ase
        Version of ASE that wrote the state. Another version cannot use the state.
    """

    inputs: dict[str, str]
    steps: int
    files: dict[str, int]
    state: dict[str, Any]
    missing: list[str]
    arrays: list[Any]
    positions: Any
    cell: Any
    momenta: Any
    ase: str = ase.__version__

    def write(self, path: Path) -> None:
        """Write the file. The previous file stays until the new one is complete.

        Parameters
        ----------
        path
            Path of the checkpoint file.
        """
        large = {"positions": self.positions, "cell": self.cell}
        if self.momenta is not None:
            large["momenta"] = self.momenta
        large |= {f"array_{number}": array for number, array in enumerate(self.arrays)}
        rest = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _LARGE}
        text = json.dumps({"format": _FORMAT, **rest}).encode()
        whole = BytesIO()
        np.savez(whole, about=np.frombuffer(text, np.uint8), **large)
        with whole_file(path) as file:
            file.write(whole.getvalue() + crc32(whole.getvalue()).to_bytes(_CHECKSUM, "big"))

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read a checkpoint from its file.

        Parameters
        ----------
        path
            Path of the checkpoint file.

        Raises
        ------
        InputError
            The file is missing or broken, or another version of adatom wrote it.
        """
        try:
            data = path.read_bytes()
            if crc32(data[:-_CHECKSUM]) != int.from_bytes(data[-_CHECKSUM:], "big"):
                raise ValueError("its checksum is wrong")
            with np.load(BytesIO(data[:-_CHECKSUM]), allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                if about.pop("format") != _FORMAT:
                    raise ValueError("it was written by another version of adatom")
                arrays = [file[f"array_{number}"] for number in range(sum(key.startswith("array_") for key in file))]
                momenta = file.get("momenta")
                return cls(**about, arrays=arrays, positions=file["positions"], cell=file["cell"], momenta=momenta)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"The checkpoint {path} cannot be read: {error}.") from error

    def place(self, atoms: Atoms) -> None:
        """Give atoms the positions, the cell and the momenta of the checkpoint.

        Parameters
        ----------
        atoms
            Structure that the run began with; it is changed.
        """
        atoms.set_cell(self.cell, apply_constraint=False)
        atoms.set_positions(self.positions, apply_constraint=False)
        if self.momenta is not None:
            atoms.set_momenta(self.momenta, apply_constraint=False)


_LARGE = {"positions", "cell", "momenta", "arrays"}
