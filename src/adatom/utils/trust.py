"""Opening of files with pickles, which only their owner may have written: reading a pickle runs code."""

from __future__ import annotations

import io
import os
import shlex
import stat
from pathlib import Path

from adatom.errors import InputError, StorageError

__all__ = ["check_owner", "group_id", "open_trusted"]


def open_trusted(path: Path, gid: int | None = None, own_directory: bool = True) -> io.BufferedReader:
    """Open a file with pickles, unless somebody else could have written it. No other function may open one.

    Parameters
    ----------
    path
        Path of the file. A link is not followed.
    gid
        Id of the group that shares the file. None: only its owner may write to it.
    own_directory
        Whether the directory, too, has to be safe from all others: it is, if adatom made it. False: the user chose it,
        and it may be shared, but not open to everyone.

    Raises
    ------
    StorageError
        Somebody else could have written the file, or put it in its place.
    OSError
        The file cannot be opened.
    """
    file = open(path, "rb", opener=_without_links)  # noqa: SIM115
    try:
        status, around = os.fstat(file.fileno()), os.stat(path.parent)
        if not stat.S_ISREG(status.st_mode):
            raise StorageError(f"{path} is no regular file.")
        check_owner(status, path, gid)
        if own_directory:
            check_owner(around, path.parent, gid)
        elif around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
            raise StorageError(
                f"Everyone can put files into {path.parent}, so {path.name} cannot be trusted. "
                f"Mend it with: chmod o-w {shlex.quote(str(path.parent))}"
            )
    except BaseException:
        file.close()
        raise
    return file


def _without_links(path: str, flags: int) -> int:
    """Open a file that is no link, without a wait for somebody who writes to a named pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def group_id(name: str | None) -> int | None:
    """Return the id of the group that shares files, or None if there is none.

    Parameters
    ----------
    name
        Name of the group, as the setting ``cache_group`` gives it.

    Raises
    ------
    InputError
        There is no such group.
    """
    if name is None:
        return None
    import grp

    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise InputError(f"ADATOM_CACHE_GROUP is {name!r}, and there is no such group. `id -Gn` lists yours.") from None


def check_owner(status: os.stat_result, path: Path, gid: int | None = None) -> None:
    """Refuse a file that somebody else could have written: reading a pickle runs code.

    Parameters
    ----------
    status
        Status of the file or directory, as `os.stat` returns it.
    path
        Path of the file, or of the directory that holds it.
    gid
        Id of the group that shares the file. None: only its owner may write to it.

    Raises
    ------
    StorageError
        Somebody else owns the file or can write to it; the message says how to mend that.
    """
    of_group = gid is not None and status.st_gid == gid
    group = "" if of_group else " Or name the group that shares it in ADATOM_CACHE_GROUP."
    if status.st_uid != os.getuid() and not of_group:
        raise StorageError(
            f"{path} belongs to user {status.st_uid}, so what is in it cannot be trusted. Use a directory of your "
            f"own: set ADATOM_CACHE_DIR.{group}"
        )
    if status.st_mode & (stat.S_IWOTH if of_group else stat.S_IWOTH | stat.S_IWGRP):
        raise StorageError(
            f"Others can write to {path}, so what is in it cannot be trusted. "
            f"Mend it with: chmod -R {'o' if of_group else 'go'}-w {shlex.quote(str(path))}.{group}"
        )
