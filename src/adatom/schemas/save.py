"""Results in JSON files."""

from __future__ import annotations

import gzip
import os
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from ase.io.jsonio import encode, mydecode

from adatom.errors import InputError, StorageError
from adatom.utils.files import whole_file

__all__ = ["load_results", "save_results"]


def save_results(value: Any, path: str | os.PathLike[str]) -> Path:
    """Write results to a JSON file, whole or not at all.

    Parameters
    ----------
    value
        A result, or lists and dictionaries of results, nested to any depth.
    path
        The file; compressed if it ends in ``.gz``. Its directory is made.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        Something in `value` cannot be written as JSON.
    StorageError
        The file cannot be written.
    """
    path = Path(path)
    try:
        data = encode(value).encode()
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
    """Read what `save_results` wrote: lists stay lists, arrays arrays, structures are `ase.Atoms`.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    InputError
        There is no such file, or it is not one of results.
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
