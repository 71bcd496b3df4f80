"""Canonical text: values that mean the same have the same text in every process."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from hashlib import blake2b
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import numpy as np

from adatom.cache.types import support
from adatom.errors import AdatomError

__all__ = ["Canonical", "UnhashableError", "digest"]

_Ids = tuple[int, ...]  # of the objects around a piece, which it must not contain again
_SHORT = 60  # characters; longer text is replaced by its digest
_NOTHING, _FILES, _ALL = range(3)  # paths whose content counts: none, files, files and directories
CACHED_FROM = "cached_from"  # entry of a provenance that names the key of a stored result; it never counts


class UnhashableError(AdatomError, TypeError):
    """A value without a canonical text.

    Parameters
    ----------
    where
        Name of the argument, with the path to the piece inside it, such as ``"options['a'][1]"``.
    why
        Reason, worded to follow `where` in the message.
    """

    def __init__(self, where: str, why: str) -> None:
        super().__init__(where, why)
        self.where, self.why = where, why

    def __str__(self) -> str:
        return f"{self.where}, {self.why}"


def digest(data: bytes | str | memoryview) -> str:
    """Return a hash of bytes or text: 32 hexadecimal digits.

    Parameters
    ----------
    data
        Bytes, or text, which is hashed as UTF-8.
    """
    return blake2b(data.encode() if isinstance(data, str) else data, digest_size=16).hexdigest()


class Canonical:
    """Maker of canonical text.

    Parameters
    ----------
    describe_code
        Function that returns the text of a function or class.
    reads
        Option ``reads`` of a job: names that are handed to the types of packages, and names of arguments whose files
        and directories count with their content.
    """

    def __init__(self, describe_code: Callable[[Any], str], reads: Collection[str] = ()) -> None:
        self._describe_code = describe_code
        self._reads = frozenset(reads)

    def parts(self, name: str, value: Any) -> Iterable[tuple[str, str]]:
        """Return a value as named pieces, so that two values can be compared piece by piece.

        Parameters
        ----------
        name
            Name of the argument; names of pieces begin with it.
        value
            Any value that has a canonical text.

        Returns
        -------
        iterable of tuple of str
            Name and text of each piece; a text of more than 60 characters is replaced by its digest.

        Raises
        ------
        UnhashableError
            A piece has no canonical text.
        """
        if type(value) in _SCALARS:
            return [(name, _PLAIN[type(value)](value))]
        return self._parts(name, value, _ALL if name in self._reads else _FILES, ())

    def text(self, value: Any, where: str = "value") -> str:
        """Return the canonical text of a value.

        Parameters
        ----------
        value
            Any value that has a canonical text.
        where
            Name of the value in an error message.

        Raises
        ------
        UnhashableError
            The value, or a piece of it, has no canonical text.
        """
        return self._text(value, where, _FILES, ())

    def _parts(self, name: str, value: Any, content: int, above: _Ids) -> Iterator[tuple[str, str]]:
        pieces: Mapping[str, Any] | None
        if type(value) is dict and all(type(key) is str for key in value):
            kind, pieces = "dict", {key: value[key] for key in sorted(value)}
            content = _content_of_result(value, content)
        else:
            kind, pieces = _type_name(value), self._known(value)
        if pieces is None or id(value) in above:
            text = self._text(value, name, content, above)
            yield name, text if len(text) <= _SHORT else digest(text)
            return
        yield name, kind
        for key, piece in pieces.items():
            if key != CACHED_FROM:
                yield from self._parts(f"{name}.{key}", piece, content, (*above, id(value)))

    def _known(self, value: Any) -> Mapping[str, Any] | None:
        """Return the pieces of an object that its package registers as counting; None for other objects."""
        kind = type(value)
        if kind in _PLAIN:
            return None
        for base in kind.__mro__:  # a user's class may derive from a class of the package
            helper = support(base.__module__.partition(".")[0])
            if helper:
                return helper.parts(value, self._reads)
        return None

    def _text(self, value: Any, where: str, content: int, above: _Ids) -> str:
        kind = type(value)
        if kind is str:
            return _string(value, content)
        if kind in _PLAIN:
            return _PLAIN[kind](value)
        if isinstance(value, np.generic) and not value.dtype.hasobject and value.dtype.names is None:
            return self._text(value.item(), where, content, above)
        if id(value) in above:
            raise UnhashableError(where, "which contains itself")
        describe = _OF_TYPE.get(kind) or next(found for kinds, found in _OF_INSTANCE if isinstance(value, kinds))
        return describe(self, value, where, content, (*above, id(value)))

    def _array(self, value: np.ndarray[Any, Any], where: str, content: int, above: _Ids) -> str:
        if value.dtype.hasobject:
            return f"array{value.shape}{self._text(value.tolist(), where, content, above)}"
        return _array(value)

    def _sequence(self, value: list[Any] | tuple[Any, ...], where: str, content: int, above: _Ids) -> str:
        items = [self._text(item, f"{where}[{i}]", content, above) for i, item in enumerate(value)]
        return f"{type(value).__name__}[{','.join(items)}]"

    def _dict(self, value: dict[Any, Any], where: str, content: int, above: _Ids) -> str:
        inside = _content_of_result(value, content)
        items = [
            f"{self._text(key, where, _NOTHING, above)}:{self._text(item, f'{where}[{key!r}]', inside, above)}"
            for key, item in value.items()
            if key != CACHED_FROM
        ]
        return f"dict{{{','.join(sorted(items))}}}"

    def _set(self, value: set[Any] | frozenset[Any], where: str, content: int, above: _Ids) -> str:
        return f"set{{{','.join(sorted(self._text(item, where, content, above) for item in value))}}}"

    def _method(self, value: MethodType, where: str, content: int, above: _Ids) -> str:
        return f"{self._describe_code(value.__func__)}({self._text(value.__self__, where, content, above)})"

    def _instance(self, value: Any, where: str, content: int, above: _Ids) -> str:
        known = self._known(value)
        if known is not None:
            return _type_name(value) + self._text(dict(known), where, content, above)
        if is_dataclass(value):
            held = {field.name: getattr(value, field.name) for field in fields(value)}
            return self._describe_code(type(value)) + self._text(held, where, content, above)
        return self._object(value, where, content, above)

    def _object(self, value: Any, where: str, content: int, above: _Ids) -> str:
        """Return the text of an object's state, as pickle would keep it."""
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:
            raise UnhashableError(where, f"a {_type_name(value)}: {error}") from error
        if isinstance(reduced, str):
            return f"{_type_name(value)}:{reduced}"
        kept = [list(item) if isinstance(item, Iterator) else item for item in reduced[:5]]
        return f"object({','.join(self._text(item, where, content, above) for item in kept)})"


