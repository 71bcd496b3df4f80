"""Inputs of the jobs of a run, kept until all jobs are done, so that failed and lost ones can run again."""

from __future__ import annotations

import os
import re
import struct
import threading
import warnings
from binascii import a2b_base64, b2a_base64
from pathlib import Path

from adatom.errors import StorageError
from adatom.settings import get_settings
from adatom.utils.keyed import pickle_key, signed, verified
from adatom.utils.private import make_directory, open_file
from adatom.utils.trust import group_id, open_trusted

__all__ = ["Calls", "read_call"]

_HEAD = struct.Struct("<Q")  # number of bytes that follow
_PLACE = re.compile(r"[^:@/]+:\d+:\d+(:[\w+/=]*|@\d+)")
_SHORT = 300  # bytes; shorter arguments stand in the journal itself, which saves writing to a second file


class Calls:
    """File with the pickled calls of one run. A header or function that many calls share is written once.

    Parameters
    ----------
    directory
        Directory of the journals; the file is made in ``calls`` inside it.
    run
        Name of the run directory, which the file has too.
    """

    def __init__(self, directory: str, run: str) -> None:
        self._path = os.path.join(directory, "calls", run)
        self._directory, self._run = directory, run
        self._file: int | None = None
        self._key = b""
        self._end = 0
        self._known: dict[bytes, int] = {}
        self._lock = threading.Lock()
        self._works = True

    def keep(self, header: bytes, function: bytes, arguments: bytes) -> str:
        """Write a call.

        Parameters
        ----------
        header, function, arguments
            Parts of the call, each of them pickled.

        Returns
        -------
        str
            Place of the call, for `read_call`; empty if the file cannot be written.
        """
        try:
            with self._lock:
                if self._file is None:
                    gid = group_id(get_settings().cache_group)
                    make_directory(self._directory, gid)
                    make_directory(os.path.dirname(self._path), gid)
                    self._key = _key(self._directory)  # first: without it nothing is written
                    self._file = open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, gid)
                shared = f"{self._run}:{self._shared(header)}:{self._shared(function)}"
                if len(arguments) <= _SHORT:
                    data = signed(arguments, self._key)
                    return f"{shared}:{b2a_base64(data, newline=False).decode()}"
                return f"{shared}@{self._append(arguments)}"
        except OSError as error:
            if self._works:
                self._works = False
                warnings.warn(f"Failed jobs cannot be run again: {self._path}: {error.strerror or error}", stacklevel=2)
            return ""

    def _shared(self, data: bytes) -> int:
        place = self._known.get(data)
        if place is None:
            place = self._known[data] = self._append(data)
        return place

    def _append(self, data: bytes) -> int:
        assert self._file is not None
        data = signed(data, self._key)
        data = _HEAD.pack(len(data)) + data
        place, self._end = self._end, self._end + len(data)
        if os.write(self._file, data) != len(data):
            raise OSError(28, "No space left on device")
        return place

    def close(self, remove: bool) -> None:
        """Close the file.

        Parameters
        ----------
        remove
            Whether to delete the file, as none of its jobs has to run again.
        """
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                if remove:
                    Path(self._path).unlink(missing_ok=True)


def read_call(directory: Path, place: str) -> tuple[bytes, bytes, bytes]:
    """Return header, function and arguments of a call, each of them pickled.

    Parameters
    ----------
    directory
        Directory of the journals, in which ``calls`` is.
    place
        Place of the call that `Calls.keep` returned.

    Raises
    ------
    StorageError
        The file is gone or damaged, somebody else can write to it, or another key has signed it.
    """
    run, header, function, arguments = re.split("[:@]", place) if _PLACE.fullmatch(place) else ("", "0", "0", "0")
    path = directory / "calls" / run
    try:
        with open_trusted(path, group_id(get_settings().cache_group)) as file:
            key = _key(directory)

            def part(start: str) -> bytes:
                file.seek(int(start))
                (size,) = _HEAD.unpack(file.read(_HEAD.size))
                if size > os.fstat(file.fileno()).st_size - file.tell():
                    raise ValueError("it is damaged")
                return verified(file.read(size), key)

            given = part(arguments) if "@" in place else verified(a2b_base64(arguments), key)
            return part(header), part(function), given
    except (OSError, ValueError, struct.error) as error:
        raise StorageError(f"The inputs of this job cannot be read from {path}: {error}.") from error


def _key(directory: str | Path) -> bytes:
    settings = get_settings()
    return pickle_key(settings.key_file, directory, group_id(settings.cache_group))
