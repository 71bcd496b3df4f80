"""Index of the store, for questions about many entries, and pruning."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from adatom.cache.entry import Entry
from adatom.cache.store import Store
from adatom.utils.files import PARTIAL

__all__ = ["Index", "Usage", "prune"]

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS entries (
        key TEXT PRIMARY KEY, recipe TEXT, created REAL, size INTEGER, used REAL, parts TEXT, codec TEXT
    );
    CREATE INDEX IF NOT EXISTS by_recipe ON entries (recipe);
    CREATE INDEX IF NOT EXISTS by_use ON entries (used);
"""
_STALE = 3600.0  # seconds after which a partial file was surely abandoned


@dataclass(frozen=True)
class Usage:
    """Number and size of some results.

    Attributes
    ----------
    count
        Number of stored results.
    size
        Size of their files, in bytes.
    """

    count: int
    size: int


class Index:
    """SQLite table of the entries of a store, brought up to date when it is opened.

    The table is made in memory if SQLite cannot use a file in the store, as on network file systems without locks.

    Parameters
    ----------
    store
        Store whose entries are listed; its directory must exist.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        file = store.directory / "index.sqlite"
        try:
            self._open(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the file is sound, but cannot be locked or written
                self._open(":memory:")
            else:
                file.unlink(missing_ok=True)
                self._open(file)

    def _open(self, file: Path | str) -> None:
        self._database = sqlite3.connect(file, timeout=5)
        try:
            self._database.executescript(_SCHEMA)
            self._update()
        except BaseException:
            self._database.close()
            raise

    def _update(self) -> None:
        known = {key for (key,) in self._database.execute("SELECT key FROM entries")}
        found = dict(_files(self._store))
        gone = [(key,) for key in known - found.keys()]
        self._database.executemany("DELETE FROM entries WHERE key = ?", gone)
        rows = []
        again = [(status.st_mtime, status.st_size, key) for key, status in found.items() if key in known]
        self._database.executemany("UPDATE entries SET used = ?, size = ? WHERE key = ?", again)
        for key, status in found.items():
            if key not in known:
                entry = self._store.entry(key)
                if entry is not None and entry.key == key:
                    rows.append(_row(entry, status))
                else:  # a damaged entry is listed so that it can be pruned, but under no recipe
                    rows.append((key, "", 0.0, status.st_size, status.st_mtime, "{}", ""))
        self._database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.commit()

    def entries(self, recipe: str) -> list[Entry]:
        """Return the entries of a recipe, newest first.

        Parameters
        ----------
        recipe
            Module and name of the function, ``module:name``.
        """
        rows = self._database.execute(
            "SELECT key, recipe, created, parts, codec FROM entries WHERE recipe = ? ORDER BY created DESC", (recipe,)
        )
        return [
            Entry({"key": key, "recipe": recipe, "created": created, "parts": json.loads(parts), "codec": codec})
            for key, recipe, created, parts, codec in rows
        ]

    def usage(self) -> dict[str, Usage]:
        """Return the number and size of the entries of each recipe; damaged entries are those of ``""``."""
        rows = self._database.execute("SELECT recipe, COUNT(*), SUM(size) FROM entries GROUP BY recipe ORDER BY recipe")
        return {recipe: Usage(count, size) for recipe, count, size in rows}

    def oldest(self) -> Iterator[tuple[str, float, int]]:
        """Yield key, time of last use (s since the epoch) and size (bytes) of each entry, least recently used first."""
        yield from self._database.execute("SELECT key, used, size FROM entries ORDER BY used")

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def prune(
    store: Store, older_than: float | None = None, larger_than: int | None = None, dry_run: bool = False
) -> Usage:
    """Remove the results that were used least recently.

    Parameters
    ----------
    store
        Store to remove results from.
    older_than
        Remove results whose last use was more than this many seconds ago. None: age does not matter.
    larger_than
        Remove results until the others fit in this many bytes. None: size does not matter.
    dry_run
        Remove nothing, and return what would be removed.

    Returns
    -------
    Usage
        Number and size of the removed results.
    """
    if not store.directory.is_dir():
        return Usage(0, 0)
    with closing(Index(store)) as index:
        rows = list(index.oldest())
    now = time.time()
    oldest = -math.inf if older_than is None else now - older_than  # results with an earlier last use have to go
    surplus = 0 if larger_than is None else sum(size for _, _, size in rows) - larger_than  # bytes that have to go
    sizes = _to_remove(rows, oldest, surplus)
    if not dry_run:
        for key in sizes:
            store.path(key).unlink(missing_ok=True)
        _remove_older([file for file in _entries(store) if file[0].suffix == PARTIAL], now - _STALE)
        _remove_older(_with_status(store.directory / "resumable"), oldest)
    return Usage(len(sizes), sum(sizes.values()))


def _to_remove(rows: Iterable[tuple[str, float, int]], oldest: float, surplus: int) -> dict[str, int]:
    """Return the size (bytes) of each entry to remove, by its key."""
    sizes: dict[str, int] = {}
    removed = 0
    for key, used, size in rows:
        if used < oldest or removed < surplus:
            sizes[key] = size
            removed += size
    return sizes


def _remove_older(files: Iterable[tuple[Path, os.stat_result]], oldest: float) -> None:
    for path, status in files:
        if status.st_mtime < oldest:
            path.unlink(missing_ok=True)


def _files(store: Store) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the key and file status of each entry."""
    for path, status in _entries(store):
        if path.suffix != PARTIAL:
            yield path.name, status


def _entries(store: Store) -> Iterator[tuple[Path, os.stat_result]]:
    for folder in _scanned(store.directory / "entries"):
        yield from _with_status(folder.path)


def _with_status(folder: Path | str) -> Iterator[tuple[Path, os.stat_result]]:
    for file in _scanned(folder):
        try:
            yield Path(file.path), file.stat()
        except FileNotFoundError:
            pass  # another process renamed or removed the file


def _scanned(folder: Path | str) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _row(entry: Entry, status: os.stat_result) -> tuple[str, str, float, int, float, str, str]:
    parts = json.dumps(entry.parts)
    return entry.key, entry.recipe, entry.created, status.st_size, status.st_mtime, parts, entry.codec
