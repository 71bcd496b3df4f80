"""Canonical text: values that mean the same have the same text in every process."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from adatom.cache.numbers import PLAIN, array_text, scalar_text
from adatom.cache.packages import is_library
from adatom.cache.paths import ALL, FILES, NOTHING, path_text, string_text
from adatom.cache.reduced import find_importable, reduced, type_name
from adatom.cache.types import TypeSupport, support
from adatom.cache.unhashable import UnhashableError, digest

__all__ = ["Canonical", "UnhashableError", "digest", "held_by_step", "is_step"]

_Ids = tuple[int, ...]  # of the objects around a piece, which it must not contain again
_SHORT = 60  # characters; longer text is replaced by its digest
CACHED_FROM = "cached_from"  # entry of a provenance that names the key of a stored result; it never counts


class Canonical:
    """Maker of canonical text.

    Parameters
    ----------
    describe_code
        Function that returns the text of a function, class or module.
    reads
        Option ``reads`` of a job: names that are handed to the types of packages, and names of arguments whose files
        and directories count with their content.

    Attributes
    ----------
    met
        List to which `describe_code` may append what it has met, in an order that does not depend on the process.
        What is met inside a piece of long text becomes one tuple.
    """

    def __init__(self, describe_code: Callable[[Any], str], reads: Collection[str] = ()) -> None:
        self._describe_code = describe_code
        self._reads = frozenset(reads)
        self._texts: dict[tuple[int, int], tuple[Any, str, tuple[Any, ...]]] = {}
        self.met: list[Any] = []

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
            return [(name, PLAIN[type(value)](value))]
        self._texts.clear()
        return self._parts(name, value, ALL if name in self._reads else FILES, ())

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
        self._texts.clear()  # values may have changed since
        return self._text(value, where, FILES, ())

    def _parts(self, name: str, value: Any, content: int, above: _Ids) -> Iterator[tuple[str, str]]:
        kind = ""
        pieces: Mapping[str, Any] | None = None
        if type(value) is dict and all(type(key) is str for key in value):
            kind, pieces = "dict", {key: value[key] for key in sorted(value)}
            content = _content_of_result(value, content)
        elif type(value) not in PLAIN:
            kind, pieces = type_name(value), self._known(value)
        if pieces is None or id(value) in above:
            text = self._text(value, name, content, above)
            yield name, text if len(text) <= _SHORT else digest(text)
            return
        yield name, kind
        around = (*above, id(value))
        for key, piece in pieces.items():
            if key != CACHED_FROM:
                yield from self._parts(f"{name}.{key}", piece, content, around)

    def _known(self, value: Any) -> Mapping[str, Any] | None:
        """Return the pieces of an object that its package registers as counting; None for other objects."""
        kind: Any = type(value)
        helper = _helper(kind)
        return helper.parts(value, self._reads) if helper else None

    def _text(self, value: Any, where: str, content: int, above: _Ids) -> str:
        kind: Any = type(value)
        if kind is str:
            return string_text(value, content)
        if kind in PLAIN:
            return PLAIN[kind](value)
        if id(value) in above:
            raise UnhashableError(where, "which contains itself")
        known = self._texts.get((id(value), content))
        if known is None:
            start = len(self.met)
            text = _describer(kind)(self, value, where, content, (*above, id(value)))
            if len(text) <= _SHORT:
                return text
            # What is reached by many ways would make the text grow exponentially.
            known = value, digest(text), tuple(self.met[start:])
            del self.met[start:]
            self._texts[id(value), content] = known
        if known[2]:
            self.met.append(known[2])
        return known[1]

    def _in_order(self, texts: Iterable[str]) -> list[str]:
        """Return texts in alphabetical order, and bring what was met on their ways into the same order."""
        start = len(self.met)
        found = []
        for text in texts:
            found.append((text, self.met[start:]))
            del self.met[start:]
        found.sort(key=lambda pair: pair[0])
        self.met += [item for _, met in found for item in met]
        return [text for text, _ in found]

    def _array(self, value: np.ndarray[Any, Any], where: str, content: int, above: _Ids) -> str:
        if value.dtype.names is not None:
            held = [(name, value[name]) for name in value.dtype.names]
            return f"fields{value.shape}{self._text(held, where, content, above)}"
        if value.dtype.hasobject:
            return f"array{value.shape}{self._text(value.tolist(), where, content, above)}"
        return array_text(value)

    def _number(self, value: np.generic, where: str, content: int, above: _Ids) -> str:
        if value.dtype.names is not None:
            return self._array(np.asarray(value), where, content, above)
        return string_text(str(value), content) if isinstance(value, np.str_) else scalar_text(value)

    def _sequence(self, value: list[Any] | tuple[Any, ...], where: str, content: int, above: _Ids) -> str:
        items = [self._text(item, f"{where}[{i}]", content, above) for i, item in enumerate(value)]
        return f"{type(value).__name__}[{','.join(items)}]"

    def _dict(self, value: dict[Any, Any], where: str, content: int, above: _Ids) -> str:
        inside = _content_of_result(value, content)
        items = self._in_order(
            f"{self._text(key, where, NOTHING, above)}:{self._text(item, f'{where}[{key!r}]', inside, above)}"
            for key, item in value.items()
            if not (type(key) is str and key == CACHED_FROM)
        )
        return f"dict{{{','.join(items)}}}"

    def _set(self, value: set[Any] | frozenset[Any], where: str, content: int, above: _Ids) -> str:
        return f"set{{{','.join(self._in_order(self._text(item, where, content, above) for item in value))}}}"

    def _path(self, value: os.PathLike[Any], where: str, content: int, above: _Ids) -> str:
        return f"{type_name(value)}({path_text(os.fspath(value), content)})"

    def _enum(self, value: Enum, where: str, content: int, above: _Ids) -> str:
        held = {name: item for name, item in vars(value).items() if name not in _OF_ENUM}
        return f"{self._describe_code(type(value))}.{value.name}{self._text(held, where, content, above)}"

    def _method(self, value: MethodType, where: str, content: int, above: _Ids) -> str:
        return f"{self._describe_code(value.__func__)}({self._text(value.__self__, where, content, above)})"

    def _builtin(self, value: BuiltinFunctionType, where: str, content: int, above: _Ids) -> str:
        if isinstance(value.__self__, ModuleType | None) or find_importable(value):
            return self._describe_code(value)
        return self._object(value, where, content, above)  # a method of an object that counts

    def _code(self, value: Any, where: str, content: int, above: _Ids) -> str:
        return self._describe_code(value)

    def _instance(self, value: Any, where: str, content: int, above: _Ids) -> str:
        known = self._known(value)
        if known is not None:
            return type_name(value) + self._text(dict(known), where, content, above)
        if _wraps_function(value):
            return type_name(value) + self._text(held_by_step(value), where, content, above)
        if hasattr(value, "__qualname__") and is_library(value) and find_importable(value):
            return self._describe_code(value)
        return self._object(value, where, content, above)

    def _object(self, value: Any, where: str, content: int, above: _Ids) -> str:
        """Return the text of an object's state, as pickle would keep it."""
        try:
            pieces = reduced(value)
        except Exception as error:
            raise UnhashableError(where, f"a {type_name(value)}: {error}") from error
        return f"object({','.join(self._text(piece, where, content, above) for piece in pieces)})"


