"""File of the results of a run."""

from __future__ import annotations

import os
from pathlib import Path

from adatom.errors import InputError, StorageError
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name

__all__ = ["results_file"]


def results_file(name: str, out: Path | None) -> Path:
    """Return the path of the file that results will be saved to; it is checked before anything is computed.

    Parameters
    ----------
    name
        Name of the recipe, which a new file is named after.
    out
        Path that the user asked for; None: a file of a new name in ``results_dir``.

    Raises
    ------
    InputError
        The path does not end in ``.json`` or ``.json.gz``, or there is such a file.
    StorageError
        The file cannot be written.
    """
    path = out or get_settings().results_dir / f"{unique_name(name, stamp())}.json"
    if not path.name.endswith((".json", ".json.gz")):
        raise InputError(f"--out {path}: results are saved as JSON. Valid: FILE.json, FILE.json.gz.")
    there = path.absolute()
    while not there.exists():
        there = there.parent
    if path.is_dir() or (there != path.absolute() and not there.is_dir()) or not os.access(there, os.W_OK):
        change = "Give another --out" if out else "Set ADATOM_RESULTS_DIR"
        raise StorageError(f"Cannot write {path}: {there} does not allow it. {change}.")
    if path.exists():
        raise InputError(f"--out {path} is there already. Give another name, or remove it.")
    return path
