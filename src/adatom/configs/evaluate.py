"""Evaluation of single structures and of lists, the function that `calculate` applies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculators.batched import evaluate_batched
from adatom.calculators.files import own_directory, writes_files
from adatom.calculators.models import Calculator, calculator_needs, make_model, model_label, named_model
from adatom.configs.results import STD, store_results
from adatom.errors import InputError
from adatom.execution.needs import Need

__all__ = ["Evaluate", "Overrides"]

Overrides = Callable[[Atoms], Mapping[str, Any] | None] | str | None

_DEFAULT = ("energy", "forces", "stress")
_KEPT = 16  # calculators per member, for the overrides that were used last


class Evaluate:
    """Function that evaluates structures and keeps the results in them. Each process makes its own calculators.

    Parameters
    ----------
    members
        Calculators, in any form that `adatom.calculators.models.make_model` takes; with several of them, means and
        standard deviations are kept.
    properties, prefix, overrides
        Same as `properties`, `output_prefix` and `overrides` of `adatom.configs.calculation.calculate`.

    Attributes
    ----------
    expected
        Names of the properties that each structure will have, as far as the calculators declare theirs.

    Raises
    ------
    InputError
        A calculator does not exist, or does not have the properties.
    """

    def __init__(
        self, members: Sequence[Calculator], properties: Sequence[str] | None, prefix: str, overrides: Overrides
    ) -> None:
        self.members, self.prefix, self.overrides = members, prefix, overrides
        self.properties = None if properties is None else tuple(properties)
        self._made: dict[Any, Any] = {}
        has = [self._check(member) for member in members]
        self.expected = [name for name in self.properties or _DEFAULT if all(not each or name in each for each in has)]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": {}}

    def needs(self, atoms: Any) -> list[Need]:
        """Return the packages that the calculators need, and their classes.

        Parameters
        ----------
        atoms
            Structure to evaluate, which does not count.
        """
        return [need for member in self.members for need in calculator_needs(member)]

    def _check(self, member: Any) -> Any:
        """Return the properties that a calculator declares; raise at once the error that each structure would get."""
        model_label(member)  # raises an error for a tuple of another form
        given = member[0] if isinstance(member, tuple) else member
        row = named_model(given)
        has = row.properties if row else getattr(given, "implemented_properties", None)
        if row is None and not callable(given) and not hasattr(given, "calculate"):
            make_model(given)  # raises an error that names the valid forms
        missing = [name for name in self.properties or () if has and name not in has]
        if missing:
            raise InputError(f"{model_label(member)} has no {', '.join(missing)}. It has: {', '.join(has or ())}.")
        return has

    @property
    def batched(self) -> bool:
        """True if a member evaluates many structures at once and there are no overrides."""
        rows = [named_model(member) for member in self.members]
        return self.overrides is None and any(row is not None and row.batched is not None for row in rows)

    def __call__(self, atoms: Atoms) -> Atoms:
        """Return the structure with its results.

        Parameters
        ----------
        atoms
            Structure to evaluate, to which the results are added.
        """
        others = self._others(atoms)
        return self._stored(atoms, [self._results(place, atoms, others) for place in range(len(self.members))])

    def many(self, structures: list[Atoms]) -> list[Atoms]:
        """Return the structures with their results, evaluated together where the calculators can do that.

        Parameters
        ----------
        structures
            Structures to evaluate, to which the results are added.
        """
        known = [evaluate_batched(member, structures) for member in self.members]
        return [
            self._stored(
                atoms,
                [
                    self._chosen(one[number], atoms) or self._results(place, atoms, {})
                    for place, one in enumerate(known)
                ],
            )
            for number, atoms in enumerate(structures)
        ]

    def _stored(self, atoms: Atoms, found: list[dict[str, Any]]) -> Atoms:
        atoms.calc = None
        return store_results(atoms, self.prefix, found[0] if len(found) == 1 else _statistics(found))

    def _wanted(self, atoms: Atoms) -> list[str]:
        return [name for name in self.properties or _DEFAULT if name != "stress" or atoms.pbc.all()]

    def _chosen(self, known: dict[str, Any] | None, atoms: Atoms) -> dict[str, Any] | None:
        """Return the wanted ones of the properties that were computed together; None if some of them are missing."""
        if known is None:
            return None
        found = _consistent({name: known[name] for name in self._wanted(atoms) if name in known}, known)
        return None if self.properties is not None and len(found) < len(self._wanted(atoms)) else found

    def _others(self, atoms: Atoms) -> Mapping[str, Any]:
        if self.overrides is None:
            return {}
        found = atoms.info.get(self.overrides) if isinstance(self.overrides, str) else self.overrides(atoms)
        if found is not None and not isinstance(found, Mapping):
            raise InputError(f"The overrides of a structure are {found!r}. Give a dictionary of keyword arguments.")
        return found or {}

    def _results(self, place: int, atoms: Atoms, others: Mapping[str, Any]) -> dict[str, Any]:
        calculator, has_files = self._calculator(place, others)
        if not has_files:
            return self._found(calculator, atoms)
        with own_directory(calculator, model_label(self.members[place])):
            return self._found(calculator, atoms)

    def _found(self, calculator: Any, atoms: Atoms) -> dict[str, Any]:
        has, wanted = getattr(calculator, "implemented_properties", ()), self._wanted(atoms)
        if has and self.properties is None:
            wanted = [name for name in wanted if name in has]
        known: Mapping[str, Any] = {}
        if getattr(type(calculator), "get_property", None) is BaseCalculator.get_property:
            _compute(calculator, atoms, [name for name in wanted if name in has])
            known = calculator.results
        found = {
            name: np.copy(known[name]) if name in known else calculator.get_property(name, atoms) for name in wanted
        }
        if "stress" in found and np.shape(found["stress"]) == (3, 3):  # some calculators give the full tensor
            found["stress"] = full_3x3_to_voigt_6_stress(found["stress"])
        return _consistent(found, getattr(calculator, "results", {}))

    def _calculator(self, place: int, others: Mapping[str, Any]) -> tuple[Any, bool]:
        """Return the calculator of a member, and True if it writes files."""
        key = (place, repr(sorted(others.items())) if others else "")
        if key not in self._made:
            while len(self._made) > _KEPT * len(self.members):
                del self._made[next(iter(self._made))]
            made = _make(self.members[place], others)
            self._made[key] = made, writes_files(made)
        found: tuple[Any, bool] = self._made[key]
        return found


def _consistent(found: dict[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties with the free energy as their energy, if forces or a stress are its derivatives there."""
    free = known.get("free_energy")
    if "energy" in found and free is not None and found.keys() & {"forces", "stress"}:
        found["energy"] = free
    return found


def _compute(calculator: Any, atoms: Atoms, names: list[str]) -> None:
    """Compute several properties in one call of the calculator, as ASE's `get_property` does for one property.

    If they were computed one by one, a program that is told what to compute would run once for each, and ASE would
    check each time that the structure is still the same, which takes as long as a fast potential.
    """
    changes = calculator.check_state(atoms)
    if changes:
        calculator.atoms, calculator.results = None, {}
    if any(name not in calculator.results for name in names):
        if calculator.use_cache:
            calculator.atoms = atoms.copy()
        calculator.calculate(atoms, names, changes)


def _make(member: Any, others: Mapping[str, Any]) -> Any:
    if not hasattr(member, "calculate") or isinstance(member, type):
        return make_model(member, **others)
    if others:
        raise InputError("overrides need something that makes calculators: give its class, or (class, args, kwargs).")
    return member


def _statistics(found: list[dict[str, Any]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name in found[0]:
        values = [each[name] for each in found if name in each]
        results[name], results[name + STD] = np.mean(values, axis=0), np.std(values, axis=0)
    return results
