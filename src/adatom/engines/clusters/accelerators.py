"""A Dask worker's preload: each worker of a batch job has its own of the job's GPUs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

__all__ = ["dask_setup", "shares"]


def dask_setup(worker: Any) -> None:
    """Give a starting worker its GPUs. Dask calls this function in the worker.

    Parameters
    ----------
    worker
        Dask's worker, whose name ends with ``-`` and the number of the worker in its batch job.
    """
    gpus, count = int(os.environ["GPUS_PER_NODE"]), int(os.environ["WORKERS_PER_NODE"])
    if count > 1:
        # Not every scheduler says which GPUs a job has.
        said = os.environ.get("CUDA_VISIBLE_DEVICES")
        visible = said.split(",") if said else [str(gpu) for gpu in range(gpus)]
        os.environ["CUDA_VISIBLE_DEVICES"] = shares(visible, count)[int(str(worker.name).rpartition("-")[2])]


def shares(gpus: Sequence[str], workers: int) -> list[str]:
    """Return the GPUs of each worker, in the words of ``CUDA_VISIBLE_DEVICES``.

    Parameters
    ----------
    gpus
        All GPUs of a batch job.
    workers
        Number of workers that share the GPUs.
    """
    each = len(gpus) // workers
    return [",".join(gpus[number * each : (number + 1) * each]) for number in range(workers)]
