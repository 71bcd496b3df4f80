"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

__all__ = ["PARTIAL", "whole_file"]

PARTIAL = ".part"  # what a file's name ends with until it is whole


@contextmanager
def whole_file(path: Path | str, mode: int = 0o666) -> Iterator[IO[bytes]]:
    """Write a file beside its place and rename it, which is atomic on local and on network file systems.

    Parameters
    ----------
    path
        The file; one that is there stays until the new one is whole.
    mode
        Its permissions, before the user's mask.

    Yields
    ------
    file
        To write to.

    Raises
    ------
    OSError
        It cannot be written; nothing is left of it.
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
            pass  # the error that matters is on its way
        raise
