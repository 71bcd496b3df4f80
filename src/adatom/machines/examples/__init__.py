"""Examples of machine profiles: copy one, and put in your queue, account and programs."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from adatom.errors import UnknownNameError
from adatom.machines.profiles.files import read_profiles
from adatom.machines.profiles.machine import HPCProfile

__all__ = ["example", "example_names"]


@cache
def _examples() -> dict[str, HPCProfile]:
    found: dict[str, HPCProfile] = {}
    for file in files(__name__).iterdir():
        if file.name.endswith(".toml"):
            found |= read_profiles(file.read_text(encoding="utf-8"), f"the example {file.name}").machines
    return found


def example_names() -> list[str]:
    """Return the names of the machines with an example, sorted."""
    return sorted(_examples())


def example(name: str) -> HPCProfile:
    """Return the example profile of a machine.

    Parameters
    ----------
    name
        Name of the machine, one of `example_names`.

    Raises
    ------
    UnknownNameError
        No example has this name.
    """
    if name not in _examples():
        raise UnknownNameError("machine", name, example_names())
    return _examples()[name]
