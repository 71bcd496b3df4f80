"""Lines of JSON with a checksum, and checksums of files: a flipped bit is noticed, and never taken for data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zlib import crc32

__all__ = ["file_checksum", "read_sealed", "sealed"]

_MARK = b', "crc32": '
_CHUNK = 1 << 20  # bytes


def sealed(line: str) -> bytes:
    """Return a line with its checksum as the last field, for a file of such lines.

    Parameters
    ----------
    line
        JSON of an object that has fields, on one line.
    """
    body = line[:-1].encode()
    return b"%b%b%d}\n" % (body, _MARK, crc32(body))


def read_sealed(line: bytes) -> dict[str, Any]:
    """Return the object of a line, without the checksum.

    Parameters
    ----------
    line
        Line that `sealed` returned, with or without its end.

    Raises
    ------
    ValueError
        The line is damaged, cut short, or has no checksum.
    """
    body, _, checksum = line.rstrip(b"\n").rpartition(_MARK)
    if checksum != b"%d}" % crc32(body):
        raise ValueError("its checksum is wrong")
    found: dict[str, Any] = json.loads(body + b"}")
    return found


def file_checksum(path: Path) -> int:
    """Return the CRC-32 of a file.

    Parameters
    ----------
    path
        Path of the file, which is read in pieces.
    """
    checksum = 0
    with open(path, "rb") as file:
        while data := file.read(_CHUNK):
            checksum = crc32(data, checksum)
    return checksum
