"""What a run is given, in a form that a later run can compare with its own."""

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
    """What a run is given, as short texts by name.

    Parameters
    ----------
    atoms
        The structure as given.
    **parameters
        What else the result depends on.
    """
    structure: dict[str, Any] = {f"structure.{name}": array for name, array in atoms.arrays.items()}
    structure |= {"structure.cell": atoms.cell.array, "structure.pbc": atoms.pbc}
    structure["structure.constraints"] = [constraint.todict() for constraint in atoms.constraints]
    flat = {**structure, **_flat(readable(parameters), "")}
    return {name: _text(value) for name, value in sorted(flat.items())}


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What differs between the inputs of two runs, in words.

    Parameters
    ----------
    before, now
        What `fingerprint` gave for each.
    """
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name, "unset"), now.get(name, "unset")
        if old != new:
            long = max(len(old), len(new)) > 80 or _DIGEST in old + new
            found.append(f"{name} is another" if long else f"{name} is {new}, not {old}")
    return found


_DIGEST = "blake2:"


def _flat(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {name: value}
    return {key: item for part in value for key, item in _flat(value[part], f"{name}.{part}" if name else part).items()}


def _text(value: Any) -> str:
    # An object that has no better text than its address has another one in each process.
    return re.sub(r" at 0x[0-9a-f]+", "", json.dumps(value, default=_digest, sort_keys=True, ensure_ascii=False))


def _digest(value: Any) -> str:
    if not isinstance(value, np.ndarray):
        return repr(value)
    array = np.ascontiguousarray(value)
    if array.dtype.hasobject:
        return repr(array.tolist())
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode() + array.tobytes(), digest_size=12)
    return _DIGEST + digest.hexdigest()
