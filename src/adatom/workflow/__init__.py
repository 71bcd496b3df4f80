"""Jobs, flows and futures, on whichever engine is selected."""

from adatom.execution.failure import Failure
from adatom.workflow.caching import explain
from adatom.workflow.flow import Flow, Subflow, flow, subflow
from adatom.workflow.future import Future
from adatom.workflow.gathering import gather, wait
from adatom.workflow.job import Job, job
from adatom.workflow.runner import make_runner
from adatom.workflow.step import strip

__all__ = [
    "Failure",
    "Flow",
    "Future",
    "Job",
    "Subflow",
    "explain",
    "flow",
    "gather",
    "job",
    "make_runner",
    "strip",
    "subflow",
    "wait",
]
