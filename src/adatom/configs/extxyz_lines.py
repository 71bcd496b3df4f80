"""Lines of the structures in a file of extended XYZ."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO

from ase.data import atomic_numbers
from ase.io.extxyz import parse_properties

__all__ = [
    "DEFAULT_COLUMNS",
    "FrameError",
    "FrameLines",
    "count_columns",
    "faulty_line",
    "frame_size",
    "split_frames",
]

DEFAULT_COLUMNS = "species:S:1:pos:R:3"
"""Description of the columns of a file that has none."""


class FrameError(ValueError):
    """Structure that cannot be read.

    Parameters
    ----------
    why
        Reason, as a clause.
    line
        Number of the line to blame, from 1.
    """

    def __init__(self, why: str, line: int) -> None:
        super().__init__(why)
        self.line = line


class FrameLines(list[str]):
    """Lines of one structure, of which the first is the number of its atoms.

    Attributes
    ----------
    first
        Number of the first line in the file, from 1.
    """

    first = 1


def frame_size(line: str | bytes, number: int) -> int:
    """Return the number of atoms that the first line of a structure gives.

    Parameters
    ----------
    line
        First line of the structure.
    number
        Number of the line, for the error.

    Raises
    ------
    FrameError
        The line is no number, or one below 0.
    """
    try:
        count = int(line)
        islice((), count)
        return count
    except ValueError as error:
        text = line if isinstance(line, str) else line.decode(errors="replace")
        if "\r" in text.strip():
            raise FrameError(_ONLY_CR, number) from None
        reason = f" ({error})" if len(text) < 40 else ""
        raise FrameError(f"{reprlib.repr(text.strip())} is no number of atoms{reason}", number) from None


_ONLY_CR = "lines end with carriage returns alone. Convert the file: tr '\\r' '\\n'"


def split_frames(file: IO[str]) -> Iterator[FrameLines]:
    """Yield the lines of one structure after the other. The file is read as they are needed.

    Blank lines between structures are skipped.

    Parameters
    ----------
    file
        Extended XYZ file, open at the start of a structure.

    Raises
    ------
    FrameError
        The first line of a structure is not the number of its atoms, the file ends within a structure, or the file is
        not made of lines of text.
    """
    number, line = 1, file.readline()
    while line:
        if not line.strip():
            number, line = number + 1, file.readline()
            continue
        count = frame_size(line, number)
        lines = FrameLines([line, file.readline(), *islice(file, count)])
        lines.first = number
        text = "".join(lines)
        if "\0" in text or "\r" in text:
            _check_text(lines)
        if len(lines) < count + 2:
            raise FrameError(f"the file ends after {len(lines) - 2} of {count} atoms", number + len(lines) - 1)
        while (line := file.readline()).lstrip().startswith("VEC"):
            lines.append(line)
        number += len(lines)
        yield lines


def _check_text(lines: FrameLines) -> None:
    for number, line in enumerate(lines, lines.first):
        if "\0" in line:
            raise FrameError("the line has a NUL byte, as after a crash of the machine that wrote it", number)
        if "\r" in line.removesuffix("\n").removesuffix("\r"):
            raise FrameError(_ONLY_CR, number)


def count_columns(described: str) -> int:
    """Return the number of columns that a description such as `DEFAULT_COLUMNS` claims.

    Parameters
    ----------
    described
        Value of the key ``Properties``.
    """
    return sum(max(0, int(width)) for width in described.split(":")[2::3])


def faulty_line(lines: Sequence[str], described: str) -> int:
    """Return the index of the first line that does not fit the columns; that of the comment if all of them do.

    Parameters
    ----------
    lines
        Lines of a structure that cannot be read.
    described
        Value of the key ``Properties``; empty: there is none.
    """
    try:
        convert = parse_properties(described or DEFAULT_COLUMNS)[3]
    except Exception:
        return 1
    if (described or DEFAULT_COLUMNS).startswith("species:S:1:"):
        convert[0] = _symbol
    for place, line in enumerate(lines[2 : 2 + int(lines[0])], 2):
        try:
            for each, word in zip(convert, line.split()[: len(convert)], strict=True):
                each(word)
        except (ValueError, KeyError):  # a word is missing, no number, or no symbol
            return place
    return 1


def _symbol(word: str) -> int:
    return atomic_numbers[word.capitalize()]