def _wraps_function(value: Any) -> bool:
    return isinstance(getattr(value, "_fn", None), FunctionType)


def is_step(value: Any) -> bool:
    """Return whether the text of an object is that of a job or flow.

    Parameters
    ----------
    value
        Object that may be a job or flow.
    """
    kind: Any = type(value)
    return _wraps_function(value) and _describer(kind) is Canonical._instance and _helper(kind) is None


def held_by_step(value: Any) -> tuple[Any, Any, Any]:
    """Return what counts of a job or flow: function, defaults and version; how it runs does not.

    Parameters
    ----------
    value
        Object of which `is_step` is true.
    """
    return value._fn, getattr(value, "defaults", None), getattr(getattr(value, "options", None), "version", None)


def _content_of_result(value: dict[Any, Any], content: int) -> int:
    """Return the paths whose content counts in a dictionary: none in a result, as ``dir_name`` identifies its files."""
    return NOTHING if "dir_name" in value and content == FILES else content


_OF_ENUM = frozenset({"_name_", "__objclass__", "_sort_order_"})
_SCALARS = frozenset({int, float, bool, type(None)})  # types whose text is short and cannot name a file
_Describe = Callable[[Canonical, Any, str, int, _Ids], str]
_OF_TYPE: dict[type, _Describe] = {
    list: Canonical._sequence,
    tuple: Canonical._sequence,
    dict: Canonical._dict,
    set: Canonical._set,
    frozenset: Canonical._set,
    np.ndarray: Canonical._array,
    np.memmap: Canonical._array,
}
_OF_SUBTYPE: list[tuple[tuple[type, ...], _Describe]] = [  # the first that fits
    ((np.generic,), Canonical._number),
    ((os.PathLike,), Canonical._path),
    ((Enum,), Canonical._enum),
    ((FunctionType, type, ModuleType), Canonical._code),
    ((BuiltinFunctionType,), Canonical._builtin),
    ((MethodType,), Canonical._method),
    ((object,), Canonical._instance),
]


@lru_cache(maxsize=4096)
def _helper(kind: Any) -> TypeSupport | None:
    """Return the module that knows a type, or one that it derives from."""
    return next(filter(None, (support(base.__module__.partition(".")[0]) for base in kind.__mro__)), None)


@lru_cache(maxsize=4096)
def _describer(kind: Any) -> _Describe:
    return _OF_TYPE.get(kind) or next(describe for kinds, describe in _OF_SUBTYPE if issubclass(kind, kinds))
