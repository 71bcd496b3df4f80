"""Writer of extended XYZ, from which ASE and adatom read back what was given."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from io import StringIO
from itertools import chain, product
from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties
from ase.constraints import FixAtoms, FixCartesian
from ase.data import chemical_symbols
from ase.io.extxyz import (
    PROPERTY_NAME_MAP,
    REV_PROPERTY_NAME_MAP,
    key_val_str_to_dict,
    per_atom_properties,
    per_config_properties,
    read_xyz,
    write_xyz,
)
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress
from numpy.typing import NDArray

from adatom.configs.extxyz_values import info_pair, is_readable_text, pair, quoted
from adatom.configs.results import results_belong
from adatom.errors import InputError, UnknownNameError

__all__ = ["check_options", "frame_text"]

_PER_ATOM, _PER_CONFIG = frozenset(per_atom_properties), frozenset(per_config_properties)
_OWN_NAMES = frozenset({*REV_PROPERTY_NAME_MAP, "symbols", "move_mask", ""})
_FORMATS = {"f": ("R", "%16.8f"), "r": ("R", "%16r"), "i": ("I", "%8d"), "b": ("L", " %.1s"), "U": ("S", "%-2s")}
_FORMATS |= {"u": _FORMATS["i"], "O": ("S", "%s")}
_OPTIONS = ("columns", "comment", "plain", "vec_cell", "write_info", "write_results")


def frame_text(atoms: Atoms, options: Mapping[str, Any] | None = None) -> str:
    """Return a structure as extended XYZ: the text of ASE if that is read back equal, or else another one that is.

    Parameters
    ----------
    atoms
        Structure to write, with its arrays, `info`, `FixAtoms`, `FixCartesian`, and the results of its calculator that
        belong to it. Numbers that eight decimals do not hold are written with all their digits.
    options
        Arguments of ASE's writer, which leave out parts of the structure; None: it is written as it is.

    Raises
    ------
    InputError
        Something that is attached to the structure would not be read back equal.
    """
    if not options:
        return _text(atoms, _results(atoms))
    if options.get("plain") or options.get("vec_cell") or options.get("comment"):
        return _text_of_ase(atoms, options)
    results = _results(atoms) if options.get("write_results", True) else {}
    columns = options.get("columns")
    if columns is None:
        columns = (*atoms.arrays, *results, *_ALWAYS)
    return _text(*_reduced(atoms, results, columns, options.get("write_info", True)))


_ALWAYS = ("symbols", "positions", "move_mask")


def _reduced(
    atoms: Atoms, results: Mapping[str, Any], columns: Collection[str], whole: bool
) -> tuple[Atoms, dict[str, Any]]:
    """Return a structure and results with some columns, and with what belongs to the whole structure or without."""
    lost = [name for name in columns if not (name in atoms.arrays or name in results or name in _ALWAYS)]
    if lost:
        raise InputError(f"columns: the structure has no array {lost[0]!r}. It has: {', '.join(atoms.arrays)}.")
    reduced = Atoms(cell=atoms.cell, pbc=atoms.pbc, celldisp=atoms.get_celldisp())
    wanted = dict.fromkeys(("numbers", "positions", *columns))
    reduced.arrays = {name: atoms.arrays[name] for name in wanted if name in atoms.arrays}
    if "move_mask" in columns:
        reduced.set_constraint(atoms.constraints)
    if whole:
        reduced.info = atoms.info
    return reduced, {
        name: value for name, value in results.items() if (name in columns if name in _PER_ATOM else whole)
    }


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse arguments of the writer that no structure can be written with.

    Parameters
    ----------
    options
        Arguments of ASE's writer of extended XYZ.

    Raises
    ------
    InputError
        An argument does not exist, or has a value that gives files that cannot be read.
    """
    for name, value in options.items():
        if name not in _OPTIONS:
            raise UnknownNameError("argument of the writer of extended XYZ (write_kwargs)", name, _OPTIONS)
        if name not in ("columns", "comment") and not isinstance(value, bool):
            raise InputError(f"write_kwargs: {name}={value!r} is neither True nor False.")
    columns, comment = options.get("columns"), options.get("comment", "")
    if not isinstance(comment, str) or not is_readable_text(comment):
        raise InputError(f"write_kwargs: comment={comment!r} is no text of one line.")
    if columns is None:
        return
    if isinstance(columns, str) or list(columns)[:2] != ["symbols", "positions"]:
        raise InputError(f"write_kwargs: columns={columns!r} is no list that begins with 'symbols', 'positions'.")


