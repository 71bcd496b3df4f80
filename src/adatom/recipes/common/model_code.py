"""Codes whose jobs take a `calculator`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ase import Atoms

from adatom.calculators.batched import batch_evaluator, evaluate_ahead, with_results, with_source
from adatom.calculators.models import Calculator, calculator_needs, identify_model, model, model_label, model_names
from adatom.errors import InputError
from adatom.execution.context import batch_value, current_meeting
from adatom.execution.needs import Need
from adatom.recipes.common.code import Choice, Code, kind_of

__all__ = ["ModelCode"]


@dataclass(frozen=True)
class ModelCode(Code):
    """A code whose jobs take a `calculator`, which selects a potential or a program.

    Attributes
    ----------
    name, elements, parameters, check, derive
        Same as in `Code`.
    make
        Function of a calculator in any form that the user may give, and keyword arguments; it returns the calculator.
        Its docstring has the entry of the parameter.
    found
        Function that returns the calculator in a form that `adatom.calculators.models.make_model` takes.
    upcoming
        Structures that the calculators will compute, in this order.
    """

    found: Callable[[Any], Any] = lambda calculator: calculator
    upcoming: Sequence[Atoms] = ()

    def choice(self) -> Choice:
        """Return the parameter `calculator`."""
        options = {"key_functions": {"calculator": lambda calculator: identify_model(self.found(calculator))}}
        return Choice("calculator", None, "Calculator", self.make, self._with_calculator, options)

    def _with_calculator(self, calculator: Calculator) -> Code:
        return replace(self, make=partial(self.make, calculator))

    def needs(self, calc_kwargs: Mapping[str, Any] | None = None) -> list[Need]:
        """Return the package of the potential.

        Parameters
        ----------
        calc_kwargs
            Arguments of the model, as for the jobs.
        """
        given = getattr(self.make, "args", ())
        return [*super().needs(calc_kwargs), *calculator_needs(*map(self.found, given))]

    def calculators(self, structures: Sequence[Atoms], calc_kwargs: Mapping[str, Any] | None = None) -> list[Any]:
        """Return calculators for structures, which compute several in one call if the potential can.

        Parameters
        ----------
        structures, calc_kwargs
            Same as in `Code.calculators`.
        """
        return super(ModelCode, replace(self, upcoming=structures)).calculators(structures, calc_kwargs)

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Return a calculator; where structures are computed together, it takes results from there.

        Parameters
        ----------
        atoms
            Structure that will be computed.
        settings
            Arguments of the model, by name.

        Raises
        ------
        InputError
            Structures are to be computed together, and the potential computes one at a time.
        """
        made = super().build(atoms, settings)
        results, meeting = batch_value(), current_meeting()
        if results is not None:
            return with_results(made, atoms, results)
        alike = [each for each in self.upcoming if kind_of(each) == kind_of(atoms)]
        if meeting is None and len(alike) < 2:
            return made
        (given,) = map(self.found, self.make.args)  # type: ignore[attr-defined]
        evaluate = batch_evaluator(given)
        if evaluate is not None and len(alike) > 1:
            return with_source(made, evaluate_ahead(evaluate, made, alike))
        if meeting is None:
            return made
        if evaluate is None:
            able = ", ".join(name for name in model_names() if model(name).batched)
            raise InputError(
                f"lockstep is set, and {model_label(given)} computes one structure at a time. Leave it out, or take "
                f"one of these, in this Python: {able}."
            )
        kind, answer = (given, repr(sorted(settings.items()))), partial(evaluate, made)
        return with_source(made, lambda atoms: meeting.ask(kind, answer, atoms))

    def check_lockstep(self) -> None:
        """Refuse nothing: `build` refuses the potentials that compute one structure at a time."""
