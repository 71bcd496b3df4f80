"""Files of pseudopotentials that a structure needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ase import Atoms

from adatom.calculators.espresso.running import PROGRAMS
from adatom.errors import InputError

__all__ = ["check_pseudopotentials", "pseudo_dir"]

# The element in the header of the formats UPF 2 and UPF 1.
_ELEMENT = re.compile(r'\belement\s*=\s*"\s*(\w+)\s*"|^\s*(\w+)\s+Element\s*$', re.MULTILINE)


def pseudo_dir() -> Path:
    """Return the directory of pseudopotentials on this machine.

    Raises
    ------
    InputError
        There is no such directory.
    """
    return PROGRAMS.data_dir("/usr/share/espresso/pseudo", key="pseudo_dir")


def check_pseudopotentials(atoms: Atoms, names: Mapping[str, str], directory: Path) -> None:
    """Refuse to start without the pseudopotentials of a structure.

    Parameters
    ----------
    atoms
        Structure whose elements need pseudopotentials.
    names
        File names of pseudopotentials by element.
    directory
        Directory that holds the files.

    Raises
    ------
    InputError
        Pseudopotentials are missing, and the message names all of them; or one belongs to another element.
    """
    elements = sorted(set(atoms.symbols))
    if unnamed := [element for element in elements if element not in names]:
        raise InputError(
            f"No pseudopotential for {', '.join(unnamed)} (in {atoms.get_chemical_formula()}): the preset has "
            f"{', '.join(sorted(names)) or 'none'}. Give another preset, or "
            f"calc_kwargs={{'pseudopotentials': {{{unnamed[0]!r}: FILE}}}} and ecutwfc."
        )
    if missing := [
        f"{names[element]} ({element})" for element in elements if not (directory / names[element]).is_file()
    ]:
        raise InputError(
            f"There is no {', '.join(missing)} in {directory}. Put them there, or set "
            f"ADATOM_DATA_DIRS__ESPRESSO to their directory. Debian's are in quantum-espresso-data: {PROGRAMS.install}"
        )
    for element in elements:
        _check_element(directory / names[element], element)


def _check_element(file: Path, element: str) -> None:
    found = _ELEMENT.search(file.read_text(errors="replace"))
    if found and (found[1] or found[2]).capitalize() != element:
        raise InputError(f"{file} is of {found[1] or found[2]}, and was given for {element}.")
