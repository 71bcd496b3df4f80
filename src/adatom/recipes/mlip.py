"""Jobs with machine-learned potentials, or any calculator of ASE's: `calculator` says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ase import Atoms

from adatom.calculators.batched import evaluate_batched, with_results
from adatom.calculators.models import Calculator, identify_model, make_model
from adatom.execution.context import batch_value
from adatom.recipes.common import jobs
from adatom.recipes.common.code import Choice, Code
from adatom.recipes.common.flows import *  # noqa: F403


class ModelCode(Code):
    """A code whose jobs have a `calculator`."""

    def choice(self) -> Choice:
        """A calculator."""
        options = {"counts": {"calculator": identify_model}}
        return Choice("calculator", None, "Calculator", make_model, self._with_calculator, options)

    def _with_calculator(self, calculator: Calculator) -> Code:
        return replace(self, make=partial(make_model, calculator))

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Make a calculator; what was computed of the structure together with others, it knows."""
        made = super().build(atoms, settings)
        results = batch_value()
        return made if results is None else with_results(made, atoms, results)


def compute_batch(
    structures: Sequence[Atoms],
    *,
    calculator: Calculator = None,
    calc_kwargs: Mapping[str, Any] | None = None,
    **others: Any,
) -> list[dict[str, Any] | None]:
    """What `static_job` finds of each structure, for many at once.

    Parameters
    ----------
    structures
        The structures.
    calculator, calc_kwargs
        As of `static_job`.
    **others
        Its other arguments.
    """
    settings = {name: value for name, value in (calc_kwargs or {}).items() if name != "dispersion"}  # added to each
    return evaluate_batched(calculator, structures, **settings)


mlip = ModelCode("machine-learned potential", make_model)

static_job = mlip.job(jobs.static_job).with_options(batch_function=compute_batch)
relax_job = mlip.job(jobs.relax_job)
md_job = mlip.job(jobs.md_job)
freq_job = mlip.job(jobs.freq_job)
neb_job = mlip.job(jobs.neb_job)
ts_job = mlip.job(jobs.ts_job)
irc_job = mlip.job(jobs.irc_job)

mlip.bind_flows()
