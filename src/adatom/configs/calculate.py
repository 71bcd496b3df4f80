"""`calculate`: energies, forces and stresses of many structures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_properties

from adatom.calculators.models import Calculator, identify_model, make_model, model_names, named_model
from adatom.calculators.together import evaluate_together
from adatom.configs.autopara import AutoparaInfo
from adatom.configs.configset import ConfigSet
from adatom.configs.mapping import identify
from adatom.configs.operation import Operation, store_results
from adatom.configs.run import Outputs, run_operation
from adatom.errors import InputError, UnknownNameError

__all__ = ["calculate"]

_DEFAULT = ("energy", "forces", "stress")
Triple = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]


def calculate(
    inputs: Any,
    outputs: Outputs = None,
    calculator: Calculator | Triple | Sequence[Calculator | Triple] = None,
    properties: Sequence[str] | None = None,
    output_prefix: str | None = None,
    *,
    overrides: Callable[[Atoms], Mapping[str, Any] | None] | str | None = None,
    on_error: str = "keep",
    autopara_info: AutoparaInfo | None = None,
) -> ConfigSet:
    """Evaluate each structure of a set, and keep the results under names of the calculator.

    A calculator is made once in each worker, and keeps what it knows from one structure to the next, as in a loop by
    hand. Models whose packages can evaluate structures together do so; then results agree with those of one by one to
    single precision (`adatom.calculators.together.evaluate_together`).

    Parameters
    ----------
    inputs
        A `ConfigSet`, or what it is made of.
    outputs
        An `OutputSpec`, or what it is made of: a name, a list of names. None: memory.
    calculator
        An ASE calculator; its class; a function that makes one; a tuple of constructor, positional arguments and
        keyword arguments; or a model by name, such as ``"chgnet"`` or ``"mace:PATH"``. A list of them is a committee:
        the results are the means of the members', with the standard deviations (of the members, not of their mean)
        beside them under ``PREFIXenergy_std`` and so on.
    properties
        Under ASE's names. None: energy, forces and stress, those that the calculator has. The stress is left out where
        a structure is not periodic in all directions.
    output_prefix
        Before the names of the results: ``atoms.info["REF_energy"]`` in eV, ``atoms.arrays["REF_forces"]`` in eV/Å,
        ``atoms.info["REF_stress"]`` in eV/Å³, as a vector of 6. None: the calculator's name and an underscore.
    overrides
        Keyword arguments of the constructor for one structure, in place of the common ones: a function of the
        structure, or a key of `Atoms.info`, where a dictionary is.
    on_error
        As of `map`; a structure that failed has the cause in ``atoms.info["PREFIXfailed"]``.
    autopara_info
        How the work spreads over workers.

    Returns
    -------
    ConfigSet
        The structures with their results.

    Raises
    ------
    InputError
        There is no such calculator or property, or what `map` refuses.
    ItemError, UnfinishedError, StorageError
        As by `map`.
    """
    members = list(calculator) if isinstance(calculator, list) else [calculator]
    if not members or None in members:
        raise InputError(
            "calculate needs a calculator. Give one of ASE's, its class, (class, args, kwargs), or a model by name: "
            f"{', '.join(model_names())}."
        )
    unknown = next((name for name in properties or () if name not in all_properties), None)
    if unknown is not None:
        raise UnknownNameError("property", unknown, all_properties)
    prefix = f"{_name(members[0])}_" if output_prefix is None else output_prefix
    function = _Evaluate(members, tuple(properties) if properties is not None else None, prefix, overrides)
    function.check()
    known = {
        "calculator": [_identity(member) for member in members],
        "properties": function.properties,
        "prefix": prefix,
        "overrides": overrides,
    }
    name, together = f"calculate {prefix.rstrip('_')}".strip(), function.together
    operation = Operation(
        name, function.many if together else function, {}, on_error, mark=f"{prefix}failed", whole=together
    )
    identity = identify(_Evaluate.__call__, known)
    if not isinstance(inputs, ConfigSet):
        inputs = ConfigSet(inputs)
    return run_operation(operation, inputs, outputs, identity, autopara_info)


class _Evaluate:
    def __init__(self, members: list[Any], properties: tuple[str, ...] | None, prefix: str, overrides: Any) -> None:
        self.members, self.properties, self.prefix, self.overrides = members, properties, prefix, overrides
        self._made: dict[Any, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": {}}  # each worker makes its own

    def check(self) -> None:
        """Refuse now what each structure would fail for."""
        for member in self.members:
            given = member[0] if isinstance(member, tuple) else member
            row = named_model(given)
            has = row.properties if row else getattr(given, "implemented_properties", None)
            if row is None and not callable(given) and not hasattr(given, "calculate"):
                make_model(given)  # says what it could be
            missing = [name for name in self.properties or () if has and name not in has]
            if missing:
                raise InputError(f"{_name(member)} has no {', '.join(missing)}. It has: {', '.join(has or ())}.")

    @property
    def together(self) -> bool:
        """Whether a member evaluates many structures at once."""
        rows = [named_model(member) for member in self.members]
        return self.overrides is None and any(row is not None and row.together is not None for row in rows)

    def __call__(self, atoms: Atoms) -> Atoms:
        others = self._others(atoms)
        return self._stored(atoms, [self._results(place, atoms, others) for place in range(len(self.members))])

    def many(self, structures: list[Atoms]) -> list[Atoms]:
        """The same for a list of structures."""
        known = [evaluate_together(member, structures) for member in self.members]
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

    def _chosen(self, known: dict[str, Any] | None, atoms: Atoms) -> dict[str, Any] | None:
        """Of what is computed together, what is wanted; None if some of that is not there."""
        if known is None:
            return None
        wanted = [name for name in self.properties or _DEFAULT if name != "stress" or atoms.pbc.all()]
        missing = [name for name in wanted if name not in known]
        return (
            None if missing and self.properties is not None else {name: known[name] for name in wanted if name in known}
        )

    def _others(self, atoms: Atoms) -> Mapping[str, Any]:
        if self.overrides is None:
            return {}
        found = atoms.info.get(self.overrides) if isinstance(self.overrides, str) else self.overrides(atoms)
        if found is not None and not isinstance(found, Mapping):
            raise InputError(f"The overrides of a structure are {found!r}. Give a dictionary of keyword arguments.")
        return found or {}

    def _results(self, place: int, atoms: Atoms, others: Mapping[str, Any]) -> dict[str, Any]:
        calculator = self._calculator(place, others)
        results = {}
        for name in self.properties or _DEFAULT:
            has = getattr(calculator, "implemented_properties", None)
            if (name == "stress" and not atoms.pbc.all()) or (self.properties is None and has and name not in has):
                continue
            results[name] = calculator.get_property(name, atoms)
        return results

    def _calculator(self, place: int, others: Mapping[str, Any]) -> Any:
        key = (place, repr(sorted(others.items())))
        if key not in self._made:
            while len(self._made) > 16 * len(self.members):
                del self._made[next(iter(self._made))]
            self._made[key] = _make(self.members[place], others)
        return self._made[key]


def _make(member: Any, others: Mapping[str, Any]) -> Any:
    if isinstance(member, tuple):
        constructor, args, kwargs = _triple(member)
        return constructor(*args, **{**kwargs, **others})
    if hasattr(member, "calculate") and not isinstance(member, type):
        if others:
            raise InputError(
                "overrides need something that makes calculators: give its class, or (class, args, kwargs)."
            )
        return member
    return make_model(member, **others)


def _triple(member: tuple[Any, ...]) -> Triple:
    if len(member) != 3 or not callable(member[0]) or not isinstance(member[2], Mapping):
        raise InputError(
            f"The calculator is {member!r}. As a tuple it is (constructor, [arguments], {{keyword arguments}})."
        )
    return member[0], member[1] or (), member[2]


def _statistics(found: list[dict[str, Any]]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    for name in found[0]:
        values = [each[name] for each in found if name in each]
        results[name], results[f"{name}_std"] = np.mean(values, axis=0), np.std(values, axis=0)
    return results


def _name(member: Any) -> str:
    if isinstance(member, str):
        return member.partition("?")[0].partition(":")[0]
    made = _triple(member)[0] if isinstance(member, tuple) else member
    return str(getattr(made, "__name__", None) or type(made).__name__)


def _identity(member: Any) -> Any:
    if isinstance(member, tuple):
        return list(_triple(member))
    return identify_model(member)
