"""Canonical text of paths: of existing files the content counts, too, as it may change under the same name."""

from __future__ import annotations

import os
from hashlib import blake2b
from json.encoder import encode_basestring_ascii

from adatom.cache.unhashable import UnhashableError, digest

__all__ = ["ALL", "FILES", "NOTHING", "path_text", "string_text"]

NOTHING, FILES, ALL = range(3)  # paths whose content counts: none, files, files and directories


def string_text(value: str, content: int) -> str:
    """Return the text of a string, which may be a path.

    Parameters
    ----------
    value
        Any string.
    content
        Paths whose content counts: `NOTHING`, `FILES`, for strings with a dot or a slash, or `ALL`.
    """
    if content and (content == ALL or os.sep in value or "." in value) and "\0" not in value:
        return path_text(value, content)
    return encode_basestring_ascii(value)


def path_text(value: str | bytes, content: int) -> str:
    """Return the text of a path with a digest of its content.

    Parameters
    ----------
    value
        Path of anything, there or not.
    content
        Paths whose content counts, as in `string_text`.
    """
    path = os.path.expanduser(os.fsdecode(value))
    text = encode_basestring_ascii(os.fsdecode(value))
    if content and os.path.isfile(path):
        return f"{text}={_file(path)}"
    if content == ALL and os.path.isdir(path):
        found = sorted(entry.path for entry in os.scandir(path) if entry.is_file())
        return text + "=" + digest("".join(f"{os.path.basename(file)}{_file(file)}" for file in found))
    return text


_files: dict[tuple[str, int, int, int], str] = {}


def _file(path: str) -> str:
    try:
        status = os.stat(path)
        key = path, status.st_size, status.st_mtime_ns, status.st_ino
        if key not in _files:
            hashed = blake2b(digest_size=16)
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    hashed.update(block)
            _files[key] = hashed.hexdigest()
    except OSError as error:
        raise UnhashableError(f"the file {path}", f"which cannot be read: {error.strerror}") from error
    return _files[key]
