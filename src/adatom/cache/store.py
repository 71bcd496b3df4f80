"""Store of results: one file for each, the entry.

An entry is written beside its place and renamed, which is atomic on local and on network file systems, and begins with
a digest of the rest. So nothing needs a lock, any number of processes and machines may use one store, and a file that
was cut or changed is recognised. The index in SQLite (`cache.index`) is made from the entries by the first process that
needs it, and can be deleted at any time.
"""

from __future__ import annotations

import json
import os
import stat
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

from adatom.cache import MISS
from adatom.cache.canonical import CACHED_FROM
from adatom.cache.entry import FORMAT, Entry, entry_bytes, read_entry, read_value
from adatom.cache.key import Key
from adatom.errors import StorageError
from adatom.settings import get_settings
from adatom.utils.files import whole_file
from adatom.utils.keyed import pickle_key
from adatom.utils.private import make_directory, share_file
from adatom.utils.trust import check_owner, group_id, open_trusted

__all__ = ["CacheWarning", "Store", "open_store"]


class CacheWarning(UserWarning):
    """A result that could not be read or stored, or a call without a key; the job itself is not affected."""


class Store:
    """Results by key, in a directory.

    Parameters
    ----------
    directory
        Directory of the store; the first `put` makes it.
    group
        Unix group whose members may read and write the store too. None: only the user may.
    limit
        Size in bytes above which the results that were used least recently are removed. None: no limit.

    Raises
    ------
    InputError
        There is no such group.
    StorageError
        Others can write to the directory, it is of another format, or it cannot be read.
    """

    def __init__(self, directory: Path, group: str | None = None, limit: int | None = None) -> None:
        self.directory = Path(directory)
        self._limit, self._due = limit, 0
        self._gid = group_id(group)
        self._sub = self.directory / "entries"
        self._made: set[str] = set()
        self._checked = False
        self._check()

    # Reading

    def path(self, key: str) -> Path:
        """Return the path of the entry of a key, which need not exist.

        Parameters
        ----------
        key
            Digest of a `Key`, 32 hexadecimal digits.
        """
        return self._sub / key[:2] / key

    def has(self, key: str) -> bool:
        """Return whether a key has an entry, damaged or not.

        Parameters
        ----------
        key
            Digest of a `Key`, 32 hexadecimal digits.
        """
        return os.path.exists(self.path(key))

    def get(self, key: str) -> Any:
        """Return the result of a key, or `MISS`. A damaged entry is a miss, with a warning.

        Parameters
        ----------
        key
            Digest of a `Key`, 32 hexadecimal digits.
        """
        path = self.path(key)
        try:
            with open_trusted(path, self._gid) as file:
                entry, payload = read_entry(file)
            if entry.key != key:
                raise ValueError(f"it is of {entry.key}")
            value = read_value(entry, payload, self._secret)
        except FileNotFoundError:
            return MISS
        except Exception as error:  # a pickle may raise anything
            warnings.warn(
                f"The cache entry {path} is not used: {error}. The job runs, and its result takes that place.",
                CacheWarning,
                stacklevel=2,
            )
            return MISS
        try:
            os.utime(path)  # pruning goes by the time of last use
        except OSError:
            pass  # a file of another member of the group, or a read-only disk
        return _marked(value, key)

    def entry(self, key: str) -> Entry | None:
        """Return the header of an entry; None if the key has no entry, or a damaged one.

        Parameters
        ----------
        key
            Digest of a `Key`, 32 hexadecimal digits.
        """
        try:
            with open(self.path(key), "rb") as file:
                return read_entry(file)[0]
        except (OSError, ValueError):
            return None

    def _secret(self) -> bytes:
        return pickle_key(get_settings().key_file, self.directory, self._gid)

    # Writing

    def put(self, key: Key, value: Any) -> None:
        """Store a result, in place of an earlier one of the same key.

        Parameters
        ----------
        key
            Key of the call that gave the result.
        value
            Result of the job. A result that is not plain data is pickled; structures lose their calculators.

        Raises
        ------
        StorageError
            The result cannot be written, or is not plain data and cannot be pickled.
        """
        data = entry_bytes(key, value, self._secret)
        if self._limit is not None:
            self._make_room(self._limit, len(data))
        try:
            self._prepare()
            self._write(self.path(key.digest), data)
        except OSError as error:
            raise StorageError(f"Cannot store a result in {self.directory}: {error.strerror or error}.") from error

    def put_resumable(self, key: str, directory: Path) -> None:
        """Keep the directory of a job that has checkpoints, so that its next run can go on if this one is cut.

        Parameters
        ----------
        key
            Digest of the job's `Key`, 32 hexadecimal digits.
        directory
            Final directory of the job, under the name that it has after a good end.
        """
        try:
            self._prepare()
            self._write(self.directory / "resumable" / key, os.fsencode(directory))
        except OSError:
            pass  # as on a full disk: the job runs on, and would start anew after it was cut

    def resumable(self, key: str) -> Path | None:
        """Return the final directory of a job with this key that was cut; None if there is no such job.

        Parameters
        ----------
        key
            Digest of the job's `Key`, 32 hexadecimal digits.
        """
        try:
            return Path(os.fsdecode((self.directory / "resumable" / key).read_bytes()))
        except OSError:
            return None

    def forget_resumable(self, key: str) -> None:
        """Forget the directory that `put_resumable` kept, after the job has ended well.

        Parameters
        ----------
        key
            Digest of the job's `Key`, 32 hexadecimal digits.
        """
        try:
            os.unlink(self.directory / "resumable" / key)
        except OSError:
            pass  # another run of the job has ended first

    def _make_room(self, limit: int, size: int) -> None:
        """Keep to the limit within a twentieth, as listing all entries for each new one would be slow."""
        self._due -= size
        if self._due < 0:
            from adatom.cache.index import prune

            self._due = limit // 20
            prune(self, larger_than=limit - size)

    def put_source(self, key: Key) -> None:
        """Keep the pieces of code behind a key, once for all keys of the same code; only `explain` reads them.

        Parameters
        ----------
        key
            Key whose ``source`` is kept.
        """
        name = key.parts.get("source", "")
        if key.source and name not in self._made:
            path = self.directory / "sources" / name
            try:
                self._prepare()
                if not path.exists():
                    self._write(path, json.dumps(dict(key.source)).encode())
            except OSError:
                pass  # as on a full disk, of which `put` tells
            self._made.add(name)

    def source(self, name: str) -> dict[str, str]:
        """Return the pieces of code behind a digest of source; empty if they are not known.

        Parameters
        ----------
        name
            Digest of source, as in ``Key.parts["source"]``.
        """
        try:
            return dict(json.loads((self.directory / "sources" / name).read_bytes()))
        except (OSError, ValueError):
            return {}

    def _write(self, path: Path, data: bytes) -> None:
        folder = str(path.parent)
        if folder not in self._made:
            self._make(path.parent)
            self._made.add(folder)
        try:
            self._write_whole(path, data)
        except FileNotFoundError:  # another process has removed the directory
            self._make(path.parent)
            self._write_whole(path, data)

    def _write_whole(self, path: Path, data: bytes) -> None:
        with whole_file(path, 0o600) as file:
            file.write(data)
            share_file(file.fileno(), self._gid, 0o660)

    def _make(self, folder: Path) -> None:
        for each in (folder.parent, folder):
            make_directory(each, self._gid)

    # Trust

    def _check(self) -> None:
        try:
            status = self.directory.stat()
        except FileNotFoundError:
            return  # the first `put` makes the directory
        except OSError as error:
            raise StorageError(f"Cannot read the cache {self.directory}: {error.strerror}.") from error
        if not stat.S_ISDIR(status.st_mode):
            raise StorageError(f"The cache {self.directory} is no directory. Set ADATOM_CACHE_DIR.")
        self._trust(status)
        try:
            text = (self.directory / "format").read_text().strip()
        except FileNotFoundError:
            return  # an empty directory
        except OSError as error:
            raise StorageError(f"Cannot read the cache {self.directory}: {error.strerror}.") from error
        if text != str(FORMAT):
            raise StorageError(
                f"The cache {self.directory} is of format {text or 'none'}, and adatom here writes {FORMAT}. "
                "Set ADATOM_CACHE_DIR to another directory, or remove that one."
            )
        self._checked = True

    def _prepare(self) -> None:
        if not self._checked:
            self._make(self.directory)
            self._check()
        if not self._checked:
            self._checked = True
            self._write(self.directory / "format", f"{FORMAT}\n".encode())

    def _trust(self, status: os.stat_result) -> None:
        check_owner(status, self.directory, self._gid)


def open_store() -> Store:
    """Return the store that the settings name.

    Raises
    ------
    InputError
        The group of the settings does not exist.
    StorageError
        Others can write to the directory, it is of another format, or it cannot be read.
    """
    settings = get_settings()
    limit = None if settings.cache_size is None else settings.cache_size * 1_000_000
    return _store(settings.cache_dir, settings.cache_group, limit)


@lru_cache(maxsize=8)
def _store(directory: Path, group: str | None, limit: int | None) -> Store:
    return Store(directory, group, limit)


def _marked(value: Any, key: str) -> Any:
    """Return a result with its key in its provenance."""
    if type(value) is dict and type(value.get("provenance")) is dict:
        value["provenance"] = {**value["provenance"], CACHED_FROM: key}
    return value
