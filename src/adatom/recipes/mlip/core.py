"""Jobs with machine-learned potentials, or any calculator of ASE's: `calculator` says which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ase import Atoms

from adatom.calculators.models import Calculator, identify_model, make_model
from adatom.calculators.together import evaluate_together, with_results
from adatom.execution.context import done_ahead
from adatom.recipes.common import core
from adatom.recipes.common.code import Choice, Code

__all__ = ["freq_job", "irc_job", "md_job", "neb_job", "relax_job", "static_job", "ts_job"]


class ModelCode(Code):
    """A code whose jobs have a `calculator`."""

    def choice(self) -> Choice:
        """A calculator."""
        options = {"key_functions": {"calculator": identify_model}}
        return Choice("calculator", None, "Calculator", make_model, self._with_calculator, options)

    def _with_calculator(self, calculator: Calculator) -> Code:
        return replace(self, make=partial(make_model, calculator))

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Make a calculator; what was computed of the structure together with others, it knows."""
        made = super().build(atoms, settings)
        results = done_ahead()
        return made if results is None else with_results(made, atoms, results)


def compute_ahead(
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
    return evaluate_together(calculator, structures, **settings)


mlip = ModelCode("machine-learned potential", make_model)

static_job = mlip.job(core.static_job).with_options(ahead=compute_ahead)
relax_job = mlip.job(core.relax_job)
md_job = mlip.job(core.md_job)
freq_job = mlip.job(core.freq_job)
neb_job = mlip.job(core.neb_job)
ts_job = mlip.job(core.ts_job)
irc_job = mlip.job(core.irc_job)
