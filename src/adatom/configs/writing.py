"""Writing of files of structures."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from adatom.configs.blocks import check_storable
from adatom.configs.results import known_results
from adatom.configs.store import SUFFIX, StoreWriter
from adatom.errors import InputError, MissingExtraError, StorageError
from adatom.utils.files import PARTIAL, whole_file

if TYPE_CHECKING:
    from ase import Atoms
    from ase.io.formats import IOFormat

__all__ = ["check_holds", "check_single", "format_to_write", "lost_keys", "output_format", "write_structures"]


def write_structures(structures: Iterable[Atoms], path: Path, options: Mapping[str, Any] | None = None) -> int:
    """Write a file of structures, which appears when it is complete and replaces a file of its name.

    Parameters
    ----------
    structures
        Structures to write. For extended XYZ and stores they are not all kept in memory.
    path
        Path of the file; its ending selects the format, ``.lmdb`` a store.
    options
        Arguments of the writer of extended XYZ; None: structures are written as they are.

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
        kind = None if path.suffix == SUFFIX else format_to_write(path, "extxyz" if options else None)
        if kind is None:
            _write_store(counted, path)
        elif kind.name == "extxyz":
            _write_extxyz(counted, path, options)
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
            for number, atoms in enumerate(structures):
                try:
                    check_storable(atoms)
                except InputError as error:
                    raise _does_not_fit(number, path, error) from error
                store.append([atoms])
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _write_extxyz(structures: Iterable[Atoms], path: Path, options: Mapping[str, Any] | None) -> None:
    from adatom.configs.extxyz_writer import frame_text

    with whole_file(path) as file, _compressed(file, path) as data:
        for number, atoms in enumerate(structures):
            try:
                data.write(frame_text(atoms, options).encode())
            except InputError as error:
                raise _does_not_fit(number, path, error) from error


def _compressed(file: IO[bytes], path: Path) -> Any:
    """Return a file that compresses what is written to it, if the name of the path says so."""
    match path.suffix:
        case ".gz":
            return gzip.GzipFile(fileobj=file, mode="wb")
        case ".bz2":
            return bz2.BZ2File(file, "wb")
        case ".xz":
            return lzma.LZMAFile(file, "wb")
    return nullcontext(file)


def _does_not_fit(number: int, path: Path, error: InputError) -> InputError:
    return InputError(f"Structure {number} does not fit into {path}: {error}")


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
        if name is None and kind.name != "extxyz" and path.suffix in (".xyz", ".extxyz"):
            raise InputError(
                f"{path}: because of its name, ASE takes this file for one of {kind.name}. Give a name such as "
                f"structures{path.suffix}, or the format: write_kwargs={{'format': {kind.name!r}}}."
            )
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
    """Return the keys of `info`, arrays and results of a structure, and the constraints, that a file did not hold.

    Parameters
    ----------
    given, found
        Structure before it was written, and as it was read again.
    """
    lost = [key for part in ("info", "arrays") for key in getattr(given, part) if key not in getattr(found, part)]
    results = [known_results(atoms) if atoms.calc is not None else {} for atoms in (given, found)]
    lost += [key for key in results[0] if key not in results[1]]
    kinds = [sorted(type(each).__name__ for each in atoms.constraints) for atoms in (given, found)]
    return lost + ([f"constraints ({', '.join(dict.fromkeys(kinds[0]))})"] if kinds[0] and not kinds[1] else [])


def holds_all(path: Path) -> bool:
    """Return True for a file that holds all that is attached to a structure, or is refused: extended XYZ and stores.

    Parameters
    ----------
    path
        Path of the file; its ending selects the format.
    """
    return path.suffix == SUFFIX or format_to_write(path).name == "extxyz"


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


def check_holds(path: Path, kind: IOFormat | None, write_kwargs: Mapping[str, Any], sample: Atoms) -> None:
    """Refuse a format that does not hold everything that is attached to a structure.

    Parameters
    ----------
    path
        Path of the file that is to be written; it is not touched.
    kind
        Format of the file, as ASE knows it; None: the file is a store.
    write_kwargs
        Arguments of `ase.io.write` other than the format.
    sample
        Structure with `info` and arrays like those of the outputs, which is written and read again.

    Raises
    ------
    InputError
        A key of `info` or an array is missing in the structure that is read again.
    """
    try:
        found = _written_and_read(path, kind, write_kwargs, sample)
    except InputError as error:
        raise InputError(f"{str(path)!r} would not hold the outputs: {error}") from error
    except Exception:  # some of ASE's many writers and readers refuse this structure
        return
    if kind is None:
        return
    if lost := lost_keys(sample, found):
        raise InputError(
            f"{str(path)!r}: files of ASE's format {kind.name} do not hold {', '.join(lost)}. Give one "
            f"that does, such as {path.stem}.xyz or {path.stem}{SUFFIX}."
        )


def _written_and_read(path: Path, kind: IOFormat | None, write_kwargs: Mapping[str, Any], sample: Atoms) -> Any:
    from ase.io import read, write

    if kind is None:
        return check_storable(sample)
    if kind.name == "extxyz":
        from adatom.configs.extxyz_writer import frame_text

        return read(StringIO(frame_text(sample, write_kwargs)), format=kind.name)
    with TemporaryDirectory() as directory:
        trial = Path(directory, path.name)
        write(trial, sample, format=kind.name, **write_kwargs)
        return read(trial, format=kind.name)


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
