"""The input of CP2K, as ASE writes it, with k points and with moments of single atoms."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from ase import Atoms
from ase.calculators.cp2k import CP2K, InputSection, parse_input

from adatom.calculators.k_points import numbers_or_spacing
from adatom.calculators.spin import state_of

__all__ = ["DEFAULTS", "Input", "has_k_points"]

DEFAULTS: dict[str, Any] = {
    **{key: value for key, value in CP2K.default_parameters.items() if key not in ("auto_write", "set_pos_file")},
    **dict.fromkeys(("charge", "multiplicity", "kpts", "kspacing")),
}
"""Arguments of the calculator, and their defaults."""


class Input(CP2K):
    """ASE's writer of the input, without the process that ASE's calculator starts."""

    label = "cp2k"

    def __init__(self, atoms: Atoms, parameters: Mapping[str, Any], version: float) -> None:
        charge, multiplicity = state_of(atoms, parameters["charge"], parameters["multiplicity"])
        self._moments = atoms.get_initial_magnetic_moments()
        uks = parameters["uks"] or multiplicity > 1 or bool(self._moments.any())
        state = {"charge": charge, "multiplicity": multiplicity, "uks": uks}
        self._given = atoms, {**parameters, **state}
        self.atoms, self.parameters = atoms, cast(Any, SimpleNamespace(**self._given[1]))
        self._shell = cast(Any, SimpleNamespace(version=version))

    def close(self) -> None:
        """Do nothing: there is no process."""

    def text(self) -> str:
        """Return the input."""
        root, (atoms, given) = parse_input(self._generate_input()), self._given  # type: ignore[no-untyped-call]
        if not has_k_points(given):
            _add_k_points(root, numbers_or_spacing(atoms, given))
        _add_moments(root.get_subsection("FORCE_EVAL/SUBSYS"), self._moments)
        return "\n".join([*root.write(), ""])


def has_k_points(parameters: Mapping[str, Any]) -> bool:
    """Return whether the input of the user has k points of its own.

    Parameters
    ----------
    parameters
        Arguments of the calculator, by name.
    """
    return bool(re.search(r"^\s*&KPOINTS\b", parameters.get("inp") or "", re.IGNORECASE | re.MULTILINE))


def _add_k_points(root: InputSection, numbers: Sequence[int]) -> None:
    """Add a grid around Γ, without those of two opposite points that are the same by time reversal."""
    if max(numbers) == 1:
        return  # orbitals at Γ are real
    weights: dict[tuple[int, ...], int] = {}
    for point in np.ndindex(*numbers):
        opposite = tuple(-index % number for index, number in zip(point, numbers, strict=True))
        kept = min(point, opposite)
        weights[kept] = weights.get(kept, 0) + 1
    place = "FORCE_EVAL/DFT/KPOINTS"
    root.add_keyword(place, "SCHEME GENERAL")
    root.add_keyword(place, "UNITS B_VECTOR")
    for point, weight in weights.items():
        row = " ".join(f"{index / number:.12f}" for index, number in zip(point, numbers, strict=True))
        root.add_keyword(place, f"KPOINT {row} {weight}", unique=False)


def _add_moments(subsys: InputSection, moments: Any) -> None:
    """Make a kind of the atoms of one element with one initial moment."""
    if not moments.any():
        return
    rows = subsys.get_subsection("COORD").keywords
    made: dict[tuple[str, float], str] = {}
    for index, moment in enumerate(moments):
        symbol, place = rows[index].split(maxsplit=1)
        name = made.setdefault((symbol, moment), f"{symbol}_{len(made) + 1}")
        rows[index] = f"{name} {place}"
    of_elements = {section.params: section for section in subsys.subsections if section.name == "KIND"}
    subsys.subsections = [section for section in subsys.subsections if section.name != "KIND"]
    for (symbol, moment), name in made.items():
        kind = InputSection("KIND", name)
        kind.keywords = [*of_elements[symbol].keywords, f"ELEMENT {symbol}", f"MAGNETIZATION {moment:.6f}"]
        kind.subsections = of_elements[symbol].subsections
        subsys.subsections.append(kind)
