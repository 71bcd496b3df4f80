"""Results in JSON files."""

from __future__ import annotations

import gzip
import os
import warnings
from dataclasses import fields
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from ase.io.jsonio import encode, mydecode

from adatom.errors import InputError, StorageError
from adatom.execution.failure import Failure
from adatom.schemas.metadata import document
from adatom.schemas.search import change_results
from adatom.utils.files import whole_file
from adatom.utils.nested import substitute

__all__ = ["add_metadata", "load_results", "save_results"]

#: Attributes of a failure that JSON cannot hold; `kind`, `message` and `skipped_because` say the same as text.
_NOT_SAVED = ("cause", "origin")


def save_results(value: Any, path: str | os.PathLike[str], *, metadata: bool = False) -> Path:
    """Write results to a JSON file, which is complete or not written at all.

    Parameters
    ----------
    value
        A result, or lists and dictionaries of results, nested to any depth. A `Failure` in it, as a flow with
        ``on_failure="return"`` has it in the place of a result, becomes ``{"failure": {...}}`` with the attributes of
        the failure except `cause` and `origin`.
    path
        Path of the file, which is compressed if it ends in ``.gz``. Its directory is made if it does not exist.
    metadata
        True adds the fields that `add_metadata` makes to each result, and warns if a result has none.

    Returns
    -------
    Path
        Path of the file.

    Raises
    ------
    InputError
        Something in `value` cannot be written as JSON.
    StorageError
        The file cannot be written.
    """
    path = Path(path)
    if metadata:
        value, reasons = add_metadata(value)
        if reasons:
            without = f"{len(reasons)} of the results saved have no metadata of materials databases"
            warnings.warn(f"{without}; the last because of {reasons[-1]}", stacklevel=2)
    try:
        data = encode(substitute(value, Failure, _plain_failure)).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"Cannot save to {path}: {error}. Save results, or lists and dictionaries of them.") from error
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(gzip.compress(data) if path.suffix == ".gz" else data)
    except OSError as error:
        raise StorageError(f"Cannot write {path}: {error.strerror or error}.") from error
    return path


def load_results(path: str | os.PathLike[str]) -> Any:
    """Read a file that `save_results` wrote.

    Parameters
    ----------
    path
        Path of the file, which is decompressed if it ends in ``.gz``.

    Returns
    -------
    Any
        The saved value: lists stay lists, arrays stay arrays, and structures are `ase.Atoms`. Tuples have become lists,
        and failures dictionaries.

    Raises
    ------
    InputError
        The file does not exist, or does not hold results.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        # Not ase.io.jsonio.decode: that turns keys like "1" into integers and lists of numbers into arrays.
        return mydecode((gzip.decompress(data) if path.suffix == ".gz" else data).decode())
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (JSONDecodeError, UnicodeDecodeError, EOFError) as error:
        raise InputError(f"{path} is not a file of results: {error}.") from error


def add_metadata(value: Any) -> tuple[Any, list[str]]:
    """Return results with the metadata of materials databases, as `adatom.schemas.metadata.document` makes them.

    Parameters
    ----------
    value
        A result, or lists and dictionaries of results, nested to any depth. It stays as it is.

    Returns
    -------
    value, reasons : Any, list of str
        A copy in which each result has its metadata, and for each result without them the reason.
    """
    reasons: list[str] = []

    def changed(result: dict[str, Any]) -> dict[str, Any]:
        try:
            return document(result)
        except Exception as error:  # emmet and pymatgen refuse some structures, such as one with a ghost atom
            reasons.append(f"{type(error).__name__}: {error}")
            return result

    return change_results(value, changed), reasons


def _plain_failure(failure: Failure) -> dict[str, Any]:
    known = {field.name: getattr(failure, field.name) for field in fields(failure)}
    return {"failure": {name: item for name, item in known.items() if name not in _NOT_SAVED}}
