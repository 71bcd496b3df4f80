"""From nothing to the first result of a job in a batch job on a real Slurm: `make_runner` against bare dask-jobqueue.

It starts a Slurm of its own, as root (`tests/infra/slurm.py`). Both submit one batch job with one Dask worker.
"""

import sys
import time
from pathlib import Path

from _measure import Row, arguments, compare, report, scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

from dask_jobqueue import SLURMCluster
from distributed import Client

from adatom import change_settings, flow, job, make_runner
from tests.infra.slurm import Cluster, slurm

BATCH_JOB = {"cores": 1, "memory": "1GB", "job_mem": "900M", "walltime": "00:10:00", "queue": "main"}


def double(value: int) -> int:
    return 2 * value


@flow
def doubled() -> int:
    return job(double)(21)


def by_adatom(cluster: Cluster) -> float:
    """Seconds from `make_runner` to the flow's result."""
    start = time.perf_counter()
    with make_runner(BATCH_JOB, engine="dask") as runner:
        assert doubled.with_options(runner=runner)() == 42
        taken = time.perf_counter() - start
    _wait(cluster)
    return taken


def by_dask_jobqueue(cluster: Cluster) -> float:
    """Seconds from the cluster's making to the task's result."""
    start = time.perf_counter()
    with SLURMCluster(processes=1, **BATCH_JOB) as jobs, Client(jobs) as client:
        jobs.scale(jobs=1)
        assert client.submit(double, 21).result() == 42
        taken = time.perf_counter() - start
    _wait(cluster)
    return taken


def _wait(cluster: Cluster) -> None:
    while cluster.run("squeue", "-h"):  # a batch job that completes still holds its node
        time.sleep(0.1)


def main() -> None:
    options = arguments(__doc__, repeats=5)
    rows: list[Row] = []
    with (
        scratch() as root,
        slurm() as cluster,
        change_settings(workflow_engine="dask", results_dir=root / "results"),
    ):
        rows.append(
            compare(
                "make_runner to first result, one batch job",
                1.3,
                lambda: by_adatom(cluster),
                lambda: by_dask_jobqueue(cluster),
                options.repeats,
            )
        )
    report("workers in batch jobs on Slurm", rows, options.json)


if __name__ == "__main__":
    main()
