"""How far the predictions of models are from a reference, by category of structures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict, get_args

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress
from numpy.typing import NDArray

from adatom.atoms.results import get_result, prefixes_of
from adatom.errors import InputError, UnknownNameError

__all__ = ["UNITS", "MissingResults", "Parity", "Property", "PropertyError", "PropertyErrors", "property_errors"]

Property = Literal["energy_per_atom", "energy", "forces", "stress"]
Array = NDArray[np.float64]

#: By property, the unit of its errors.
UNITS: dict[str, str] = {"energy_per_atom": "eV/atom", "energy": "eV", "forces": "eV/Å", "stress": "eV/Å³"}
#: Of structures that were not compared, this many are named.
NAMED = 20

_RESULTS = {"energy_per_atom": "energy", "energy": "energy", "forces": "forces", "stress": "stress"}


class PropertyError(TypedDict):
    """The errors of one model in one property, over the structures of one category.

    Attributes
    ----------
    prefix
        Of the model's results.
    property
        ``"energy_per_atom"``, ``"energy"``, ``"forces"`` or ``"stress"``.
    category
        Which one; None: all structures.
    unit
        Of `rmse`, `mae` and `max`.
    rmse
        Root of the mean square error.
    mae
        Mean absolute error.
    max
        Largest absolute error.
    worst
        Number of the structure that has it, counted from 0.
    count
        How many numbers were compared: one energy, three forces of each atom (one, if norms were asked for) and six
        stresses of a structure.
    """

    prefix: str
    property: str
    category: str | None
    unit: str
    rmse: float
    mae: float
    max: float
    worst: int
    count: int


class MissingResults(TypedDict):
    """Structures that could not be compared.

    Attributes
    ----------
    prefix
        Of the model's results.
    result
        ``"energy"``, ``"forces"`` or ``"stress"``; None: none of them was compared.
    reason
        ``"no reference"``, ``"no prediction"``, ``"neither"``, ``"reference failed"``, ``"failed"``, ``"not finite"``
        or ``"no atoms"``.
    count
        How many structures.
    numbers
        The first of them, counted from 0 and 20 at most.
    """

    prefix: str
    result: str | None
    reason: str
    count: int
    numbers: list[int]


class Parity(TypedDict):
    """What was compared, for a plot of the one against the other.

    Attributes
    ----------
    prefix
        Of the model's results.
    property
        As of `PropertyError`.
    category
        Which one.
    unit
        Of both.
    reference, predicted
        The numbers, shape (count,); of forces and stresses always the components.
    """

    prefix: str
    property: str
    category: str | None
    unit: str
    reference: Array
    predicted: Array


class PropertyErrors(TypedDict):
    """The errors of models against a reference.

    Attributes
    ----------
    name
        ``"property_errors"``.
    reference
        Prefix of the reference.
    structures
        How many there are.
    errors
        A row for each model, property and category with something to compare; of a property, the last is that of all
        structures.
    missing
        What was not compared, and why.
    parity
        If it was asked for: what was compared.
    """

    name: str
    reference: str
    structures: int
    errors: list[PropertyError]
    missing: list[MissingResults]
    parity: NotRequired[list[Parity]]


def property_errors(
    configs: Iterable[Atoms],
    prefixes: str | Sequence[str],
    reference: str = "REF_",
    *,
    by: str | Sequence[str] | Callable[[Atoms], Any] | None = None,
    properties: Sequence[Property] = get_args(Property),
    forces: Literal["components", "norm"] = "components",
    values: bool = False,
) -> PropertyErrors:
    """Compare what models predict with a reference, both of which structures carry under names with a prefix.

    Energies are in ``info["REF_energy"]``, forces in ``arrays["REF_forces"]``, stresses in ``info["REF_stress"]`` (six
    numbers in ASE's order, or 3 x 3) or, from -stress x volume, in ``info["REF_virial"]``. Where ``info["REF_failed"]``
    is true the structure does not count. All is read in one pass, and only sums are kept.

    Parameters
    ----------
    configs
        The structures, such as a `ConfigSet`.
    prefixes
        Of the results of one or more models; ``""``: those of ``atoms.calc``, as it has them.
    reference
        Prefix of the reference; ``""`` as above.
    by
        What a structure's category is: a key of ``atoms.info``, several of them, or a function of the structure. A
        structure without the key is in ``"none"``. None: there are no categories.
    properties
        What is compared; what no structure has is left out.
    forces
        Whether an error of forces is that of each component, or the length of the difference of each atom's.
    values
        Whether what is compared is kept, for `adatom.plots.draw.draw`.

    Raises
    ------
    InputError
        There is no structure, no model has results under a prefix, no structure has a category, or a result has not the
        shape that it should have.
    """
    if isinstance(configs, str | Atoms):
        raise InputError(f"{configs!r} is no set of structures. Give ConfigSet({configs!r}) or a list of them.")
    models = list(dict.fromkeys([prefixes] if isinstance(prefixes, str) else prefixes))
    if not models or reference in models:
        raise InputError(
            f"The reference is {reference!r} and the models are {models!r}. Give the prefix of at least one model, and "
            "none that is the reference's."
        )
    for name in properties:
        if name not in UNITS:
            raise UnknownNameError("property", name, UNITS)
    if forces not in ("components", "norm"):
        raise UnknownNameError("kind of error of forces", forces, ("components", "norm"))
    compared = _Comparison(reference, models, list(dict.fromkeys(properties)), forces == "norm", values)
    category = _Categories(by)
    number = -1
    for number, atoms in enumerate(configs):
        compared.add(number, atoms, category(atoms))
    if number < 0:
        raise InputError("There are no structures to compare results of.")
    category.check()
    return compared.result(number + 1)


class _Categories:
    """The category of each structure."""

    def __init__(self, by: str | Sequence[str] | Callable[[Atoms], Any] | None) -> None:
        self._function = by if callable(by) else None
        self._keys = [by] if isinstance(by, str) else [] if by is None or callable(by) else list(by)
        self._lacking, self._known = set(self._keys), set[str]()

    def __call__(self, atoms: Atoms) -> str | None:
        if self._function is not None:
            return str(self._function(atoms))
        if not self._keys:
            return None
        if self._lacking:
            self._lacking.difference_update(atoms.info)
            self._known.update(map(str, atoms.info))
        return ", ".join(str(atoms.info.get(key, "none")) for key in self._keys)

    def check(self) -> None:
        if self._lacking:
            raise InputError(
                f"No structure has {', '.join(map(repr, sorted(self._lacking)))} in its info. "
                f"There are: {', '.join(sorted(self._known)) or 'none'}."
            )


@dataclass
class _Sums:
    """Of the errors so far."""

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


class _Comparison:
    """All sums, and what was not compared."""

    def __init__(self, reference: str, models: list[str], properties: list[Property], norms: bool, keep: bool) -> None:
        self._reference, self._models, self._properties = reference, models, properties
        self._norms, self._keep = norms, keep
        self._results = list(dict.fromkeys(_RESULTS[name] for name in properties))
        self._categories: dict[str | None, None] = {}
        self._sums: dict[tuple[str, str, str | None], _Sums] = {}
        self._missing: dict[tuple[str, str | None, str], tuple[list[int], list[int]]] = {}
        self._unseen, self._found = {reference, *models}, set[str]()

    def add(self, number: int, atoms: Atoms, category: str | None) -> None:
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
            for name in self._results:
                self._compare(number, atoms, prefix, category, name, expected[name], predicted[name])
        if self._unseen:
            self._found.update(prefixes_of(atoms))

    def _read(self, number: int, atoms: Atoms, prefix: str) -> dict[str, Array | None] | None:
        """The results of a structure, or None if they failed."""
        if _is_true(atoms.info.get(f"{prefix}failed")):
            self._unseen.discard(prefix)
            return None
        read = {name: _read(number, atoms, prefix, name) for name in self._results}
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
            if name != "stress" or atoms.pbc.all():  # of a molecule there is none
                both = expected is None and predicted is None
                self._miss(number, prefix, name, _reason(both, expected is None))
            return
        errors = predicted - expected
        if not np.isfinite(errors).all():
            self._miss(number, prefix, name, "not finite")
            return
        for of in self._properties:
            if _RESULTS[of] == name:
                per = len(atoms) if of == "energy_per_atom" else 1
                key = prefix, of, category
                sums = self._sums.get(key)
                if sums is None:
                    sums = self._sums[key] = _Sums()
                sums.add(number, np.linalg.norm(errors, axis=1) if name == "forces" and self._norms else errors / per)
                if self._keep:
                    sums.pairs.append((expected.ravel() / per, predicted.ravel() / per))

    def _miss(self, number: int, prefix: str, name: str | None, reason: str) -> None:
        count, numbers = self._missing.setdefault((prefix, name, reason), ([0], []))
        count[0] += 1
        if len(numbers) < NAMED:
            numbers.append(number)

    def result(self, structures: int) -> PropertyErrors:
        if self._unseen:
            raise InputError(
                f"No structure has results under {', '.join(map(repr, sorted(self._unseen)))}. There are some under: "
                f"{', '.join(map(repr, sorted(self._found))) or 'none'}."
            )
        errors, parity = [], list[Parity]()
        for prefix in self._models:
            for name in self._properties:
                total = _Sums()
                for category in self._categories:
                    sums = self._sums.get((prefix, name, category))
                    if sums is None:
                        continue
                    total += sums
                    if category is not None:
                        errors.append(_row(prefix, name, category, sums))
                    if self._keep:
                        reference, predicted = (np.concatenate(parts) for parts in zip(*sums.pairs, strict=True))
                        parity.append(
                            {
                                "prefix": prefix,
                                "property": name,
                                "category": category,
                                "unit": UNITS[name],
                                "reference": reference,
                                "predicted": predicted,
                            }
                        )
                if total.count:
                    errors.append(_row(prefix, name, None, total))
        had = {_RESULTS[row["property"]] for row in errors}
        had |= {name for _, name, reason in self._missing if name and reason != "neither"}
        made: PropertyErrors = {
            "name": "property_errors",
            "reference": self._reference,
            "structures": structures,
            "errors": errors,
            "missing": [
                {"prefix": prefix, "result": name, "reason": reason, "count": count, "numbers": numbers}
                for (prefix, name, reason), ([count], numbers) in self._missing.items()
                if reason != "neither" or name in had
            ],
        }
        if self._keep:
            made["parity"] = parity
        return made


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


def _reason(both: bool, reference: bool) -> str:
    return "neither" if both else "no reference" if reference else "no prediction"


def _is_true(mark: Any) -> bool:
    return mark.strip().lower() not in ("", "f", "false") if isinstance(mark, str) else bool(mark)


def _read(number: int, atoms: Atoms, prefix: str, name: str) -> Array | None:
    value = get_result(atoms, prefix, name)
    key, scale = prefix + name, 1.0
    if value is None and name == "stress":
        value, key = get_result(atoms, prefix, "virial"), f"{prefix}virial"
        if value is not None:
            if atoms.cell.rank < 3:
                return None
            scale = -1.0 / atoms.get_volume()
    if value is None:
        return None
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.empty((0, 0, 0))
    if name == "energy" and array.shape == (1,):
        array = array[0]
    if name == "stress":
        if array.shape == (9,):
            array = array.reshape(3, 3)
        if array.shape == (3, 3):
            array = full_3x3_to_voigt_6_stress(array)
    shape = {"energy": (), "forces": (len(atoms), 3), "stress": (6,)}[name]
    if array.shape != shape:
        wanted = {"energy": "one number", "forces": f"{len(atoms)} x 3", "stress": "6, or 3 x 3"}[name]
        raise InputError(f"Structure {number}: {key} is {value!r}. It should be {wanted}.")
    return array if scale == 1 else array * scale
