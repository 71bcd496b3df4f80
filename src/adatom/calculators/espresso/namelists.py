"""Namelists, the input of Quantum ESPRESSO's programs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from adatom.errors import InputError, UnknownNameError

__all__ = ["nested"]

# A run stays in its directory, and programs that read its files find them under one name.
FIXED = {"outdir": ".", "prefix": "pwscf"}
_KEPT = "The job keeps its files in its own directory."
_REFUSED = {
    "calculation": "It follows from the job: static_job, relax_job, non_scf_job, bands_pw_job.",
    "outdir": _KEPT,
    "prefix": _KEPT,
    "wfcdir": _KEPT,
}


def nested(program: str, input_data: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """Return keywords of a program, grouped by the namelists to which they belong.

    Parameters
    ----------
    program
        Name of the program, such as ``"pw.x"``.
    input_data
        Keywords and values, with or without their namelists, in the units of Quantum ESPRESSO; None: no keywords.

    Returns
    -------
    dict
        Values by namelist and keyword, both in lower case.

    Raises
    ------
    InputError
        A keyword that the job sets itself, or one without a namelist that the program does not know.
    UnknownNameError
        There is no such namelist.
    """
    from ase.io.espresso_namelist.keys import ALL_KEYS

    known = ALL_KEYS[program.removesuffix(".x")]
    found: dict[str, Any] = {}
    for key, value in (input_data or {}).items():
        name = key.lower()
        if isinstance(value, Mapping):
            section, values = name, {inner.lower(): item for inner, item in value.items()}
        elif name in known:  # the namelist as a whole, to be removed
            found[name] = value
            continue
        else:
            section, values = _namelist(program, key, known), {name: value}
        if section not in known:
            raise UnknownNameError(f"namelist of {program}", key, known)
        for inner in values:
            if inner in _REFUSED:
                raise InputError(f"{inner} of {program} is {values[inner]!r}, and cannot be set. {_REFUSED[inner]}")
        found[section] = {**found.get(section, {}), **values}
    return found


def _namelist(program: str, key: str, known: Mapping[str, Any]) -> str:
    """Return the namelist to which a keyword of a program belongs."""
    from ase.io.espresso_namelist.namelist import Namelist

    found: str | None = Namelist.search_key(key.lower(), known)  # type: ignore[no-untyped-call]
    if found is not None:
        return found
    keywords = [keyword for section in known.values() for keyword in section]
    near = ", ".join(difflib.get_close_matches(key.lower(), keywords, n=5))
    raise InputError(
        f"Unknown keyword of {program} {key!r}.{f' Near: {near}.' if near else ''} "
        f"If it is a new one, say which namelist it belongs to: {{{next(iter(known))!r}: {{{key!r}: ...}}}}."
    )
