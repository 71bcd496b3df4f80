"""Archives that carry the files of a directory to a host and back."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from adatom.errors import StorageError

__all__ = ["pack", "unpack"]


def pack(directory: Path, leave_out: Sequence[str], file: IO[bytes]) -> None:
    """Write the files of a directory into an archive. Links are followed.

    Parameters
    ----------
    directory
        Directory on this machine to read.
    leave_out
        Names in the directory that the archive does not get.
    file
        Binary file for the archive, such as a pipe.

    Raises
    ------
    StorageError
        A file cannot be read.
    """
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT, dereference=True) as archive:
        for path, name in _inside(directory, leave_out):
            try:
                archive.add(path, name, recursive=False)
            except FileNotFoundError:  # removed meanwhile
                pass
            except BrokenPipeError:
                raise
            except OSError as error:
                raise StorageError(f"Cannot read {path}: {error.strerror or error}.") from error


def unpack(file: IO[bytes], directory: Path) -> None:
    """Write the files of an archive into a directory.

    Parameters
    ----------
    file
        Binary file with the archive, such as a pipe.
    directory
        Directory on this machine that gets the files.

    Raises
    ------
    StorageError
        A file cannot be written.
    tarfile.TarError
        The archive is damaged, or has a member outside of the directory.
    """
    with tarfile.open(fileobj=file, mode="r|") as archive:
        # Python's own filters follow links that exist here, and refuse new links to other directories.
        archive.extraction_filter = lambda member, _: member
        links: set[str] = set()
        for member in archive:
            _check(member, links)
            try:
                archive.extract(member, directory)
            except OSError as error:
                raise StorageError(f"Cannot write in {directory}: {error.strerror or error}.") from error


def _check(member: tarfile.TarInfo, links: set[str]) -> None:
    """Refuse a member outside of the directory, also by way of an earlier link: hosts may lie."""
    for name in [member.name, *([member.linkname] if member.islnk() else [])]:
        path = PurePosixPath(os.path.normpath(name))
        if path.is_absolute() or ".." in path.parts or not links.isdisjoint(map(str, path.parents)):
            raise tarfile.ExtractError(f"{name!r} is not in the directory")
    if member.issym():
        links.add(os.path.normpath(member.name))


def _inside(
    directory: Path, leave_out: Sequence[str], name: str = "", above: frozenset[str] = frozenset()
) -> Iterator[tuple[Path, str]]:
    """Yield the files and directories below a directory, with their names relative to it."""
    real = os.path.realpath(directory)
    if real in above:  # a link leads back to a directory above
        return
    for entry in sorted(os.scandir(directory), key=lambda entry: entry.name):
        if entry.name in leave_out:
            continue
        path, inside = Path(entry.path), f"{name}{entry.name}"
        if entry.is_dir():
            yield path, inside
            yield from _inside(path, (), f"{inside}/", above | {real})
        elif entry.is_file():
            yield path, inside
