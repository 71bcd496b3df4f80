"""Signatures of recipes."""

from __future__ import annotations

import inspect
from typing import Any

from adatom.workflow import Flow, Job

__all__ = ["AnyStep", "jobs_of"]

AnyStep = Job[..., Any] | Flow[..., Any]


def jobs_of(step: AnyStep) -> dict[str, Job[..., Any]]:
    """Return the jobs that are defaults of a flow's parameters, by name of the parameter.

    Parameters
    ----------
    step
        Recipe to look at; a job has no such parameters.
    """
    if not isinstance(step, Flow):
        return {}
    defaults = {name: parameter.default for name, parameter in inspect.signature(step).parameters.items()}
    return {name: default for name, default in defaults.items() if isinstance(default, Job)}
