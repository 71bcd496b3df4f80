"""Where a run was when it was cut, in a file that the next run goes on from."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import ase
import numpy as np
from ase import Atoms

from adatom.errors import InputError
from adatom.utils.files import whole_file

__all__ = ["Checkpoint"]

_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """Where a run was.

    The file is numpy's ``.npz``: plain arrays, and one of them the rest as JSON.

    Attributes
    ----------
    inputs
        What was run, as `adatom.calculations.inputs.fingerprint` has it.
    steps
        How many were done.
    files
        How long the trajectory and the log were: what came later belongs to steps that are made again.
    state
        Of the objects that make the steps, as `adatom.calculations.state.snapshot` has it.
    missing
        What of that state could not be written; if anything, another run cannot go on exactly.
    arrays
        Of the state; not part of the JSON.
    positions, cell
        In Å.
    momenta
        In ASE's units; None where the atoms have none.
    ase
        The version of ASE: the state means nothing to another one.
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
        """Write the file; until it is complete, the one before stays.

        Parameters
        ----------
        path
            The file.
        """
        large = {"positions": self.positions, "cell": self.cell}
        if self.momenta is not None:
            large["momenta"] = self.momenta
        large |= {f"array_{number}": array for number, array in enumerate(self.arrays)}
        rest = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _LARGE}
        text = json.dumps({"format": _FORMAT, **rest}).encode()
        with whole_file(path) as file:
            np.savez(file, about=np.frombuffer(text, np.uint8), **large)

    @classmethod
    def read(cls, path: Path) -> Checkpoint:
        """Read the file.

        Parameters
        ----------
        path
            The file.

        Raises
        ------
        InputError
            It cannot be read.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                if about.pop("format") != _FORMAT:
                    raise ValueError("it was written by another version of adatom")
                arrays = [file[f"array_{number}"] for number in range(sum(key.startswith("array_") for key in file))]
                momenta = file.get("momenta")
                return cls(**about, arrays=arrays, positions=file["positions"], cell=file["cell"], momenta=momenta)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise InputError(f"The checkpoint {path} cannot be read: {error}.") from error

    def place(self, atoms: Atoms) -> None:
        """Put atoms where they were.

        Parameters
        ----------
        atoms
            The structure that the run began with.
        """
        atoms.set_cell(self.cell, apply_constraint=False)
        atoms.set_positions(self.positions, apply_constraint=False)
        if self.momenta is not None:
            atoms.set_momenta(self.momenta, apply_constraint=False)


_LARGE = {"positions", "cell", "momenta", "arrays"}
