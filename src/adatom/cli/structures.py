"""Structures named on a command line."""

from __future__ import annotations

import inspect
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.build import bulk, molecule
from ase.build.molecule import extra
from ase.collections import g2
from ase.io import read
from ase.io.formats import UnknownFileTypeError, filetype
from ase.utils import string2index

from adatom.calculations.checks import check_atoms
from adatom.cli.literals import parse_value, split_commas
from adatom.errors import InputError, UnknownNameError

__all__ = ["read_structures"]

_FORMS = "Valid: FILE, FILE@2, FILE@: for all in it, FILE.db@id=3, -, bulk:Cu, bulk:NaCl,rocksalt,a=5.64, molecule:H2O."


def read_structures(text: str) -> list[Atoms]:
    """Return the structures that a word of the command line names.

    Parameters
    ----------
    text
        ``bulk:NAME`` or ``molecule:NAME``, each with ``,key=value`` for the arguments of ASE's function of that name;
        or the path of a file that ASE reads, with ``@`` and an index, a slice or, of a database, a selection. As in
        ASE, a file without ``@`` stands for the last structure in it. ``-`` is the standard input.

    Raises
    ------
    InputError
        No such structure exists, or it cannot be computed: it has no atoms, or a position that is not a number.
    """
    kind, colon, rest = text.partition(":")
    structures = [_BUILDERS[kind](text, rest)] if colon and kind in _BUILDERS else _read_file(text)
    if not structures:
        raise InputError(f"{text} selects no structure.")
    for atoms in structures:
        try:
            check_atoms(atoms)
        except InputError as error:
            raise InputError(f"{text}: {error}") from error
    return structures


def _bulk(text: str, rest: str) -> Atoms:
    name, *more = split_commas(rest)
    if more and "=" not in more[0]:
        more[0] = f"crystalstructure={more[0]!r}"
    valid = [key for key in inspect.signature(bulk).parameters if key != "name"]
    try:
        return bulk(name, **_options("bulk", more, valid))
    except InputError:
        raise
    except Exception as error:  # ASE raises exceptions of many kinds
        reason = _reason(error).partition("Reference data:")[0].strip()  # of which ASE prints a dictionary
        raise InputError(f"{text}: {reason} Valid: bulk:Cu, bulk:NaCl,rocksalt,a=5.64 (Å).") from error


def _molecule(text: str, rest: str) -> Atoms:
    name, *more = split_commas(rest)
    if name not in g2.names and name not in extra:
        raise UnknownNameError("molecule", name, {*g2.names, *extra}, "A file is read too.")
    options = _options("molecule", more, ["vacuum", "cell", "pbc"])
    try:
        return molecule(name, **options)
    except Exception as error:
        raise InputError(f"{text}: {_reason(error)} Valid: molecule:H2O, molecule:H2O,vacuum=5 (Å).") from error


_BUILDERS: dict[str, Callable[[str, str], Atoms]] = {"bulk": _bulk, "molecule": _molecule}


def _options(kind: str, parts: list[str], valid: list[str]) -> dict[str, Any]:
    options = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise InputError(f"{kind}: {part!r} is not KEY=VALUE. Valid keys: {', '.join(valid)}.")
        if key.strip() not in valid:
            raise UnknownNameError(f"key of {kind}", key.strip(), valid)
        options[key.strip()] = parse_value(value)
    return options


def _read_file(text: str) -> list[Atoms]:
    path, index = text, "-1"
    if "@" in Path(text).name and not Path(text).exists():
        path, _, index = text.rpartition("@")
    if path == "-":
        return _read_stdin(index)
    if not Path(path).exists():
        hint = f" A parameter is given as --set {path}." if re.fullmatch(r"\w+=.*", str(path)) else ""
        raise InputError(f"There is no file {path!r}.{hint} {_FORMS}")
    try:
        structures = read(path, string2index(index), do_not_split_by_at_sign=True)
    except UnknownFileTypeError as error:
        raise InputError(
            f"ASE cannot tell the format of {path!r}. `ase info --formats` lists those it reads."
        ) from error
    except (IndexError, StopIteration) as error:
        raise InputError(f"{path!r} has no structure {index}. {_FORMS}") from error
    except Exception as error:  # each parser of ASE raises its own
        raise InputError(f"ASE cannot read {text!r}: {_reason(error)} {_FORMS}") from error
    return structures if isinstance(structures, list) else [structures]


def _read_stdin(index: str) -> list[Atoms]:
    """Read the standard input: a format that ASE knows by what is in it, else extended XYZ."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin")
        if not path.write_bytes(sys.stdin.buffer.read()):
            raise InputError("The standard input is empty. Give a structure in it, such as one in extended XYZ.")
        try:
            form = filetype(str(path))
        except (UnknownFileTypeError, EOFError):
            form = "extxyz"
        try:
            structures = read(path, string2index(index), form)
        except Exception as error:  # each parser of ASE raises its own
            raise InputError(
                f"The standard input cannot be read as {form}: {_reason(error)} Valid: extended XYZ, and formats that "
                "ASE knows without the name of a file."
            ) from error
    return structures if isinstance(structures, list) else [structures]


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is no text."
    if not str(error):  # such as the assertions of the parser of CIF
        return f"it is cut off, or not in the format that its name says ({type(error).__name__})."
    return f"{type(error).__name__}: {error}".strip(" .:") + "."
