"""Reader of extended XYZ, which gives the structures that ASE gives, several times faster.

The comment line is read here: the C reader of the package `extxyz` has rules of its own for quotes, brackets, booleans,
strings and integers. The C reader reads the rows of atoms, if there are many and they hold nothing that it misreads.
Structures with anything unusual are read by ASE.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from functools import cache, lru_cache
from io import StringIO
from typing import Any, NamedTuple, cast

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.constraints import FixAtoms, FixCartesian
from ase.data import atomic_numbers
from ase.io.extxyz import key_val_str_to_dict, parse_properties, per_config_properties, read_xyz
from numpy.typing import NDArray

from adatom.configs.build import attach_results, build_atoms
from adatom.configs.extxyz_lines import (
    DEFAULT_COLUMNS,
    FrameError,
    FrameLines,
    count_columns,
    faulty_line,
    split_frames,
)

__all__ = ["read_frame", "split_frames"]

# These patterns match the usual values, which are converted below as ASE does it. All others are left to ASE itself.
_PAIR = re.compile(r"""([^\s="'{}\[\]\\]+)=(?:"([^"\\]+)"|([^\s="'{}\[\]\\]+))(?:\s+|$)""")
_INTEGER = r"[+-]?[0-9]{1,18}"  # fits into 64 bits
_NUMBER = r"[+-]?(?:[0-9]{1,18}|[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_IS_INTEGER = re.compile(_INTEGER).fullmatch
_IS_NUMBER = re.compile(_NUMBER).fullmatch
_ARE_INTEGERS = re.compile(rf"{_INTEGER}(?: +{_INTEGER})+").fullmatch
_ARE_NUMBERS = re.compile(rf"{_NUMBER}(?: +{_NUMBER})+").fullmatch
_LEFT_TO_ASE = {"uid", "Lattice", "stress", "virial"}  # ASE has rules of its own for these

_QUOTES = dict.fromkeys(map(ord, "\\\"'{}[]"))  # signs that ASE's parser leaves out
_MOST_COLUMNS = 100_000  # of a description; parse_properties would make as many objects as it says
_SHORT = 1000  # characters of a text whose value is remembered

_MANY = 16  # atoms from which on the C reader is faster
# The C reader reads these otherwise than ASE: 1d5, 0x10, TRUE, integers above 31 bits, characters outside ASCII.
_LETTERS_OF_NUMBERS = b"dDxX"
_NUMBER_OTHERWISE = re.compile(rb"[0-9.][dDxX]").search
_LONG_INTEGER = re.compile(rb"(?<![0-9.])[0-9]{10}").search
_PRINTED = bytes([*b"\t\r\n", *range(32, 127)])


class _Unusual(Exception):
    """Signal that ASE has to read the structure."""


def read_frame(lines: Sequence[str]) -> Atoms:
    """Return the structure that ASE would read from the same lines.

    Parameters
    ----------
    lines
        Lines of one structure, of which the first is the number of its atoms.

    Raises
    ------
    FrameError
        The lines cannot be read.
    """
    try:
        return _read(lines)
    except Exception:
        return _read_by_ase(lines)


def _read_by_ase(lines: Sequence[str]) -> Atoms:
    """Let ASE read a structure for which it takes no more time and memory than the lines are worth."""
    first, place = getattr(lines, "first", FrameLines.first), 0
    try:
        count = int(lines[0])
        if len(lines) < count + 2:
            raise FrameError(f"there are {len(lines) - 2} of {count} atoms", first + len(lines) - 1)
        place = 1
        comment = lines[1].strip()
        described = ""
        if "Properties" in comment.translate(_QUOTES):  # else it need not be parsed twice
            described = key_val_str_to_dict(comment).get("Properties", "")
        width, words = (
            count_columns(str(described)),
            max((len(line.split()) for line in lines[2:3]), default=_MOST_COLUMNS),
        )
        if width > words:
            raise FrameError(f"Properties has {width} columns, and the first atom {words}", first + 1)
        place = 0
        return cast(Atoms, next(read_xyz(StringIO("".join(lines)), 0)))
    except FrameError:
        raise
    except Exception as error:  # of many kinds
        place = place or faulty_line(lines, str(described))
        raise FrameError(f"{type(error).__name__}: {str(error)[:_SHORT].rstrip('.')}", first + place) from error


def _read(lines: Sequence[str]) -> Atoms:
    count = int(lines[0])
    if count < 1 or len(lines) != count + 2:
        raise _Unusual
    pairs = _pairs(lines[1].strip())
    layout = _short(_layout, pairs.pop("Properties", DEFAULT_COLUMNS))
    cell, pbc = _cell(pairs)
    columns = _columns(layout, lines, count)
    arrays: dict[str, NDArray[Any]] = {"numbers": columns.pop("numbers"), "positions": columns.pop("positions")}
    move_mask = columns.pop("move_mask", None)
    results: dict[str, Any] = {}
    for name in layout.results:
        values = columns.pop(name)
        results[name] = values if name in _AS_THEY_ARE else values.astype(float)
    arrays.update(columns)
    atoms = build_atoms(arrays, cell, pbc, _info(pairs, results))
    if move_mask is not None:
        atoms.set_constraint(_constraints(move_mask))
    if results:
        attach_results(atoms, results)
    return atoms


def _cell(pairs: dict[str, str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Take the cell vectors and the periodicity out of the pairs, and return them."""
    cell, pbc = np.zeros((3, 3)), np.zeros(3, bool)
    if "Lattice" in pairs:
        cell, pbc = _short(_lattice, pairs.pop("Lattice")).copy(), np.ones(3, bool)
    if "pbc" in pairs:
        pbc = _short(_pbc, pairs.pop("pbc")).copy()
    return cell, pbc


def _short(function: Any, text: str) -> Any:
    """Return the value of a function that remembers values, which it does not for a long text."""
    return function(text) if len(text) < _SHORT else function.__wrapped__(text)


def _info(pairs: dict[str, str], results: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the pairs; those of properties are added to the results instead."""
    info: dict[str, Any] = {}
    for key, text in pairs.items():
        value = _value(key, text)
        if key not in _RESULTS:
            info[key] = value
        elif key == "stress":
            results[key] = np.array([value[i, j] for i, j in _VOIGT], float)
        else:
            results[key] = value if key in _AS_THEY_ARE else np.array(value, float)
    return info


def _constraints(move_mask: NDArray[np.bool_]) -> Any:
    if move_mask.ndim == 1:
        return FixAtoms(mask=~move_mask)
    return [FixCartesian(atom, mask=~mask) for atom, mask in enumerate(move_mask)]


_RESULTS = frozenset(per_config_properties)
_AS_THEY_ARE = frozenset({"energy", "magmom", "free_energy"})  # a SinglePointCalculator makes no arrays of these
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def _pairs(line: str) -> dict[str, str]:
    pairs, end, length = {}, 0, len(line)
    while end < length:
        match = _PAIR.match(line, end)  # never a search, which would take the square of the time for a long word
        if match is None:
            raise _Unusual
        end = match.end()
        key, quoted, bare = match.groups()
        pairs[key] = quoted or bare
    return pairs


def _value(key: str, text: str) -> Any:
    if key not in _LEFT_TO_ASE and key.lower() != "uid":
        if _IS_INTEGER(text):
            return np.int64(text)
        if _IS_NUMBER(text):
            return np.float64(text)
    if _ARE_NUMBERS(text) and key.lower() != "uid":
        numbers = text.split()
        values = np.array(list(map(int if _ARE_INTEGERS(text) else float, numbers)))
        if key not in _LEFT_TO_ASE:
            return values
        return values.reshape((3, 3), order="F")
    found = (_value_by_ase if len(key) + len(text) < _SHORT else _value_by_ase.__wrapped__)(key, text)
    return found if type(found) in (str, bool) else deepcopy(found)


@lru_cache(maxsize=4096)
def _value_by_ase(key: str, text: str) -> Any:
    [value] = key_val_str_to_dict(f'{key}="{text}"').values()
    return value


@lru_cache(maxsize=4096)
def _lattice(text: str) -> NDArray[np.float64]:
    return np.array(_value("Lattice", text).T, float, order="C")


@lru_cache(maxsize=4096)
def _pbc(text: str) -> NDArray[np.bool_]:
    pbc = np.zeros(3, bool)
    pbc[:] = _value("pbc", text)
    return pbc


class _Layout(NamedTuple):
    """Columns of the rows of atoms, as the key ``Properties`` describes them."""

    text: str
    columns: list[tuple[str, str, list[Callable[[str], Any]], Any]]  # name in the file, in ASE, converters, dtype
    width: int
    has_integers: bool
    results: list[str]  # names in ASE


# Types and widths that columns with a meaning in ASE may have, by ASE's name; f: float, i: integer, O: text, b: bool.
_FORMS = {
    "positions": {("f", 3)},
    "symbols": {("O", 1), ("i", 1)},
    "numbers": {("O", 1), ("i", 1)},
    "move_mask": {("b", 1), ("b", 3)},
}


@lru_cache(maxsize=1024)
def _layout(text: str) -> _Layout:
    if count_columns(text) > _MOST_COLUMNS:
        raise _Unusual
    properties, names, dtype, converters = parse_properties(text)
    columns, place = [], 0
    for name in names:
        ase_name, width = properties[name]
        columns.append((name, ase_name, converters[place : place + width], dtype[place]))
        place += width
    forms = {ase_name: (kind.kind, len(each)) for _, ase_name, each, kind in columns}
    widths = [width for _, width in forms.values()]
    if len(forms) < len(columns) or 0 in widths or sum(widths) != len(converters) or not _is_usual(forms):
        raise _Unusual
    return _Layout(
        text, columns, len(converters), int in converters, [name for name in forms if name in all_properties]
    )


def _is_usual(forms: dict[str, tuple[str, int]]) -> bool:
    return (
        "positions" in forms
        and ("symbols" in forms) != ("numbers" in forms)
        and "initial_charges" not in forms  # ASE sets these before the other columns
        and all(forms[name] in allowed for name, allowed in _FORMS.items() if name in forms)
    )


def _columns(layout: _Layout, lines: Sequence[str], count: int) -> dict[str, NDArray[Any]]:
    """Return the columns under ASE's names and with its types and shapes, (natoms,) or (natoms, width)."""
    found = _columns_by_c(layout, lines) if count >= _MANY else None
    if found is None:
        columns = _columns_of_text(layout, lines)
    else:
        columns = {ase_name: found[name].astype(dtype, copy=False) for name, ase_name, _, dtype in layout.columns}
    if "symbols" in columns:
        columns["numbers"] = np.array([_number(symbol) for symbol in columns.pop("symbols").tolist()], int)
    else:
        columns["numbers"] = columns["numbers"].astype(int)
    return columns


@lru_cache(maxsize=1024)
def _number(symbol: str) -> int:
    return atomic_numbers[symbol.capitalize()]


def _columns_of_text(layout: _Layout, lines: Sequence[str]) -> dict[str, NDArray[Any]]:
    rows = [line.split() for line in lines[2:]]
    if {len(row) for row in rows} != {layout.width}:
        raise _Unusual
    columns: dict[str, NDArray[Any]] = {}
    texts, place = list(zip(*rows, strict=True)), 0
    for _, ase_name, converters, dtype in layout.columns:
        width, convert = len(converters), converters[0]
        if width == 1:
            columns[ase_name] = np.array(list(map(convert, texts[place])), dtype)
        else:
            parts = [list(map(convert, text)) for text in texts[place : place + width]]
            columns[ase_name] = np.array(parts, dtype).T.copy()
        place += width
    return columns


def _columns_by_c(layout: _Layout, lines: Iterable[str]) -> dict[str, NDArray[Any]] | None:
    """Return the columns as the C reader reads them; None: it is missing, or would not read them as ASE does."""
    reader = _c_reader()
    if reader is None:
        return None
    text = "".join(lines).encode()
    if _is_read_otherwise(text.split(b"\n", 2)[2], layout):
        return None
    extxyz, open_memory = reader
    stream = open_memory(text, len(text), b"r")
    if not stream.value:
        return None
    try:
        return extxyz.read_frame_dicts(stream, comment=f"Properties={layout.text}", use_cleri=False)[2]
    except (extxyz.ExtXYZError, EOFError):
        return None
    finally:
        extxyz.cfclose(stream)


def _is_read_otherwise(body: bytes, layout: _Layout) -> bool:
    return bool(
        body.translate(None, _PRINTED)
        or b"TRUE" in body
        or b"FALSE" in body
        or (any(letter in body for letter in _LETTERS_OF_NUMBERS) and _NUMBER_OTHERWISE(body))
        or (layout.has_integers and _LONG_INTEGER(body))
    )


@cache
def _c_reader() -> tuple[Any, Any] | None:
    """Return the C reader of the package `extxyz`, and C's `fmemopen`; None if either is missing."""
    try:
        from extxyz import cextxyz

        open_memory = ctypes.CDLL(None).fmemopen
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    open_memory.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p]
    open_memory.restype = cextxyz.FILE_ptr
    return cextxyz, open_memory
