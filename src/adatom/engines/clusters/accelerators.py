"""A Dask worker's preload: each worker of a batch job has its own of the job's GPUs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

__all__ = ["dask_setup", "shares"]


def dask_setup(worker: Any) -> None:
    """What Dask calls when a worker starts.

    Parameters
    ----------
    worker
        Its name ends with ``-`` and its number among those of its batch job.
    """
    gpus, count = int(os.environ["GPUS_PER_NODE"]), int(os.environ["WORKERS_PER_NODE"])
    if count > 1:
        # Not every scheduler says which GPUs a job has.
        said = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = said.split(",") if said else [str(gpu) for gpu in range(gpus)]
        os.environ["CUDA_VISIBLE_DEVICES"] = shares(visible, count)[int(str(worker.name).rpartition("-")[2])]


def shares(gpus: Sequence[str], workers: int) -> list[str]:
    """What each worker sees, in the words of ``CUDA_VISIBLE_DEVICES``.

    Parameters
    ----------
    gpus
        All that a batch job has.
    workers
        How many share them.
    """
    each = len(gpus) // workers
    return [",".join(gpus[number * each : (number + 1) * each]) for number in range(workers)]
