"""Molecular dynamics that collect structures."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from adatom.atoms.results import without_results
from adatom.calculations.calculation import Calculation, independent_copy
from adatom.calculations.checks import check_calculator, check_count
from adatom.calculations.motion import Motion
from adatom.calculations.overheating import make_steps
from adatom.calculations.ramp import Knots
from adatom.calculators.files import own_directory
from adatom.calculators.models import Calculator, make_model
from adatom.errors import IncompleteError, InputError
from adatom.execution.deadline import stop_reason

__all__ = ["sample_md"]

logger = logging.getLogger(__name__)

Criterion = Callable[[Atoms], Any]


def sample_md(
    atoms: Atoms,
    calculator: Calculator = None,
    *,
    steps: int,
    temperature: Knots | None = None,
    dynamics: str = "NVT",
    timestep: float = 1.0,
    pressure: Knots = 0.0,
    keep_velocities: bool = False,
    every: int = 10,
    select: Criterion | Collection[int] | None = None,
    abort: Criterion | Sequence[Criterion] | None = None,
    rng: np.random.Generator | None = None,
    dynamics_kwargs: Mapping[str, Any] | None = None,
) -> list[Atoms]:
    """Run molecular dynamics and collect structures on the way; with `adatom.configs.map`, of many structures.

    No files are written except those of a calculator that needs some. Use `run_md` for a trajectory file, and for a run
    that can be made longer.

    Parameters
    ----------
    atoms
        Structure to start from; it is not changed.
    calculator
        ASE calculator, which is copied; its class; a function that makes one; a tuple of constructor, positional
        arguments and keyword arguments; or the name of a model, such as ``"chgnet"``.
    steps
        Number of time steps.
    temperature, timestep, pressure, keep_velocities, dynamics_kwargs
        Same as in `run_md`: `temperature` in K, `timestep` in fs, `pressure` in eV/Å³.
    dynamics
        Name in `DYNAMICS`: ``"NVT"``, ``"NVE"``, ``"NPT"``, or one of ASE's classes.
    every
        Number of steps between two looks at the structure. The first look is at the start, which is step 0.
    select
        Structures to collect: those of every look (None), those for which a function is true, or those after these
        numbers of steps.
    abort
        Function of a structure, or a list of functions, called at every look and with each structure that is collected.
        If one is true, the run ends there without an error, and this structure is the last one collected.
        `adatom.atoms.criteria` has ready-made ones.
    rng
        Generator of the random numbers, such as ``numpy.random.default_rng(1)``; `adatom.configs.map` gives one if it
        has a `seed`. None: for dynamics that draw no random numbers.
    dynamics_kwargs
        Further arguments of ASE's class, in ASE's units.

    Returns
    -------
    list of Atoms
        Copies with their velocities and with the properties that the calculator found, at least energy (eV) and forces
        (eV/Å), as results of a `SinglePointCalculator`. Results of `atoms` are left out.

    Raises
    ------
    InputError
        Bad input, found before anything is computed.
    ConvergenceError
        The energy or a force of a structure that was looked at is not a number, or the atoms are too hot to be
        described: see `run_md`.
    IncompleteError
        The time of the process ran out (`adatom.execution.deadline`). Nothing of the run is kept; `adatom.configs.map`
        ends without an error, and leaves the structure for the next run.

    Notes
    -----
    `select` and `abort` may be callable objects that remember earlier structures: each run uses its own copies of them
    (`copy.deepcopy`), so nothing is carried over from one structure to the next. A function that remembers in a
    variable outside of it cannot be copied. Both get the structures that are collected, not the atoms that move.
    """
    check_count(every=every)
    motion = Motion(dynamics, steps, timestep, temperature, pressure, keep_velocities, dynamics_kwargs)
    motion.check(atoms)
    taking, ending = _copied(_selection(select, steps, every), _criteria(abort))
    if motion.seeded and not isinstance(rng, np.random.Generator):
        raise InputError(
            f"rng is {rng!r}, and {dynamics} needs random numbers. Give a generator: rng=numpy.random.default_rng(1), "
            "or a seed to map: seed=1."
        )
    random = rng if rng is not None else np.random.default_rng(0)  # nothing is drawn from this fallback
    made = make_model(calculator)
    check_calculator(made, *motion.needs)
    taken: list[Atoms] = []
    with own_directory(made, "md") as directory:
        run = Calculation("md", without_results(atoms), made, directory)
        motion.set_velocities(run.atoms, random)
        integrator = motion.integrator(run.atoms, random)
        motion.follow(integrator)

        last, longest = time.perf_counter(), 0.0

        def look() -> None:
            nonlocal last, longest
            step, now = integrator.nsteps, time.perf_counter()
            last, longest = now, max(longest, now - last)
            if step < steps and (why := stop_reason(2 * longest)):
                raise IncompleteError(
                    f"MD of {atoms.symbols} stopped after {step} of {steps} steps: {why}. It has to start anew."
                )
            if step % every and step not in taking.numbers:
                return
            structure = _snapshot(run)
            wanted = taking.takes(step, structure)
            reasons = [each for each in ending if each(structure)]  # each criterion sees every structure
            if wanted or reasons:
                taken.append(structure)
            if reasons:
                logger.info("MD of %s ended after %d of %d steps: %s", atoms.symbols, step, steps, reasons)
                integrator.max_steps = step

        integrator.attach(look, interval=1)
        make_steps(integrator, steps)
    return taken


class _Selection:
    """Rule that selects the structures to collect."""

    def __init__(self, numbers: Collection[int], function: Criterion | None = None) -> None:
        self.numbers, self._function = numbers, function

    def takes(self, step: int, atoms: Atoms) -> bool:
        return step in self.numbers if self._function is None else bool(self._function(atoms))


def _selection(select: Any, steps: int, every: int) -> _Selection:
    if select is None:
        return _Selection(range(0, steps + 1, every))
    if callable(select) and not isinstance(select, type):
        return _Selection((), select)
    # An iterator would be used up by the first of many structures.
    if not isinstance(select, Iterable) or isinstance(select, str | Mapping | Iterator):
        raise InputError(f"select is {select!r}. Give a function of a structure, or a list of numbers of steps.")
    numbers = list(select)
    for number in numbers:
        if not _is_integer(number) or not 0 <= number <= steps:
            raise InputError(f"select has {number!r}. Give numbers of steps, from 0 to {steps}, the steps of the run.")
    return _Selection(frozenset(int(number) for number in numbers))


def _is_integer(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)


def _criteria(abort: Any) -> list[Criterion]:
    criteria = [] if abort is None else list(abort) if isinstance(abort, list | tuple) else [abort]
    for criterion in criteria:
        # A class that is called gives an object, which is true for any structure.
        if not callable(criterion) or isinstance(criterion, type):
            shown = f"the class {criterion.__name__}" if isinstance(criterion, type) else repr(criterion)
            raise InputError(
                f"abort has {shown}. Give a function of a structure, or a list of them, such as TooClose(0.6) or "
                "TemperatureAbove(3000) of adatom.atoms.criteria."
            )
    return criteria


def _copied(taking: _Selection, ending: list[Criterion]) -> tuple[_Selection, list[Criterion]]:
    try:
        return deepcopy((taking, ending))  # in one call, so that an object in both stays one
    except Exception as error:
        raise InputError(
            f"select and abort are copied for each run, and one of them cannot be: {error}. Make what it cannot copy "
            "when it is first called."
        ) from error


def _snapshot(run: Calculation) -> Atoms:
    results = run.properties()
    structure = independent_copy(run.atoms)
    structure.calc = SinglePointCalculator(structure, **results)
    return structure
