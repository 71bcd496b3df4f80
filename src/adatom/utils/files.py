"""Files that exist either whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["PARTIAL", "whole_file"]

PARTIAL = ".part"  # suffix of a file until it is whole


@contextmanager
def whole_file(path: Path | str, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Write a file under another name and rename it at the end, which is atomic on local and network file systems.

    Parameters
    ----------
    path
        Path of the file. An existing file stays until the new one is whole.
    mode
        Permissions of the new file, before the user's mask.

    Yields
    ------
    file
        Binary file to write to.

    Raises
    ------
    OSError
        The file cannot be written; nothing of it is left.
    """
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}{PARTIAL}"
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        os.replace(partial, path)
    except BaseException:
        try:
            os.unlink(partial)
        except OSError:
            pass  # the error that matters is raised below
        raise
