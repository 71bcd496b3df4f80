"""A Dask worker's preload: each worker of a batch job has its own of the job's GPUs."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["dask_setup"]


def dask_setup(worker: Any) -> None:
    """What Dask calls when a worker starts.

    Parameters
    ----------
    worker
        Its name ends with ``-`` and its number among those of its batch job.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    count = int(os.environ["WORKERS_PER_NODE"])
    if count > 1:
        number, share = int(str(worker.name).rpartition("-")[2]), max(1, len(visible) // count)
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(visible[number * share : (number + 1) * share])
