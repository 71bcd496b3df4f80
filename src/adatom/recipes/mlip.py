"""Machine-learned potentials: CHGNet, SevenNet, MACE, and any other that ASE has a calculator for.

Each job takes a `calculator`, which selects the potential.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ase import Atoms

from adatom.calculators.batched import evaluate_batched
from adatom.calculators.models import Calculator, make_model
from adatom.recipes.common import jobs
from adatom.recipes.common.flows import *  # noqa: F403
from adatom.recipes.common.model_code import ModelCode


def compute_batch(
    structures: Sequence[Atoms],
    *,
    calculator: Calculator = None,
    calc_kwargs: Mapping[str, Any] | None = None,
    **others: Any,
) -> list[dict[str, Any] | None]:
    """Compute the results of `static_job` for many structures at once.

    Parameters
    ----------
    structures
        Structures to compute, of which each is the argument of a job.
    calculator
        Potential, as for `static_job`.
    calc_kwargs
        Arguments of the model, as for `static_job`. The job of each structure adds its dispersion.
    **others
        Other arguments of `static_job`, which do not count.

    Returns
    -------
    list
        Properties of each structure by ASE's names. None: the job computes the structure.
    """
    settings = {name: value for name, value in (calc_kwargs or {}).items() if name != "dispersion"}
    return evaluate_batched(calculator, structures, **settings)


mlip = ModelCode("machine-learned potential", make_model)

static_job = mlip.job(jobs.static_job).with_options(batch_function=compute_batch)
scan_job = mlip.job(jobs.scan_job)
widom_job = mlip.job(jobs.widom_job)
relax_job = mlip.job(jobs.relax_job)
md_job = mlip.job(jobs.md_job)
freq_job = mlip.job(jobs.freq_job)
neb_job = mlip.job(jobs.neb_job)
ts_job = mlip.job(jobs.ts_job)
irc_job = mlip.job(jobs.irc_job)

mlip.bind_flows()
