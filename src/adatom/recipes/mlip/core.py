"""Jobs with machine-learned potentials, or any calculator of ASE's: `calculator` says which."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from adatom.calculators.models import Calculator, identify_model, make_model
from adatom.recipes.common import core
from adatom.recipes.common.code import Choice, Code

__all__ = ["freq_job", "irc_job", "md_job", "neb_job", "relax_job", "static_job", "ts_job"]


class ModelCode(Code):
    """A code whose jobs have a `calculator`."""

    def choice(self) -> Choice:
        """A calculator."""
        options = {"counts": {"calculator": identify_model}}
        return Choice("calculator", None, "Calculator", make_model, self._with_calculator, options)

    def _with_calculator(self, calculator: Calculator) -> Code:
        return replace(self, make=partial(make_model, calculator))


mlip = ModelCode("machine-learned potential", make_model)

static_job = mlip.job(core.static_job)
relax_job = mlip.job(core.relax_job)
md_job = mlip.job(core.md_job)
freq_job = mlip.job(core.freq_job)
neb_job = mlip.job(core.neb_job)
ts_job = mlip.job(core.ts_job)
irc_job = mlip.job(core.irc_job)