def _content_of_result(value: dict[Any, Any], content: int) -> int:
    """Return the paths whose content counts in a dictionary: none in a result, as ``dir_name`` identifies its files."""
    return _NOTHING if "dir_name" in value and content == _FILES else content


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _float(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def _string(value: str, content: int) -> str:
    if content and (content == _ALL or os.sep in value or "." in value) and "\0" not in value:
        return _path(value, content)
    return json.dumps(value)


def _path(value: str | bytes, content: int) -> str:
    """Return the text of a path with a digest of its content, as a file may change under the same name."""
    path = os.path.expanduser(os.fsdecode(value))
    text = json.dumps(os.fsdecode(value))
    if content and os.path.isfile(path):
        return f"{text}={_file(path)}"
    if content == _ALL and os.path.isdir(path):
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


def _array(value: np.ndarray[Any, Any]) -> str:
    if value.dtype.kind == "f":
        value = value.astype(np.float64) + 0.0  # adding zero makes negative zeros positive
        whole = value.astype(np.int64) if np.isfinite(value).all() and (abs(value) < 2**53).all() else None
        value = whole if whole is not None and (whole == value).all() else value
    elif value.dtype.kind in "iu" and value.dtype != np.uint64:
        value = value.astype(np.int64)
    return f"array{value.shape}{value.dtype.str}:{digest(np.ascontiguousarray(value).tobytes())}"


_PLAIN: dict[type, Callable[[Any], str]] = {
    str: json.dumps,
    int: str,
    float: _float,
    bool: str,
    type(None): str,
    complex: lambda value: f"complex({_float(value.real)},{_float(value.imag)})",
    bytes: lambda value: f"bytes:{digest(value)}",
    type(...): str,
}
_SCALARS = frozenset({int, float, bool, type(None)})  # types whose text is short and cannot name a file
_Describe = Callable[[Canonical, Any, str, int, _Ids], str]
_OF_TYPE: dict[type, _Describe] = {
    list: Canonical._sequence,
    tuple: Canonical._sequence,
    dict: Canonical._dict,
    set: Canonical._set,
    frozenset: Canonical._set,
    np.ndarray: Canonical._array,
}
_OF_INSTANCE: list[tuple[type | tuple[type, ...], _Describe]] = [  # the first that fits
    (np.ndarray, Canonical._array),
    (os.PathLike, lambda canonical, value, where, content, above: _path(os.fspath(value), content)),
    (Enum, lambda canonical, value, where, content, above: f"{_type_name(value)}.{value.name}"),
    (
        (FunctionType, BuiltinFunctionType, type),
        lambda canonical, value, where, content, above: canonical._describe_code(value),
    ),
    (MethodType, Canonical._method),
    (object, Canonical._instance),
]
