"""CP2K's files of basis sets and pseudopotentials."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom.calculators.cp2k.input import DEFAULTS
from adatom.calculators.programs import Programs
from adatom.errors import InputError
from adatom.settings import get_settings

__all__ = ["PROGRAMS", "check_data", "data_directory"]

PROGRAMS = Programs(
    "cp2k",
    "cp2k.psmp",
    "`apt-get install cp2k cp2k-data`, or conda's package cp2k",
    named=r"cp2k(_shell)?(\.[sp]?(smp|dbg|opt))?",
)


def data_directory() -> Path | None:
    """Return the directory of basis sets and pseudopotentials, or None for the one that is built into the program."""
    key, said = "data_dir", os.environ.get("CP2K_DATA_DIR")
    if PROGRAMS.configured(key) or get_settings().data_dirs.get(PROGRAMS.code):
        return PROGRAMS.data_dir(key=key)
    return Path(said) if said else None


def check_data(atoms: Atoms, parameters: Mapping[str, Any]) -> None:
    """Refuse a basis set or a pseudopotential that CP2K's files do not have for an element of a structure.

    Parameters
    ----------
    atoms
        Structure that will be computed.
    parameters
        Arguments of the calculator, by name.

    Raises
    ------
    InputError
        A file of the data directory lacks the name.
    """
    given = {**DEFAULTS, **parameters}
    directory = data_directory() or Path("/usr/share/cp2k")
    for what, file in (("basis_set", "basis_set_file"), ("pseudo_potential", "potential_file")):
        name, place = given[what], given[file] and directory / given[file]
        if name in (None, "auto") or not place or not place.is_file():
            continue  # CP2K looks for files in the directory of the job, too
        text = place.read_text(errors="replace")
        for symbol in sorted({*atoms.symbols}):
            if re.search(rf"(?i)^\s*&KIND\s+{symbol}\b", given["inp"] or "", re.MULTILINE):
                continue
            names = {word for row in re.findall(rf"^ *{symbol}( .*)$", text, re.MULTILINE) for word in row.split()}
            if name not in names:
                raise InputError(
                    f"{place} has no {name!r} for {symbol}. {what} can be: {', '.join(sorted(names)) or 'none'}. Or "
                    f"give another {file}."
                )
