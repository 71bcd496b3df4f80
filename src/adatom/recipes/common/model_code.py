"""Codes whose jobs take a `calculator`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ase import Atoms

from adatom.calculators.batched import with_results
from adatom.calculators.models import Calculator, calculator_needs, identify_model
from adatom.execution.context import batch_value
from adatom.execution.needs import Need
from adatom.recipes.common.code import Choice, Code

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
    """

    found: Callable[[Any], Any] = lambda calculator: calculator

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

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Return a calculator, with results where the structure was computed together with others.

        Parameters
        ----------
        atoms
            Structure that will be computed.
        settings
            Arguments of the model, by name.
        """
        made = super().build(atoms, settings)
        results = batch_value()
        return made if results is None else with_results(made, atoms, results)
