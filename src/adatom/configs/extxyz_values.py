"""Pairs of key and value in the comment line of extended XYZ, written so that they are read back equal."""

from __future__ import annotations

import json
import numbers
import re
import reprlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from ase.io.extxyz import SPECIAL_3_3_KEYS, UNPROCESSED_KEYS, escape, key_val_str_to_dict, per_config_properties
from ase.spacegroup.spacegroup import Spacegroup
from numpy.typing import NDArray

from adatom.errors import InputError

__all__ = ["info_pair", "is_readable_text", "pair", "quoted"]

_OWN_KEYS = frozenset({"Lattice", "Properties", "pbc"})
_RESULTS = frozenset(per_config_properties)
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*").fullmatch
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.:/+-]*").fullmatch
_NO_WORDS = frozenset({"t", "f", "true", "false", "nan", "inf", "infinity"})  # read as booleans or numbers
_SHORT = 1000  # characters of a text whose pair is remembered


def info_pair(key: Any, value: Any) -> str:
    """Return the pair for an entry of `Atoms.info`.

    Parameters
    ----------
    key, value
        Entry of `info`.

    Raises
    ------
    InputError
        The entry cannot be written so that ASE and adatom read it back equal.
    """
    if key in _OWN_KEYS:
        raise InputError(f"info[{key!r}]: extended XYZ keeps its own data under this key. Rename or remove the entry.")
    if key in _RESULTS:
        raise InputError(
            f"info[{key!r}]: extended XYZ keeps results of a calculator under this key. Rename the entry, such as to "
            f"{'REF_' + key!r}, or give the structure a SinglePointCalculator."
        )
    return pair(key, value)


def pair(key: Any, value: Any) -> str:
    """Return a pair as ASE writes it if ASE reads that back equal, or else in another form that it reads back equal.

    Parameters
    ----------
    key, value
        Key and value. Tuples, lists and arrays with the same elements are equal, and so are integers and floats of any
        width. A `Spacegroup` is written as its symbol.

    Raises
    ------
    InputError
        There is no form that is read back equal.
    """
    if _is_plain(key):
        write = _PLAIN.get(type(value))
        text = write(value) if write else None
        if text is not None:
            return f"{key}={text}"
    if type(value) is str and type(key) is str and len(value) < _SHORT:
        return _pair_of_text(key, value)
    return _checked(key, value)


def _plain_integer(value: Any) -> str | None:
    return f"{value}" if -(2**63) <= value < 2**63 else None


def _plain_word(value: str) -> str | None:
    return value if _PLAIN_WORD(value) and value.lower() not in _NO_WORDS else None


def _plain_array(value: NDArray[Any]) -> str | None:
    if value.ndim == 1 and len(value) > 1 and value.dtype in (np.float64, np.int64):
        return f'"{" ".join(map(str, value.tolist()))}"'
    return None


# Types of values that are known to be read back equal, and the function that returns their text; None: not all are.
_PLAIN: dict[type, Callable[[Any], str | None]] = {
    **dict.fromkeys((float, np.float64), format),
    **dict.fromkeys((int, np.int64), _plain_integer),
    **dict.fromkeys((bool, np.bool_), lambda value: "T" if value else "F"),
    str: _plain_word,
    np.ndarray: _plain_array,
}


def is_readable_text(text: str) -> bool:
    """Return True if a text can be part of a line of a file in UTF-8.

    Parameters
    ----------
    text
        Text to be written.
    """
    return not any(end in text for end in "\n\r\0") and not any("\ud800" <= letter <= "\udfff" for letter in text)


