"""The file of a run's results."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any

from adatom.cli.summary import change_results
from adatom.errors import InputError, StorageError
from adatom.schemas.save import save_results
from adatom.settings import get_settings
from adatom.utils.names import stamp, unique_name
from adatom.utils.nested import substitute
from adatom.workflow import Failure

__all__ = ["results_file", "save_value"]


def results_file(name: str, out: Path | None) -> Path:
    """Where the results of a run will be saved, checked before anything is computed.

    Parameters
    ----------
    name
        The recipe.
    out
        What the user asked for; None: a file of a new name in ``results_dir``.

    Raises
    ------
    InputError
        It is no name of a JSON file.
    StorageError
        It cannot be written.
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
    return path


def save_value(value: Any, path: Path) -> str:
    """Save what a recipe returned, each result with its metadata and each failure as a dictionary ``failure``.

    Parameters
    ----------
    value
        What the recipe returned.
    path
        The file.

    Returns
    -------
    str
        Why some result has no metadata; empty if all have.

    Raises
    ------
    InputError
        It is nothing that JSON can hold.
    StorageError
        The file cannot be written.
    """
    from adatom.schemas.metadata import document

    trouble = ""

    def with_metadata(result: dict[str, Any]) -> dict[str, Any]:
        nonlocal trouble
        try:
            return document(result)
        except Exception as error:  # a ghost atom, say: its numbers are saved all the same
            trouble = f"{type(error).__name__}: {error}"
            return result

    save_results(change_results(substitute(value, Failure, _plain_failure), with_metadata), path)
    return trouble


def _plain_failure(failure: Failure) -> dict[str, Any]:
    known = {field.name: getattr(failure, field.name) for field in fields(failure)}
    del known["cause"], known["origin"]
    return {"failure": known}
