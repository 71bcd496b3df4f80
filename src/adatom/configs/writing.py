"""Writing of files of structures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from adatom.configs.store import SUFFIX, StoreWriter
from adatom.errors import InputError, MissingExtraError, StorageError
from adatom.utils.files import PARTIAL, whole_file

if TYPE_CHECKING:
    from ase import Atoms
    from ase.io.formats import IOFormat

__all__ = ["check_holds", "check_single", "format_to_write", "lost_keys", "output_format", "write_structures"]


def write_structures(structures: Iterable[Atoms], path: Path) -> int:
    """Write a file of structures, which appears when it is complete and replaces a file of its name.

    Parameters
    ----------
    structures
        Structures to write. For extended XYZ and stores they are not all kept in memory.
    path
        Path of the file; its ending selects the format, ``.lmdb`` a store.

    Returns
    -------
    int
        Number of structures that were written.

    Raises
    ------
    InputError
        ASE does not write such a file, or cannot write these structures to it.
    StorageError
        The file cannot be written.
    """
    counted = _Counted(structures)
    try:
        if path.suffix == SUFFIX:
            _write_store(counted, path)
        elif path.suffix in (".xyz", ".extxyz"):
            _write_extxyz(counted, path)
        else:
            _write_with_ase(counted, path)
    except OSError as error:
        if isinstance(error, StorageError):
            raise
        raise StorageError(f"{path} cannot be written: {error}.") from error
    return counted.count


class _Counted:
    def __init__(self, structures: Iterable[Atoms]) -> None:
        self._structures, self.count = structures, 0

    def __iter__(self) -> Iterator[Atoms]:
        for atoms in self._structures:
            self.count += 1
            yield atoms


def _write_store(structures: Iterable[Atoms], path: Path) -> None:
    partial = path.with_name(f"{path.stem}.{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}{SUFFIX}")
    try:
        with StoreWriter(partial) as store:
            store.append(structures)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _write_extxyz(structures: Iterable[Atoms], path: Path) -> None:
    from ase.io.extxyz import write_extxyz

    with whole_file(path) as file, TextIOWrapper(file, encoding="utf-8", newline="\n") as text:
        for number, atoms in enumerate(structures):
            try:
                write_extxyz(text, [atoms])
            except (KeyError, ValueError, TypeError) as error:
                raise InputError(f"Structure {number} does not fit into {path}: {error}.") from error


def format_to_write(path: Path, name: str | None = None) -> IOFormat:
    """Return the format of a file that ASE is to write.

    Parameters
    ----------
    path
        Path of the file to write.
    name
        Name of the format; None: it follows from the name of the file.

    Raises
    ------
    InputError
        ASE does not write files of this format.
    """
    from ase.io.formats import UnknownFileTypeError, filetype, ioformats

    try:
        kind = ioformats[name or filetype(str(path), read=False)]
    except (UnknownFileTypeError, KeyError) as error:
        what = f"format {name!r}" if name else f"files such as {path}"
        raise InputError(f"ASE writes no {what}. `ase info --formats` lists what it does.") from error
    if not kind.can_write:
        raise InputError(f"ASE reads {kind.name}, and does not write it. `ase info --formats` lists what it does.")
    return kind


def output_format(path: Path, write_kwargs: Mapping[str, Any]) -> IOFormat | None:
    """Return the format of an output file, as ASE knows it; None: the file is a store.

    Parameters
    ----------
    path
        Path of the file to write.
    write_kwargs
        Arguments of `ase.io.write`, among them ``format``; a store has none.

    Raises
    ------
    InputError
        ASE does not write files of this format, or there are arguments for a store.
    MissingExtraError
        The file is a store, and the package lmdb is not installed.
    """
    if path.suffix != SUFFIX:
        return format_to_write(path, write_kwargs.get("format"))
    if write_kwargs:
        raise InputError(f"write_kwargs={dict(write_kwargs)!r}: {path} is not written by ASE. Leave them out.")
    if find_spec("lmdb") is None:
        raise MissingExtraError("lmdb", "configs")
    return None


def lost_keys(given: Atoms, found: Atoms) -> list[str]:
    """Return the keys of `info` and arrays of a structure that a file did not hold.

    Parameters
    ----------
    given, found
        Structure before it was written, and as it was read again.
    """
    return [key for part in ("info", "arrays") for key in getattr(given, part) if key not in getattr(found, part)]


def check_single(path: Path, kind: IOFormat, count: int) -> None:
    """Refuse any number of structures but one for a file whose format holds one.

    Parameters
    ----------
    path
        Path of the file, for the message.
    kind
        Format of the file, as ASE knows it.
    count
        Number of structures to write.

    Raises
    ------
    InputError
        The format holds one structure only, and `count` is not 1.
    """
    if kind.single and count != 1:
        raise InputError(f"{path}: a file of {kind.name} holds one structure, and here are {count}.")


def check_holds(path: Path, kind: IOFormat, write_kwargs: Mapping[str, Any], sample: Atoms) -> None:
    """Refuse a format that does not hold everything that is attached to a structure.

    Parameters
    ----------
    path
        Path of the file that is to be written; it is not touched.
    kind
        Format of the file, as ASE knows it.
    write_kwargs
        Arguments of `ase.io.write` other than the format.
    sample
        Structure with `info` and arrays like those of the outputs, which is written and read again.

    Raises
    ------
    InputError
        A key of `info` or an array is missing in the structure that is read again.
    """
    from ase.io import read, write

    with TemporaryDirectory() as directory:
        trial = Path(directory, path.name)
        try:
            write(trial, sample, format=kind.name, **write_kwargs)
            found: Any = read(trial, format=kind.name)
        except Exception:  # some of ASE's many writers and readers refuse this structure
            return
    if lost := lost_keys(sample, found):
        raise InputError(
            f"{str(path)!r}: files of ASE's format {kind.name} do not hold {', '.join(lost)}. Give one "
            f"that does, such as {path.stem}.xyz or {path.stem}{SUFFIX}."
        )


def _write_with_ase(structures: Iterable[Atoms], path: Path) -> None:
    from ase.io import write

    kind = format_to_write(path)
    every = list(structures)
    check_single(path, kind, len(every))
    partial = path.with_name(f".{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}.{path.name}")
    try:
        write(partial, every, format=kind.name)
        os.replace(partial, path)
    except OSError:
        raise
    except Exception as error:  # each of ASE's many writers has its own exceptions
        raise InputError(f"ASE cannot write {path}: {type(error).__name__}: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
