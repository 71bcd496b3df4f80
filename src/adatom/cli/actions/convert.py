"""Body of ``adatom convert``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path

from ase import Atoms
from ase.io import iread

from adatom.cli.quantities import show_count
from adatom.cli.say import say
from adatom.configs import ConfigSet
from adatom.configs.groups import naming_groups
from adatom.configs.writing import holds_all, lost_keys, write_structures
from adatom.errors import InputError
from adatom.settings import get_settings

__all__ = ["convert_file"]

_EVERY = 0.5  # s


def convert_file(source: Path, target: Path, overwrite: bool) -> None:
    """Write the structures of a file into another, and print their number and the data that the new file lacks.

    Parameters
    ----------
    source
        Path of the file, of a format that ASE reads, or of a store.
    target
        Path of the new file; its ending says the format.
    overwrite
        True replaces `target` if it exists.

    Raises
    ------
    InputError
        A structure cannot be read or written, there is none, or `target` exists.
    """
    if target.exists() and not overwrite:
        raise InputError(f"{target} is there already. Give another name, or --overwrite to replace it.")
    structures = _counted(naming_groups(ConfigSet(source)), get_settings().progress)
    first = next(structures, None)
    if first is None:
        raise InputError(f"{source} holds no structure. Nothing is written.")
    kept: list[Atoms] = []
    every: Iterable[Atoms] = chain([first], structures)
    checked = not holds_all(target)  # other formats are written at once, from a list of all structures
    count = write_structures(_kept(every, kept) if checked else every, target)
    say(f"Wrote {show_count(count, 'structure', 'structures')} to {target}", err=True)
    if kept and (lost := _lost(kept, target)):
        say(f"It does not hold {', '.join(lost)}; .xyz and .lmdb do.", err=True)


def _kept(structures: Iterable[Atoms], kept: list[Atoms]) -> Iterator[Atoms]:
    for atoms in structures:
        kept.append(atoms)
        yield atoms


def _lost(structures: list[Atoms], target: Path) -> list[str]:
    """Return what the new file lacks of any of the structures."""
    lost: dict[str, None] = {}
    with suppress(Exception):  # ASE writes some formats that it cannot read
        for atoms, found in zip(structures, iread(target, ":"), strict=False):
            lost |= dict.fromkeys(lost_keys(atoms, found))
    return list(lost)


def _counted(structures: Iterable[Atoms], shown: bool | None) -> Iterator[Atoms]:
    """Pass structures on, and print their number so far on the standard error."""
    terminal = sys.stderr.isatty()
    if not (terminal if shown is None else shown):
        yield from structures
        return
    start = due = time.monotonic()
    count, end = 0, "\r" if terminal else "\n"
    for count, atoms in enumerate(structures, 1):
        yield atoms
        now = time.monotonic()
        if now > due + (_EVERY if terminal else 20 * _EVERY):
            due = now
            print(f"{count} structures, {count / (now - start):.0f} a second", end=end, file=sys.stderr, flush=True)
    if terminal and due > start:
        print(file=sys.stderr)
