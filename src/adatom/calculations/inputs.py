"""Inputs of a run as short texts, which a later run can compare with its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from ase import Atoms

from adatom.schemas.readable import readable

__all__ = ["differences", "fingerprint"]


def fingerprint(atoms: Atoms, **parameters: Any) -> dict[str, str]:
    """Return the inputs of a run as short texts by name.

    Parameters
    ----------
    atoms
        Structure that the run was given.
    **parameters
        Further inputs on which the result depends.

    Returns
    -------
    dict
        JSON of each input by its name, such as ``"structure.cell"``; a digest in place of an array.
    """
    structure: dict[str, Any] = {f"structure.{name}": array for name, array in atoms.arrays.items()}
    structure |= {"structure.cell": atoms.cell.array, "structure.pbc": atoms.pbc}
    structure["structure.constraints"] = [constraint.todict() for constraint in atoms.constraints]
    flat = {**structure, **_flat(readable(parameters), "")}
    texts = {}
    for name, value in sorted(flat.items()):
        texts[name] = _encoder.encode(value) if type(value) in _SIMPLE else _text(value)
    return texts


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Describe the differences between the inputs of two runs.

    Parameters
    ----------
    before, now
        Results of `fingerprint` for the two runs.

    Returns
    -------
    list of str
        A phrase for each input that differs.
    """
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "unset"), now.get(name, "unset")
        if old != new:
            long = max(len(old), len(new)) > 80 or _DIGEST in old + new
            found.append(f"{name} is another" if long else f"{name} is {new}, not {old}")
    return found


_DIGEST = "blake2:"


def _flat(value: Mapping[str, Any], name: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, item in value.items():
        full = f"{name}.{key}" if name else key
        if isinstance(item, dict) and item:
            flat |= _flat(item, full)
        else:
            flat[full] = item
    return flat


def _text(value: Any) -> str:
    # The repr of some objects contains their address, which differs between processes.
    return re.sub(r" at 0x[0-9a-f]+", "", _encoder.encode(value))


def _digest(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    array = np.ascontiguousarray(value)
    if array.dtype.hasobject:
        return repr(array.tolist())
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode() + array.tobytes(), digest_size=12)
    return _DIGEST + digest.hexdigest()


_SIMPLE = frozenset({bool, int, float, type(None)})
_encoder = json.JSONEncoder(default=_digest, sort_keys=True, ensure_ascii=False)
