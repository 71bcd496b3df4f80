"""What a job needs of a machine."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, NonNegativeInt, PositiveInt

from adatom.machines.model import Model
from adatom.utils.durations import parse_duration

__all__ = ["Memory", "Resources", "Walltime", "parse_memory"]

_BYTES = {"b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def parse_memory(text: str) -> int:
    """Bytes.

    Parameters
    ----------
    text
        A number and K, M, G or T, each 1024 times the one before as schedulers have it; ``GB`` and ``GiB`` mean ``G``.

    Raises
    ------
    ValueError
        It is none.
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
    """What a job needs of a machine.

    Attributes
    ----------
    nodes
        How many.
    ranks_per_node
        MPI processes on each.
    threads_per_rank
        Cores of each of these; ``OMP_NUM_THREADS`` is set to it.
    gpus_per_node
        How many of each node.
    memory
        Of each node, in bytes or as ``"16G"``; None: what the scheduler gives.
    walltime
        How long it may take, in s or as ``"2h"``, ``"90m"``, ``"01:30:00"`` or ``"1-12:00:00"``; None: as long as the
        scheduler lets it.
    """

    nodes: PositiveInt = 1
    ranks_per_node: PositiveInt = 1
    threads_per_rank: PositiveInt = 1
    gpus_per_node: NonNegativeInt = 0
    memory: Memory | None = None
    walltime: Walltime | None = None

    @property
    def ranks(self) -> int:
        """MPI processes in all."""
        return self.nodes * self.ranks_per_node

    @property
    def cores_per_node(self) -> int:
        """Cores that the ranks of one node have."""
        return self.ranks_per_node * self.threads_per_rank
