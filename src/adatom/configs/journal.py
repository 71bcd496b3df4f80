"""Journal beside an output file: lines that record the operation, the items that are done, and the completion."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

from adatom.configs.frames import Frames
from adatom.configs.operation import Shape
from adatom.configs.tree import Shapes, regroup
from adatom.utils.sealed import read_sealed, sealed

__all__ = ["Entry", "Record", "intact", "journal_of", "pack_lines", "read_journal", "recorded_groups"]


@dataclass
class Entry:
    """Consecutive items that are done, the content of one line.

    Attributes
    ----------
    count
        Number of the items in this entry.
    end
        Position in the partial file at which the outputs of the items end, in bytes.
    digest
        Hash of the items as they were in the inputs.
    checksum
        CRC-32 of the partial file up to `end`.
    shapes
        Shape of each item's output; empty: each item became one structure.
    failed
        Cause of failure of each failed item, by its place among these items.
    """

    count: int
    end: int
    digest: str
    checksum: int
    shapes: list[Shape] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Entry:
        """Return the entry that a line of the journal describes."""
        failed = {int(key): value for key, value in line.get("failed", {}).items()}
        return cls(line["count"], line["end"], line["digest"], line["checksum"], line.get("shapes", []), failed)

    @property
    def all_shapes(self) -> list[Shape]:
        """Shape of each item's output, also if each item became one structure."""
        return self.shapes or [None] * self.count

    def line(self) -> dict[str, Any]:
        """Return the entry as a line of the journal."""
        return {key: value for key, value in vars(self).items() if value not in ({}, [])}


@dataclass
class Record:
    """Content of a journal.

    Attributes
    ----------
    operation
        Texts that identify the operation, by name; None: there is no journal.
    entries
        Items that are done, in order.
    complete
        Size of the file in bytes, its checksum, description of the inputs, and groups; None: the file is not complete.
    """

    operation: dict[str, str] | None = None
    entries: list[Entry] = field(default_factory=list)
    complete: dict[str, Any] | None = None


def journal_of(path: Path) -> Path:
    """Return the path of the journal of an output file.

    Parameters
    ----------
    path
        Path of the output file.
    """
    return path.with_name(path.name + ".journal")


def read_journal(journal: Path) -> Record:
    """Return the content of a journal, up to a line that was cut short or is damaged.

    Parameters
    ----------
    journal
        Path of the journal; a file that does not exist has no content.
    """
    lines = []
    try:
        with journal.open("rb") as file:
            for line in file:
                lines.append(read_sealed(line))
    except (FileNotFoundError, ValueError):
        pass
    if not lines:
        return Record()
    entries = [Entry.read(line) for line in lines[1:] if line.keys() >= {"count", "end", "digest", "checksum"}]
    return Record(lines[0].get("operation", {}), entries, lines[-1].get("complete"))


def intact(path: Path, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries whose outputs are in a file as they were written, up to the first that are not.

    Parameters
    ----------
    path
        Path of the file; one that does not exist has no outputs.
    entries
        Entries of the journal of the file.
    """
    checksum = place = 0
    found: list[Entry] = []
    if path.exists():
        with path.open("rb") as file:
            for entry in entries:
                checksum, place = crc32(file.read(entry.end - place), checksum), entry.end
                if checksum != entry.checksum:
                    break
                found.append(entry)
    return found


def pack_lines(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Return lines as bytes to be written to a journal.

    Parameters
    ----------
    lines
        Content of the lines, as JSON can hold it.
    """
    return b"".join(sealed(json.dumps(line)) for line in lines)


def recorded_groups(path: Path) -> list[Any] | None:
    """Return the parts of a `ConfigSet` for a file that an operation has written, in the groups of its inputs.

    Parameters
    ----------
    path
        Output file of the operation.

    Returns
    -------
    list or None
        Parts of the set; None if the journal is missing, records no groups, or does not fit the file as it stands.
    """
    record = read_journal(journal_of(path))
    ended = record.complete
    if not ended or not path.is_file() or ended["size"] != path.stat().st_size:
        return None
    shapes = Shapes()
    for entry in record.entries:
        shapes.add(entry.all_shapes)
    if shapes.plain and shapes.structures and len(ended["tree"]) == 1:
        return None
    return regroup(ended["tree"], shapes, lambda numbers: [Frames(path).take(numbers)])._parts
