"""Prediction errors of models against the results of a reference, summed structure by structure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from ase import Atoms

from adatom.analysis.arrays import read_array
from adatom.atoms.results import prefixes_of
from adatom.errors import InputError
from adatom.schemas.property_errors import (
    UNITS,
    Array,
    MissingResults,
    Parity,
    Property,
    PropertyError,
    PropertyErrors,
)

__all__ = ["Categories", "Comparison"]

NAMED = 20
"""Largest number of structures that are listed for each reason why results were not compared."""

#: By property, the name of the result that it is computed from.
_RESULTS = {"energy_per_atom": "energy", "energy": "energy", "forces": "forces", "stress": "stress"}


class Categories:
    """Function that returns the category of a structure.

    Parameters
    ----------
    by
        Key of ``atoms.info``, several keys, or a function of a structure, as in
        `adatom.analysis.property_errors.property_errors`. None: there are no categories.
    """

    def __init__(self, by: str | Sequence[str] | Callable[[Atoms], Any] | None) -> None:
        self._function = by if callable(by) else None
        self._keys = [by] if isinstance(by, str) else [] if by is None or callable(by) else list(by)
        self._lacking, self._known = set(self._keys), set[str]()

    def __call__(self, atoms: Atoms) -> str | None:
        """Return the category of a structure as text, or None if there are no categories.

        Parameters
        ----------
        atoms
            Structure whose ``info`` may have the keys, or that the function is given.
        """
        if self._function is not None:
            return str(self._function(atoms))
        if not self._keys:
            return None
        if self._lacking:
            self._lacking.difference_update(atoms.info)
            self._known.update(map(str, atoms.info))
        return ", ".join(str(atoms.info.get(key, "none")) for key in self._keys)

    def check(self) -> None:
        """Refuse keys that no structure had in its ``info``. Call this after the last structure.

        Raises
        ------
        InputError
            No structure had one of the keys.
        """
        if self._lacking:
            raise InputError(
                f"No structure has {', '.join(map(repr, sorted(self._lacking)))} in its info. "
                f"There are: {', '.join(sorted(self._known)) or 'none'}."
            )


@dataclass
class _Sums:
    """Sums over the prediction errors of one model in one property and category."""

    count: int = 0
    squares: float = 0.0
    absolute: float = 0.0
    largest: float = -1.0
    worst: int = 0
    pairs: list[tuple[Array, Array]] = field(default_factory=list)

    def add(self, number: int, errors: Array) -> None:
        sizes = np.abs(errors).ravel()
        self.count += sizes.size
        self.squares += float(sizes @ sizes)
        self.absolute += float(sizes.sum())
        if (largest := float(sizes.max())) > self.largest:
            self.largest, self.worst = largest, number

    def __iadd__(self, other: _Sums) -> _Sums:
        self.count += other.count
        self.squares += other.squares
        self.absolute += other.absolute
        if (other.largest, -other.worst) > (self.largest, -self.worst):
            self.largest, self.worst = other.largest, other.worst
        return self


class Comparison:
    """Prediction errors of models, summed over structures, and the results that could not be compared.

    Parameters
    ----------
    reference, models
        Prefix of the reference results, and prefix of the results of each model.
    properties
        Properties to compare, each one of the keys of `adatom.schemas.property_errors.UNITS`.
    norms
        Whether the prediction error of forces is the length of the difference of each atom's force, instead of the
        difference of each component.
    keep
        Whether all reference and predicted values are kept for a parity plot.
    """

    def __init__(self, reference: str, models: list[str], properties: list[Property], norms: bool, keep: bool) -> None:
        self._reference, self._models, self._properties = reference, models, properties
        self._norms, self._keep = norms, keep
        self._properties_of: dict[str, list[Property]] = {}
        for name in properties:
            self._properties_of.setdefault(_RESULTS[name], []).append(name)
        self._categories: dict[str | None, None] = {}
        self._sums = defaultdict[tuple[str, str, str | None], _Sums](_Sums)
        self._missing: dict[tuple[str, str | None, str], tuple[list[int], list[int]]] = {}
        self._unseen, self._found = {reference, *models}, set[str]()

    def add(self, number: int, atoms: Atoms, category: str | None) -> None:
        """Compare the results that a structure carries.

        Parameters
        ----------
        number
            Number of the structure in the set, counted from 0.
        atoms
            Structure with the results of the reference and of the models.
        category
            Category of the structure; None: there are no categories.

        Raises
        ------
        InputError
            A result does not have the shape that it should have.
        """
        self._categories[category] = None
        if not len(atoms):
            for prefix in self._models:
                self._miss(number, prefix, None, "no atoms")
            return
        expected = self._read(number, atoms, self._reference)
        for prefix in self._models:
            predicted = self._read(number, atoms, prefix)
            if expected is None or predicted is None:
                self._miss(number, prefix, None, "failed" if predicted is None else "reference failed")
                continue
            for name in self._properties_of:
                self._compare(number, atoms, prefix, category, name, expected[name], predicted[name])
        if self._unseen:
            self._found.update(prefixes_of(atoms))

    def _read(self, number: int, atoms: Atoms, prefix: str) -> dict[str, Array | None] | None:
        """Return the results of a structure by name, or None if its calculation failed."""
        if _is_true(atoms.info.get(f"{prefix}failed")):
            self._unseen.discard(prefix)
            return None
        read = {name: read_array(number, atoms, prefix, name) for name in self._properties_of}
        if prefix in self._unseen and any(value is not None for value in read.values()):
            self._unseen.discard(prefix)
        return read

    def _compare(
        self,
        number: int,
        atoms: Atoms,
        prefix: str,
        category: str | None,
        name: str,
        expected: Array | None,
        predicted: Array | None,
    ) -> None:
        if expected is None or predicted is None:
            if name != "stress" or atoms.pbc.all():  # a molecule has no stress
                self._miss(number, prefix, name, _reason(expected, predicted))
            return
        errors = predicted - expected
        if not np.isfinite(errors).all():
            self._miss(number, prefix, name, "not finite")
            return
        if name == "forces" and self._norms:
            errors = np.linalg.norm(errors, axis=1)
        for name_of_property in self._properties_of[name]:
            per = len(atoms) if name_of_property == "energy_per_atom" else 1
            sums = self._sums[prefix, name_of_property, category]
            sums.add(number, errors / per)
            if self._keep:
                sums.pairs.append((expected.ravel() / per, predicted.ravel() / per))

    def _miss(self, number: int, prefix: str, name: str | None, reason: str) -> None:
        count, numbers = self._missing.setdefault((prefix, name, reason), ([0], []))
        count[0] += 1
        if len(numbers) < NAMED:
            numbers.append(number)

    def result(self, structures: int) -> PropertyErrors:
        """Return the prediction errors over all structures that were added.

        Parameters
        ----------
        structures
            Number of structures that were added.

        Raises
        ------
        InputError
            No structure has results under one of the prefixes.
        """
        if self._unseen:
            raise InputError(
                f"No structure has results under {', '.join(map(repr, sorted(self._unseen)))}. There are some under: "
                f"{', '.join(map(repr, sorted(self._found))) or 'none'}."
            )
        errors = list(self._rows())
        made: PropertyErrors = {
            "name": "property_errors",
            "reference": self._reference,
            "structures": structures,
            "errors": errors,
            "missing": list(self._missing_results({_RESULTS[row["property"]] for row in errors})),
        }
        if self._keep:
            made["parity"] = list(self._parity())
        return made

    def _by_category(self, prefix: str, name: str) -> Iterator[tuple[str | None, _Sums]]:
        """Yield each category with values of a property, in the order of the structures, and its sums."""
        for category in self._categories:
            if (key := (prefix, name, category)) in self._sums:
                yield category, self._sums[key]

    def _rows(self) -> Iterator[PropertyError]:
        """Yield the prediction errors of each category; the last row of a property is that of all structures."""
        for prefix, name in product(self._models, self._properties):
            total = _Sums()
            for category, sums in self._by_category(prefix, name):
                total += sums
                if category is not None:
                    yield _row(prefix, name, category, sums)
            if total.count:
                yield _row(prefix, name, None, total)

    def _parity(self) -> Iterator[Parity]:
        for prefix, name in product(self._models, self._properties):
            for category, sums in self._by_category(prefix, name):
                reference, predicted = (np.concatenate(values) for values in zip(*sums.pairs, strict=True))
                yield {
                    "prefix": prefix,
                    "property": name,
                    "category": category,
                    "unit": UNITS[name],
                    "reference": reference,
                    "predicted": predicted,
                }

    def _missing_results(self, compared: set[str]) -> Iterator[MissingResults]:
        """Yield the results that were not compared, without those that no structure has."""
        present = compared | {name for _, name, reason in self._missing if name and reason != "neither"}
        for (prefix, name, reason), ([count], numbers) in self._missing.items():
            if reason != "neither" or name in present:
                yield {"prefix": prefix, "result": name, "reason": reason, "count": count, "numbers": numbers}


def _row(prefix: str, name: str, category: str | None, sums: _Sums) -> PropertyError:
    return {
        "prefix": prefix,
        "property": name,
        "category": category,
        "unit": UNITS[name],
        "rmse": math.sqrt(sums.squares / sums.count),
        "mae": sums.absolute / sums.count,
        "max": sums.largest,
        "worst": sums.worst,
        "count": sums.count,
    }


def _reason(expected: Array | None, predicted: Array | None) -> str:
    if expected is not None:
        return "no prediction"
    return "neither" if predicted is None else "no reference"


def _is_true(mark: Any) -> bool:
    return mark.strip().lower() not in ("", "f", "false") if isinstance(mark, str) else bool(mark)