def quoted(text: str) -> str:
    """Return a text in quotes, with what ends a quotation escaped.

    Parameters
    ----------
    text
        Text to be written.
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@lru_cache(maxsize=4096, typed=True)
def _is_plain(key: Any) -> bool:
    return (
        type(key) is str
        and bool(_PLAIN_KEY(key))
        and key not in SPECIAL_3_3_KEYS
        and key.lower() not in UNPROCESSED_KEYS
    )


@lru_cache(maxsize=4096)
def _pair_of_text(key: str, text: str) -> str:
    return _checked(key, text)


def _checked(key: Any, value: Any) -> str:
    if not isinstance(key, str):
        raise InputError(f"info: the key {key!r} is no text. Replace it by {str(key)!r}.")
    for text in _forms(key, value):
        if is_readable_text(text) and _is_read_back(key, value, text):
            return text
    raise InputError(
        f"info[{key!r}] = {reprlib.repr(value)} is not read back equal from extended XYZ. Valid: text, numbers, "
        "booleans, None, and arrays, lists and dictionaries of these with text as keys. Change, rename or remove it, "
        "or write a store (.lmdb), which holds more types."
    )


def _forms(key: str, value: Any) -> Iterator[str]:
    """Yield the forms that a pair may have, that of ASE first."""
    for text in _texts(key, value):
        for name in (escape(key), quoted(key)):
            yield f"{name}={escape(text)}"
            yield f"{name}={quoted(text)}"


def _texts(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, np.ndarray):
        if key in SPECIAL_3_3_KEYS:
            value = value.reshape(value.size, order="F")
        if value.dtype.kind in "ifb" and value.ndim < 2:
            yield " ".join(_word(item) for item in np.atleast_1d(value))
        value = value.tolist()
    elif isinstance(value, str | np.bool_ | numbers.Real | Spacegroup):
        yield _word(value)
    if isinstance(value, np.floating):  # one of 32 bits has fewer digits than the number that is read
        yield repr(float(value))
    try:
        yield "_JSON " + json.dumps(value, default=_for_json)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "T" if value else "F"
    return str(value.symbol) if isinstance(value, Spacegroup) else f"{value}"


def _for_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufOU":
        return value.tolist()
    raise TypeError(value)


def _is_read_back(key: str, value: Any, text: str) -> bool:
    after = "b" if key == "a" else "a"
    try:
        found = key_val_str_to_dict(f"{text} {after}=1")
        return list(found) == [key, after] and _same(value, found[key])
    except Exception:  # whatever the parser of ASE raises
        return False


def _same(given: Any, found: Any, inside: bool = False) -> bool:
    compare = next((compare for kinds, compare in _SAME if isinstance(given, kinds)), None)
    return compare is not None and compare(given, found, inside)


def _same_text(given: Any, found: Any, _: bool) -> bool:
    return type(found) is str and bool(given == found)


def _same_dicts(given: dict[Any, Any], found: Any, _: bool) -> bool:
    return (
        type(found) is dict
        and list(given) == list(found)
        and all(_same(value, found[key], inside=True) for key, value in given.items())
    )


def _same_numbers(given: Any, found: Any, inside: bool) -> bool:
    if not isinstance(found, _NUMBERS):
        return False
    kinds = _kind(given), _kind(found)
    alike = kinds[0] == kinds[1] or (inside and "bool" not in kinds)
    return alike and bool(given == found or (given != given and found != found))


def _same_items(given: Any, found: Any, _: bool) -> bool:
    if isinstance(given, np.ndarray) and given.dtype.kind not in "biufOU":
        return False
    if not given.ndim if isinstance(given, np.ndarray) else False:
        return _same(given[()], found)
    if not isinstance(found, list | np.ndarray):
        return False
    if isinstance(given, np.ndarray) and given.shape != np.shape(found):
        return False
    return len(given) == len(found) and all(
        _same(one, other, inside=True) for one, other in zip(_items(given), _items(found), strict=True)
    )


_NUMBERS = (numbers.Real, np.bool_)
_SAME: list[tuple[type | tuple[type, ...], Callable[[Any, Any, bool], bool]]] = [  # the first that fits
    (Spacegroup, lambda given, found, inside: _same_text(given.symbol, found, inside)),
    (type(None), lambda given, found, inside: found is None),
    (str, _same_text),
    (dict, _same_dicts),
    ((list, tuple, np.ndarray), _same_items),
    (_NUMBERS, _same_numbers),
]


def _items(values: Any) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) else values


def _kind(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "bool"
    return "integer" if isinstance(value, numbers.Integral) else "real"
