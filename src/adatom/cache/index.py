"""What is in the store, for questions about many of its files."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator
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
_STALE = 3600.0  # seconds after which a file that was never finished is nobody's


@dataclass(frozen=True)
class Usage:
    """How much there is of something.

    Attributes
    ----------
    count
        Of results.
    size
        In bytes.
    """

    count: int
    size: int


class Index:
    """An SQLite table of the store's files, brought up to date when it is opened.

    Where SQLite cannot work with a file, as on network file systems whose locks do not hold, it is made in memory.

    Parameters
    ----------
    store
        The store.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        file = store.directory / "index.sqlite"
        try:
            self._open(file)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # nothing is wrong with it, but it cannot be used
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
                else:  # damaged: it can be pruned, and is nobody's neighbour
                    rows.append((key, "", 0.0, status.st_size, status.st_mtime, "{}", ""))
        self._database.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        self._database.commit()

    def entries(self, recipe: str) -> list[Entry]:
        """What is stored of a recipe, newest first.

        Parameters
        ----------
        recipe
            Its module and name.
        """
        rows = self._database.execute(
            "SELECT key, recipe, created, parts, codec FROM entries WHERE recipe = ? ORDER BY created DESC", (recipe,)
        )
        return [
            Entry({"key": key, "recipe": recipe, "created": created, "parts": json.loads(parts), "codec": codec})
            for key, recipe, created, parts, codec in rows
        ]

    def usage(self) -> dict[str, Usage]:
        """How much there is of each recipe."""
        rows = self._database.execute("SELECT recipe, COUNT(*), SUM(size) FROM entries GROUP BY recipe ORDER BY recipe")
        return {recipe: Usage(count, size) for recipe, count, size in rows}

    def oldest(self) -> Iterator[tuple[str, float, int]]:
        """Key, time of last use and size of all, those first that were not used for longest."""
        yield from self._database.execute("SELECT key, used, size FROM entries ORDER BY used")

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def prune(
    store: Store, older_than: float | None = None, larger_than: int | None = None, dry_run: bool = False
) -> Usage:
    """Remove results that were not used for longest.

    Parameters
    ----------
    store
        The store.
    older_than
        Seconds since the last use. None: of any age.
    larger_than
        Bytes that may stay. None: any number.
    dry_run
        Remove nothing, and say what would be.

    Returns
    -------
    Usage
        What was removed.
    """
    if not store.directory.is_dir():
        return Usage(0, 0)
    with closing(Index(store)) as index:
        rows = list(index.oldest())
    total, count, removed, now = sum(size for _, _, size in rows), 0, 0, time.time()
    for key, used, size in rows:
        too_old = older_than is not None and now - used > older_than
        too_much = larger_than is not None and total - removed > larger_than
        if too_old or too_much:
            count, removed = count + 1, removed + size
            if not dry_run:
                store.path(key).unlink(missing_ok=True)
    if not dry_run:
        for path, status in _entries(store):
            if path.suffix == PARTIAL and now - status.st_mtime > _STALE:
                path.unlink(missing_ok=True)
        for note in _scanned(store.directory / "left"):
            if older_than is not None and now - note.stat().st_mtime > older_than:
                Path(note.path).unlink(missing_ok=True)
    return Usage(count, removed)


def _files(store: Store) -> Iterator[tuple[str, os.stat_result]]:
    """The key and status of each result."""
    for path, status in _entries(store):
        if path.suffix != PARTIAL:
            yield path.name, status


def _entries(store: Store) -> Iterator[tuple[Path, os.stat_result]]:
    for folder in _scanned(store.directory / "entries"):
        for entry in _scanned(Path(folder.path)):
            try:
                yield Path(entry.path), entry.stat()
            except FileNotFoundError:
                pass  # renamed or removed by another process


def _scanned(folder: Path) -> list[os.DirEntry[str]]:
    try:
        return list(os.scandir(folder))
    except OSError:
        return []


def _row(entry: Entry, status: os.stat_result) -> tuple[str, str, float, int, float, str, str]:
    parts = json.dumps(entry.parts)
    return entry.key, entry.recipe, entry.created, status.st_size, status.st_mtime, parts, entry.codec
