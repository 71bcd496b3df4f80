"""Files and directories for their owner alone, or for the group that the setting ``cache_group`` names."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["make_directory", "open_file", "share_file"]


def make_directory(path: Path | str, gid: int | None = None) -> None:
    """Make a directory. One that exists stays as it is, and those above it that do not are made for everyone.

    Parameters
    ----------
    path
        Path of the directory.
    gid
        Id of the group that may read and write there; None: the owner alone may.
    """
    if os.path.isdir(path):
        return
    os.makedirs(path, 0o700, exist_ok=True)
    if gid is not None:
        os.chown(path, -1, gid)
        os.chmod(path, 0o2770)


def open_file(path: Path | str, flags: int, gid: int | None = None) -> int:
    """Open a file to write, and return its descriptor.

    Parameters
    ----------
    path, flags
        Same as of `os.open`.
    gid
        Id of the group that may read the file; None: the owner alone may.
    """
    descriptor = os.open(path, flags, 0o600)
    try:
        share_file(descriptor, gid)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def share_file(descriptor: int, gid: int | None, mode: int = 0o640) -> None:
    """Hand an open file to a group.

    Parameters
    ----------
    descriptor
        Descriptor of the file.
    gid
        Id of the group; None: nothing is done.
    mode
        New permissions.
    """
    if gid is not None:
        os.fchown(descriptor, -1, gid)
        os.fchmod(descriptor, mode)
