"""File that several processes make with the same content, and that the last of them removes."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from adatom.utils.files import whole_file
from adatom.utils.names import new_id

__all__ = ["SharedFile"]


class SharedFile:
    """File that several processes make with the same content, and that the last of them removes.

    Parameters
    ----------
    path
        Path of the file; its directory is made if needed.
    content
        Content of the file.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        while not self._opens(content):
            own = path.with_name(f"{path.name}.{new_id()}")
            with whole_file(own, 0o600) as file:
                file.write(content)
            try:
                os.link(own, path)  # another process may have been faster, and holds its file
            except FileExistsError:
                pass
            finally:
                own.unlink()

    def _opens(self, content: bytes) -> bool:
        """Return whether the file is there and cannot be removed by another process."""
        try:
            self._file: IO[bytes] = self.path.open("rb")
        except FileNotFoundError:
            return False
        with suppress(OSError):  # some file systems have no locks
            fcntl.flock(self._file, fcntl.LOCK_SH)
        whole = self._file.read() == content
        if whole and self._is_in_place():
            return True
        if not whole:
            self.path.unlink(missing_ok=True)
        self._file.close()
        return False

    def _is_in_place(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except FileNotFoundError:
            return False

    def close(self, remove: bool) -> None:
        """Let the file go.

        Parameters
        ----------
        remove
            Whether it is removed, unless another process has it.
        """
        with self._file:
            if not remove:
                return
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # the last one removes it
                return
            except OSError:
                pass
            self.path.unlink(missing_ok=True)