def _text_of_ase(atoms: Atoms, options: Mapping[str, Any]) -> str:
    """Return a text without `info` by ASE, which is read again, as a comment may say anything."""
    file = StringIO()
    try:
        write_xyz(file, atoms, **options)
        [found] = read_xyz(StringIO(file.getvalue()), slice(None))
    except Exception as error:  # of many kinds
        raise InputError(f"write_kwargs={dict(options)!r}: {type(error).__name__}: {error}.") from error
    same = len(found) == len(atoms) and (found.numbers == atoms.numbers).all()
    if not same or not np.allclose(found.positions, atoms.positions, equal_nan=True):
        raise InputError(f"write_kwargs={dict(options)!r}: other atoms are read back. Leave the comment out.")
    return file.getvalue()


def _results(atoms: Atoms) -> dict[str, Any]:
    """Return the results that belong to a structure and have a place in extended XYZ."""
    calculator = atoms.calc
    if calculator is None or not getattr(calculator, "results", None) or not results_belong(calculator, atoms):
        return {}
    return {
        name: value
        for name, value in calculator.results.items()
        if value is not None and (name in _PER_CONFIG or name in _PER_ATOM)
    }


def _text(atoms: Atoms, results: Mapping[str, Any]) -> str:
    count = len(atoms.arrays["positions"])
    if atoms._celldisp.any():
        raise InputError("celldisp: extended XYZ has no place for the origin of a cell. Call atoms.set_celldisp(0).")
    columns = _columns(atoms, count)
    words = []
    for name, value in results.items():
        if name in _PER_ATOM:
            columns.append(_column(name, value, count))
        else:
            words.append(_result(name, value))
    layout, row = _layout(tuple([column[:3] for column in columns]))
    parts = [_lattice(atoms), layout, *[info_pair(key, value) for key, value in atoms.info.items()], *words]
    comment = " ".join([part for part in parts if part] + [_PBC[tuple(atoms._pbc.tolist())]])
    if count == 0:
        return f"0\n{comment}\n"
    values = chain.from_iterable(zip(*chain.from_iterable(column.values for column in columns), strict=True))
    return f"{count}\n{comment}\n{row * count % tuple(values)}"


_PBC = {flags: f'pbc="{" ".join("FT"[flag] for flag in flags)}"' for flags in product((False, True), repeat=3)}


def _columns(atoms: Atoms, count: int) -> list[_Column]:
    """Return the columns of a structure, without its results."""
    arrays = atoms.arrays
    columns = [_Column("symbols", "U" if count else "f", 1, _symbols(arrays["numbers"]))]
    columns.append(_column("positions", arrays["positions"], count))
    if atoms._constraints:
        columns += _move_mask(atoms._constraints, count)
    if len(arrays) > 2:
        for name, array in arrays.items():
            if name not in ("numbers", "positions"):
                _check_name(name)
                columns.append(_column(name, array, count))
    return columns


def _lattice(atoms: Atoms) -> str:
    cell = atoms._cellobj.array.ravel().tolist()
    return f'Lattice="{" ".join(map(str, cell))}"' if any(cell) else ""


class _Column(NamedTuple):
    name: str
    kind: str  # key of `_FORMATS`
    width: int
    values: list[list[Any]]  # a list for each number of an atom


@lru_cache(maxsize=1024)
def _layout(columns: tuple[tuple[str, str, int], ...]) -> tuple[str, str]:
    """Return the description of columns, and the template of a row."""
    described, fields, formats = [], [], []
    for name, kind, width in columns:
        written = PROPERTY_NAME_MAP.get(name, name)
        letter, form = _FORMATS[kind]
        described.append(f"{written}:{letter}:{width}")
        fields += [written] if width == 1 else [f"{written}{number}" for number in range(width)]
        formats += [form] * width
    twice = next((field for number, field in enumerate(fields) if field in fields[:number]), None)
    if twice is not None:
        raise InputError(f"arrays: two columns of extended XYZ would have the name {twice!r}. Rename an array.")
    text = ":".join(described)
    for form in (f"Properties={text}", f"Properties={quoted(text)}"):
        if is_readable_text(form) and key_val_str_to_dict(f"{form} a=1") == {"Properties": text, "a": 1}:
            return form, " ".join(formats) + "\n"
    raise InputError(f"arrays: extended XYZ does not hold the names {', '.join(map(repr, fields))}. Rename them.")


def _symbols(numbers: NDArray[Any]) -> list[list[Any]]:
    found = numbers.tolist()
    if found and not 0 <= min(found) <= max(found) < len(chemical_symbols):
        raise InputError(f"numbers: an atom has no chemical symbol. Valid: 0 to {len(chemical_symbols) - 1}.")
    return [[chemical_symbols[number] for number in found]]


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or ":" in name or name in _OWN_NAMES or not is_readable_text(name):
        raise InputError(f"arrays[{name!r}]: extended XYZ does not hold an array of this name. Rename it.")
    if name in all_properties:
        raise InputError(
            f"arrays[{name!r}]: extended XYZ keeps results of a calculator under this name. Rename the array, such as "
            f"to {'REF_' + name!r}, or give the structure a SinglePointCalculator."
        )


