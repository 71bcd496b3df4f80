"""Evaluation of many structures in one call of a machine-learned potential, for packages that allow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import all_changes

from adatom.calculators.models import Calculator, make_model, named_model

__all__ = ["batch_evaluator", "evaluate_ahead", "evaluate_batched", "with_results", "with_source"]

BatchEvaluator = Callable[[Any, Sequence[Atoms]], "list[dict[str, Any] | None]"]

_REACH = 5.0  # Å: about the cut-off of models
# Largest number of pairs of atoms in one call, by device: on a processor those of 16 atoms of copper, or 60 dimers.
# Larger batches gain nothing there: what small structures save is the cost of a call.
_MOST_PAIRS = {"cpu": 750}
_MOST_PAIRS_ELSEWHERE = 96_000


def evaluate_batched(
    calculator: Calculator, structures: Sequence[Atoms], **calc_kwargs: Any
) -> list[dict[str, Any] | None]:
    """Return the properties of many structures, computed in batches if the model allows it.

    The results agree with those of single structures to single precision: 1e-5 eV, eV/Å and eV/Å³ for a few tens of
    atoms.

    Parameters
    ----------
    calculator
        Calculator in any form that `adatom.calculators.models.make_model` takes.
    structures
        Structures to compute, of any sizes.
    **calc_kwargs
        Arguments of the calculator.

    Returns
    -------
    list of dict or None
        Properties of each structure, by ASE's names and in ASE's units. None for each structure if the model computes
        one structure at a time.
    """
    evaluate = batch_evaluator(calculator)
    return [None] * len(structures) if evaluate is None else evaluate(make_model(calculator, **calc_kwargs), structures)


def batch_evaluator(calculator: Calculator) -> BatchEvaluator | None:
    """Return the function that computes many structures in batches; None if the model computes one at a time.

    Parameters
    ----------
    calculator
        Calculator in any form that `adatom.calculators.models.make_model` takes.

    Returns
    -------
    callable or None
        Function of what `make_model` returns and a sequence of structures, with the results of `evaluate_batched`.
    """
    row = named_model(calculator)
    if row is None or row.batched is None:
        return None
    module, _, name = row.batched.partition(":")
    function = getattr(import_module(module), name)

    def evaluate(made: Any, structures: Sequence[Atoms]) -> list[dict[str, Any] | None]:
        return [found for some in _in_parts(made, structures) for found in function(made, some)]

    return evaluate


def evaluate_ahead(
    evaluate: BatchEvaluator, made: Any, structures: Sequence[Atoms]
) -> Callable[[Atoms], dict[str, Any] | None]:
    """Return a source for `with_source`, which computes the structure that it is asked for with those that follow it.

    Parameters
    ----------
    evaluate
        Function that `batch_evaluator` returned.
    made
        Calculator that `make_model` returned.
    structures
        Structures in the order in which the source will be asked for them; it may be asked for some of them only. Those
        of a part for which `evaluate` raises are left to be computed one by one.
    """

    def in_order() -> Iterator[tuple[Atoms, dict[str, Any] | None]]:
        for part in _in_parts(made, structures):
            found: Sequence[dict[str, Any] | None] = [None] * len(part)
            with suppress(Exception):  # one structure is the cause, and will say so when it is computed by itself
                found = evaluate(made, part)
            yield from zip(part, found, strict=True)

    ahead = in_order()
    return lambda atoms: next((results for structure, results in ahead if structure == atoms), None)


def _in_parts(made: Any, structures: Sequence[Atoms]) -> Iterator[list[Atoms]]:
    """Yield runs of structures, each of which is no larger than is fast on the device of a calculator."""
    device = str(getattr(made, "device", "cpu")).partition(":")[0]
    most = _MOST_PAIRS.get(device, _MOST_PAIRS_ELSEWHERE)
    part: list[Atoms] = []
    total = 0.0
    for atoms in structures:
        pairs = _count_pairs(atoms)
        if part and total + pairs > most:
            yield part
            part, total = [], 0.0
        part.append(atoms)
        total += pairs
    yield part


def _count_pairs(atoms: Atoms) -> float:
    """Return about how many pairs of atoms are near each other, and of each atom with itself."""
    volume = float(np.prod(np.ptp(atoms.positions, axis=0) + _REACH))
    if atoms.cell.rank == 3:
        volume = min(volume, atoms.get_volume())
    return len(atoms) * (1 + len(atoms) / volume * 4 / 3 * np.pi * _REACH**3)


def with_results(calculator: Any, structure: Atoms, results: dict[str, Any]) -> Any:
    """Return a calculator that knows the properties of one structure, and computes those of any other.

    Parameters
    ----------
    calculator
        ASE calculator that nothing else uses; it is changed.
    structure
        Structure whose properties are known.
    results
        Properties of the structure, by ASE's names.
    """
    known = structure.copy()
    return with_source(calculator, lambda atoms: results if atoms == known else None)


def with_source(calculator: Any, source: Callable[[Atoms], dict[str, Any] | None]) -> Any:
    """Return a calculator that takes the properties of structures from a function, and computes what it has not.

    Parameters
    ----------
    calculator
        ASE calculator that nothing else uses; it is changed.
    source
        Function that returns the properties of a structure by ASE's names, or None. The structure has no calculator.
    """
    compute = calculator.calculate

    def calculate(atoms: Atoms, properties: Any = None, system_changes: Any = all_changes) -> None:
        copy = atoms.copy()
        results = source(copy)
        if results is None:
            return compute(atoms, properties, all_changes)  # the calculator has prepared nothing yet
        calculator.atoms, calculator.results = copy, dict(results)

    calculator.calculate = calculate
    return calculator
