"""The journal beside a file that an operation writes: of what it was made, and what is done. A line for each piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from adatom.configs.frames import Frames
from adatom.configs.operation import Shape
from adatom.configs.tree import Shapes, regroup

__all__ = ["Entry", "digest_of", "journal_of", "pack_lines", "read_lines", "recorded_groups"]


@dataclass
class Entry:
    """Some items that follow one another, and are done.

    Attributes
    ----------
    count
        How many.
    end
        Where what came of them ends in the partial file, in bytes.
    digest
        Of the items, as they were.
    shapes
        Of each; empty: all became one structure each.
    failed
        Why, of those that failed, by place among them.
    """

    count: int
    end: int
    digest: str
    shapes: list[Shape] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Entry:
        """From a line of the journal."""
        failed = {int(key): value for key, value in line.get("failed", {}).items()}
        return cls(line["count"], line["end"], line["digest"], line.get("shapes", []), failed)

    @property
    def all_shapes(self) -> list[Shape]:
        """Of each item."""
        return self.shapes or [None] * self.count

    def line(self) -> dict[str, Any]:
        """For the journal."""
        return {key: value for key, value in vars(self).items() if value not in ({}, [])}


def journal_of(path: Path) -> Path:
    """The journal of a file.

    Parameters
    ----------
    path
        The file.
    """
    return path.with_name(path.name + ".journal")


def digest_of(fingerprints: Iterable[bytes]) -> str:
    """A short hash of some items.

    Parameters
    ----------
    fingerprints
        Of the items.
    """
    return blake2b(b"".join(fingerprints), digest_size=16).hexdigest()


def read_lines(journal: Path) -> list[dict[str, Any]]:
    """What a journal says, up to a line that was cut.

    Parameters
    ----------
    journal
        The file; there need be none.
    """
    lines = []
    try:
        with journal.open() as file:
            for line in file:
                lines.append(json.loads(line))
    except (FileNotFoundError, ValueError):
        pass
    return [line for line in lines if isinstance(line, dict)]


def pack_lines(lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Lines for a journal.

    Parameters
    ----------
    lines
        What they say.
    """
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def recorded_groups(path: Path) -> list[Any] | None:
    """The parts of a `ConfigSet` of a file that an operation has written, in the groups that it had.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    list or None
        None if no journal says that there are groups, or it is not of this file as it stands.
    """
    lines = read_lines(journal_of(path))
    ended = lines[-1].get("complete") if lines else None
    if not ended or not path.is_file() or ended["size"] != path.stat().st_size:
        return None
    shapes = Shapes()
    for line in lines[1:-1]:
        shapes.add(Entry.read(line).all_shapes)
    if shapes.plain and shapes.structures and len(ended["tree"]) == 1:
        return None
    return regroup(ended["tree"], shapes, lambda numbers: [Frames(path).take(numbers)])._parts