def _column(name: str, array: Any, count: int) -> _Column:
    if not isinstance(array, np.ndarray) or not array.ndim or len(array) != count:
        raise _no_column(name, array, f"has no row for each of {count} atoms")
    if array.ndim > 2:
        raise _no_column(name, array, "has too many dimensions. Give one of shape (natoms, n)")
    if array.ndim == 2 and array.shape[1] < 2:
        raise _no_column(name, array, "is read back with another shape. Give one of shape (natoms,)")
    kind = array.dtype.kind
    if kind not in _FORMATS or (name == "initial_charges" and (kind, array.ndim) != ("f", 1)):
        raise _no_column(name, array, "is of another type. Valid: real numbers, integers, booleans and text")
    values = [array.tolist()] if array.ndim == 1 else array.T.tolist()
    if kind == "f":
        return _column_of_reals(name, array, values)
    if check := _CHECKS.get(kind):
        check(name, array, values)
    return _Column(name, kind, len(values), values)


def _column_of_reals(name: str, array: NDArray[Any], values: list[list[Any]]) -> _Column:
    if array.dtype.itemsize != 8:
        array, given = array.astype(float), array
        if ((array != given) & (given == given)).any():
            raise _no_column(name, given, "has more digits than numbers of 64 bits")
        values = np.atleast_2d(array.T).tolist()
    short = not values[0] or _has_eight_decimals(array, values)
    return _Column(name, "f" if short else "r", len(values), values)


def _check_integers(name: str, array: NDArray[Any], values: list[list[int]]) -> None:
    if any(not -(2**31) <= number < 2**31 for part in values for number in part):
        raise _no_column(name, array, "has integers of more than 32 bits. Give numbers below 2**31, or real ones")


def _check_texts(name: str, array: NDArray[Any], values: list[list[Any]]) -> None:
    for text in chain.from_iterable(values):
        if not isinstance(text, str) or text.split() != [text] or not is_readable_text(text):
            raise _no_column(name, array, f"has {reprlib.repr(text)}, which is no text without blanks")


_CHECKS: dict[str, Callable[[str, NDArray[Any], list[list[Any]]], None]] = {
    **dict.fromkeys("iu", _check_integers),
    **dict.fromkeys("OU", _check_texts),
}


def _no_column(name: str, array: Any, why: str) -> InputError:
    what = f"of shape {array.shape} and type {array.dtype}" if isinstance(array, np.ndarray) else reprlib.repr(array)
    return InputError(
        f"arrays[{name!r}] {what}: for extended XYZ it {why}. Remove it, or write a store (.lmdb), which holds it."
    )


def _has_eight_decimals(array: NDArray[Any], values: list[list[float]]) -> bool:
    """Return True if numbers are the same after they are written with eight decimals."""
    if not _is_fixed(values[0][0]):
        return False
    if array.size < 64:  # for which NumPy is slower
        try:
            return all(round(number * 1e8) / 1e8 == number or _is_fixed(number) for part in values for number in part)
        except (OverflowError, ValueError):  # infinite, or no number
            pass
    with np.errstate(over="ignore"):
        rounded = np.rint(array * 1e8) / 1e8
    return all(map(_is_fixed, array[rounded != array].tolist()))


def _is_fixed(number: float) -> bool:
    return number != number or float(f"{number:.8f}") == number


def _move_mask(constraints: Any, count: int) -> Iterator[_Column]:
    """Yield the column that says what the constraints let move."""
    for constraint in constraints:
        if not isinstance(constraint, FixAtoms | FixCartesian):
            raise InputError(
                f"constraints: extended XYZ holds FixAtoms and FixCartesian, and not {type(constraint).__name__}. "
                "Remove it, or write a store (.lmdb)."
            )
    moves = np.ones((count, 3), bool)
    for constraint in constraints:
        moves[constraint.index] &= ~constraint.mask if isinstance(constraint, FixCartesian) else False
    if moves.all():
        return
    if all(isinstance(constraint, FixAtoms) for constraint in constraints):
        moves = moves[:, 0]
    yield _column("move_mask", moves, count)


def _result(name: str, value: Any) -> str:
    """Return the pair for a result of the whole structure."""
    if name == "stress":
        full = np.asarray(value, float)
        if full.shape == (3, 3):
            six = full_3x3_to_voigt_6_stress(full)
            if (voigt_6_to_full_3x3_stress(six) != full).any():
                raise InputError("results['stress']: a tensor that is not symmetric does not fit into extended XYZ.")
        elif full.shape == (6,):
            full = voigt_6_to_full_3x3_stress(full)
        return pair(name, full)
    return pair(name, value)
