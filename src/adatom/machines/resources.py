"""Resources that a job asks a machine for."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from adatom.machines.model import Model
from adatom.utils.durations import parse_duration

__all__ = ["Memory", "Resources", "Walltime", "parse_memory"]

_BYTES = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_memory(text: str) -> int:
    """Return an amount of memory in bytes.

    Parameters
    ----------
    text
        Number with the unit B, K, M, G or T, each 1024 times the one before, as schedulers count. ``GB`` and ``GiB``
        mean the same as ``G``.

    Raises
    ------
    ValueError
        The text has another form.
    """
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([kmgt]?)(?:i?b)?", text.strip().lower())
    if not found or not (found[2] or text.strip().lower().endswith("b")):
        raise ValueError("Give a number with a unit, such as 500M or 16G")
    return round(float(found[1]) * _BYTES[found[2] or "b"])


def _if_text(parse: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


Walltime = Annotated[float, _if_text(parse_duration), Field(gt=0, allow_inf_nan=False)]
Memory = Annotated[int, _if_text(parse_memory), Field(gt=0)]


class Resources(Model):
    """Resources that a job asks a machine for.

    Attributes
    ----------
    nodes
        Number of nodes of the job.
    ranks_per_node
        Number of MPI processes on each node.
    threads_per_rank
        Number of cores of each MPI process, and the value of ``OMP_NUM_THREADS``.
    gpus_per_node
        Number of GPUs on each node.
    memory
        Memory of each node, in bytes or as text such as ``"16G"``. None: the default of the scheduler.
    walltime
        Longest run time, in s or as text: ``"2h"``, ``"90m"``, ``"01:30:00"`` or ``"1-12:00:00"``. None: the default of
        the scheduler.
    """

    nodes: PositiveInt = 1
    ranks_per_node: PositiveInt = 1
    threads_per_rank: PositiveInt = 1
    gpus_per_node: NonNegativeInt = 0
    memory: Memory | None = None
    walltime: Walltime | None = None

    @property
    def ranks(self) -> int:
        """Number of MPI processes on all nodes together."""
        return self.nodes * self.ranks_per_node

    @property
    def cores_per_node(self) -> int:
        """Number of cores that the MPI processes of one node use together."""
        return self.ranks_per_node * self.threads_per_rank
