"""Plain-Python atomistic recipes that run on a laptop, on Prefect, Covalent, Parsl or Dask, unchanged."""

from typing import TYPE_CHECKING, Any

from adatom._version import __version__
from adatom.errors import FlowFailure, JobFailure
from adatom.settings import change_settings, get_settings
from adatom.utils.merge import Remove
from adatom.workflow import Failure, Future, explain, flow, gather, job, make_runner, strip, subflow, wait

if TYPE_CHECKING:
    from adatom.engines.remote import remote

__all__ = [
    "Failure",
    "FlowFailure",
    "Future",
    "JobFailure",
    "Remove",
    "__version__",
    "change_settings",
    "explain",
    "flow",
    "gather",
    "get_settings",
    "job",
    "make_runner",
    "remote",
    "strip",
    "subflow",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name != "remote":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adatom.engines.remote import remote  # at first use: import brings no engine

    globals()[name] = remote
    return remote
