"""Check of the owner of a pickle before it is read."""

from __future__ import annotations

import os
import shlex
import stat
from pathlib import Path

from adatom.errors import StorageError

__all__ = ["check_owner"]


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
