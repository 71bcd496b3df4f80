"""Body of ``adatom select``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from adatom.cli.say import say
from adatom.configs import ConfigSet
from adatom.configs.describe import describe, descriptor_table
from adatom.configs.select import cur, farthest_points, flat_histogram
from adatom.configs.writing import write_structures
from adatom.errors import InputError
from adatom.utils.tables import read_yaml

__all__ = ["select_structures"]

# Of each method: its function, and the options that it has.
_METHODS: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "farthest": (farthest_points, set()),
    "cur": (cur, {"rank", "seed"}),
    "flat": (flat_histogram, {"bins", "seed"}),
}


def select_structures(
    method: str,
    files: list[str],
    number: int,
    out: Path,
    key: str | None,
    descriptor: Path | None,
    options: Mapping[str, Any],
    overwrite: bool,
) -> None:
    """Choose structures of files, write them, and print their number.

    Parameters
    ----------
    method
        ``"farthest"``, ``"cur"`` or ``"flat"``.
    files
        Files of structures, or patterns of their names.
    number
        Number of structures to choose.
    out
        Path of the file that the chosen structures are written to, in the order of the choice.
    key
        Name of the descriptor or quantity in `Atoms.info`; None: the descriptor is computed.
    descriptor
        Path of a YAML file with the arguments of a descriptor; None: the structures have it.
    options
        Options of the method that the user gave, by name.
    overwrite
        True replaces `out` if it exists.

    Raises
    ------
    InputError
        An option is missing or of another method, a structure lacks what is asked for, or `out` exists.
    """
    choose, known = _METHODS[method]
    if foreign := sorted(options.keys() - known):
        ours = ", ".join(f"--{name}" for name in sorted(known)) or "none of these"
        raise InputError(f"--{foreign[0]} is no option of {method}, which has {ours}.")
    if method == "flat" and (key is None or descriptor is not None):
        raise InputError("flat needs a quantity: give --key, and no --descriptor.")
    if (key is None) == (descriptor is None):
        raise InputError(f"{method} needs descriptors: give either --descriptor or --key.")
    if out.exists() and not overwrite:
        raise InputError(f"{out} is there already. Give another name, or --overwrite to replace it.")
    pool = ConfigSet(files[0] if len(files) == 1 else files)
    if method == "flat":
        table = np.array([_quantity(place, atoms.info.get(key), key) for place, atoms in enumerate(pool)])
    elif descriptor is None:
        table = descriptor_table(pool, key or "")
    else:
        table = descriptor_table(describe(pool, descriptor=read_yaml(descriptor, f"The descriptor {descriptor}")))
    chosen = pool.take(choose(table, number, **options).tolist())
    write_structures(chosen, out)
    say(f"{number} of {len(table)} structures in {out}")


def _quantity(place: int, value: Any, key: str | None) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"Structure {place} has no number in info[{key!r}]: it is {value!r}.") from None
