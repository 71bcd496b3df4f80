"""Files of an earlier run for a run that starts from them.

The files to copy are described by plain data, which can be hashed, saved and sent:

============================  ===============================================|||
a path                        the file, or all files of the directory
a result                      all files of its directory
``{path: names}``             the files so named; ``*``, ``?``, ``[...]`` match
``(source, names)``           the same, where the source may be a result
a list of any of these        all of them; of equal names the last one wins
============================  ===============================================|||

A name may be ``DIRECTORY/FILE``, and the copy keeps that path. The name of a directory stands for all files below it.
"""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from adatom.errors import InputError, StorageError

__all__ = ["CopyFiles", "copy_files", "find_files"]

Source = str | os.PathLike[str] | Mapping[str, Any]
CopyFiles = Source | tuple[Source, str | Sequence[str]] | Sequence[Source | tuple[Source, str | Sequence[str]]] | None

# These files describe the run that wrote them, and would be wrong in the directory of another run.
_OF_ITS_RUN = {"UNCONVERGED", "error.txt", "job.log"}


def find_files(sources: CopyFiles) -> dict[str, Path]:
    """Find the files to copy, before anything is computed.

    Parameters
    ----------
    sources
        Description of the files, in one of the forms that this module lists; None: no files.

    Returns
    -------
    dict
        Paths of the files by the names of their copies, with ``/`` for a copy in a subdirectory. ``NAME.gz`` becomes
        ``NAME``, unless it was asked for as ``NAME.gz``.

    Raises
    ------
    InputError
        The description has another form, or a directory or a file does not exist. The message names the files that
        exist.
    """
    found: dict[str, Path] = {}
    for source, names in _pairs(sources):
        found |= _all_of(source) if names is None else _named(source, names)
    return found


def copy_files(found: Mapping[str, Path], directory: Path, linked: Sequence[str] = ()) -> None:
    """Copy files into a directory, and decompress those whose new name lacks the suffix ``.gz``.

    Parameters
    ----------
    found
        Paths by new name, as `find_files` returns them.
    directory
        Directory that receives the copies.
    linked
        Patterns of new names of files that nothing writes to: hard links replace copies where possible.

    Raises
    ------
    StorageError
        A file cannot be read or written.
    """
    for name, source in found.items():
        target = directory / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.suffix == ".gz" and target.name != source.name:
                with gzip.open(source) as packed, target.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
            elif not (any(fnmatchcase(name, pattern) for pattern in linked) and _linked(source, target)):
                shutil.copy2(source, target)
        except (OSError, EOFError) as error:
            raise StorageError(f"Cannot copy {source} to {directory}: {error}.") from error


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, one without links, or another user's file
        return False
    return True


def _pairs(sources: CopyFiles) -> Iterator[tuple[Path, list[str] | None]]:
    match sources:
        case None:
            return
        case str() | os.PathLike():
            yield _existing(sources), None
        case {"dir_name": directory}:
            yield _existing(directory), None
        case {"source": source, **others} if not Path("source").exists():
            names = next(iter(others.values()), ["WAVECAR"])
            raise InputError(f"copy_files is {sources!r}. Did you mean {{path: names}}, {{{source!r}: {names!r}}}?")
        case Mapping():
            for source, names in sources.items():
                yield _existing(source), _listed(names)
        case (source, names) if isinstance(sources, tuple):
            directory = source["dir_name"] if isinstance(source, Mapping) else source
            yield _existing(directory), _listed(names)
        case list():
            _refuse_pair(sources)
            for item in sources:
                yield from _pairs(item)
        case _:
            raise InputError(
                f"copy_files is {sources!r}. "
                "Give a path, a result, {path: names}, (source, names), or a list of these."
            )


def _refuse_pair(sources: list[Any]) -> None:
    """Refuse a list of a source and names in it, which has to be a tuple."""
    match sources:
        case [str() | os.PathLike() | {"dir_name": _}, str() | list() as names]:
            listed = [names] if isinstance(names, str) else names
            if all(isinstance(name, str) and not Path(name).expanduser().exists() for name in listed) and listed:
                source = sources[0]["dir_name"] if isinstance(sources[0], Mapping) else sources[0]
                raise InputError(
                    f"copy_files is a list of {str(source)!r} and {names!r}. Did you mean a tuple (source, names), or "
                    f"{{path: names}}, {{{str(source)!r}: {names!r}}}?"
                )


def _listed(names: Any) -> list[str]:
    listed = [names] if isinstance(names, str | os.PathLike) else names
    if not isinstance(listed, Sequence) or not all(isinstance(name, str | os.PathLike) for name in listed):
        raise InputError(f"copy_files names the files {names!r}. Give a file name or a list of them.")
    for name in listed:
        if not os.fspath(name) or Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"copy_files names the file {name!r}. Give its name alone, as it is in the source.")
    return [os.fspath(name) for name in listed]


def _existing(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise InputError(f"copy_files names the source {path!r}. Give a path or a result.")
    path = Path(path).expanduser()
    if not path.exists():
        near = next(parent for parent in path.absolute().parents if parent.is_dir())
        raise InputError(f"copy_files: there is no {path}. In {near} there is: {_content(near)}.")
    return path


def _all_of(source: Path) -> dict[str, Path]:
    home, names = (source, _files(source)) if source.is_dir() else (source.parent, [source.name])
    return {new: home / name for name in names if (new := name.removesuffix(".gz")) not in _OF_ITS_RUN}


def _named(source: Path, names: list[str]) -> dict[str, Path]:
    if not source.is_dir():
        raise InputError(f"copy_files: {source} is a file. Give its directory and the names {names}.")
    found: dict[str, Path] = {}
    for name in names:
        pattern = f"{name}/**/*" if (source / name).is_dir() else name
        packed = {file.removesuffix(".gz"): source / file for file in _files(source, f"{pattern}.gz")}
        exact = {file: source / file for file in _files(source, pattern)}
        if not packed and not exact:
            raise InputError(f"copy_files: no file {name!r} in {source}. There is: {_content(source)}.")
        found |= packed | exact
    return found


def _files(directory: Path, pattern: str = "*") -> list[str]:
    return sorted(file.relative_to(directory).as_posix() for file in directory.glob(pattern) if file.is_file())


def _content(directory: Path, most: int = 20) -> str:
    names = sorted(file.name for file in directory.iterdir())
    return ", ".join(names[:most] + ["..."] * (len(names) > most)) or "nothing"
