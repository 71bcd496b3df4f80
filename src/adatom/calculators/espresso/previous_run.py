"""Directory, structure and settings of an earlier run of pw.x."""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from ase import Atoms

from adatom.calculators.espresso.namelists import FIXED
from adatom.calculators.espresso.reading import electrons, read_structure
from adatom.errors import InputError

__all__ = ["PreviousRun", "directory_of", "empty_bands", "settings_of", "structure_of"]

# Keywords that ASE writes, or that hold the purpose of the run.
_OF_THAT_RUN = {
    *(*FIXED, "calculation", "nat", "ntyp", "ibrav"),
    *("forc_conv_thr", "nstep", "max_seconds", "restart_mode"),
}

PreviousRun = Mapping[str, Any] | str | os.PathLike[str]


def directory_of(previous: PreviousRun) -> Path:
    """Return the directory of an earlier run.

    Parameters
    ----------
    previous
        Result of the earlier run, or its directory.

    Raises
    ------
    InputError
        There is no such directory.
    """
    if isinstance(previous, Mapping) and "dir_name" not in previous:
        raise InputError(f"The earlier run is {dict(previous)!r}, which has no dir_name. Give the result of a job.")
    directory = Path(previous["dir_name"] if isinstance(previous, Mapping) else previous).expanduser()
    if not directory.is_dir():
        raise InputError(f"The earlier run has no directory {str(directory)!r}. Give its result, or where it is now.")
    return directory


def structure_of(previous: PreviousRun) -> Atoms:
    """Return the last structure of an earlier run.

    Parameters
    ----------
    previous
        Result of the earlier run, or its directory.
    """
    if isinstance(previous, Mapping) and isinstance(previous.get("atoms"), Atoms):
        return previous["atoms"]
    return read_structure(_saved(previous))


def settings_of(previous: PreviousRun) -> dict[str, Any]:
    """Return the arguments of `make_espresso` for an earlier run of pw.x.

    Parameters
    ----------
    previous
        Result of the earlier run, or its directory. From a directory the grid of k points is not read.

    Returns
    -------
    dict
        Keyword arguments without the keywords of pw.x that belong to that run alone.
    """
    if isinstance(previous, Mapping) and "input_data" in previous.get("parameters", {}).get("calculator", {}):
        settings = {key: value for key, value in previous["parameters"]["calculator"].items() if key != "name"}
        data = settings["input_data"]
    else:
        from ase.io.espresso import get_atomic_species, label_to_symbol, read_fortran_namelist

        with _input(directory_of(previous)) as file:
            data, cards = read_fortran_namelist(file)
        species = get_atomic_species(cards, n_species=data["system"]["ntyp"])
        settings = {"pseudopotentials": {label_to_symbol(label): file for label, _, file in species}}
    kept = {
        name: {key: value for key, value in values.items() if key not in _OF_THAT_RUN} for name, values in data.items()
    }
    return {**settings, "input_data": kept}


def empty_bands(previous: PreviousRun, noncollinear: bool = False) -> int:
    """Return a number of bands of which some are empty: a quarter of the occupied bands, at least four.

    Parameters
    ----------
    previous
        Result of an earlier run of pw.x, or its directory.
    noncollinear
        Whether a band holds one electron instead of two.
    """
    occupied = math.ceil(electrons(_saved(previous)) / (1 if noncollinear else 2))
    return occupied + max(4, occupied // 4)


def _input(directory: Path) -> IO[str]:
    file, packed = directory / "espresso.pwi", directory / "espresso.pwi.gz"
    if packed.exists():
        return gzip.open(packed, "rt")
    if not file.exists():
        raise InputError(f"There is no {file.name} in {directory}. Give the result of a job with pw.x.")
    return file.open()


def _saved(previous: PreviousRun) -> Path:
    directory = directory_of(previous)
    if not (directory / "pwscf.save" / "data-file-schema.xml").exists():
        raise InputError(f"There is no pwscf.save in {directory}. Give the result of a job with pw.x.")
    return directory
