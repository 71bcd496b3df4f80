"""Flows in the batch jobs of a real Grid Engine."""

import pytest
from ase.build import bulk

from adatom import make_runner
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.clusters.conftest import batch_jobs, energies, tail
from tests.engines.processes import wait_until
from tests.infra import machine, sge

pytestmark = pytest.mark.xdist_group("sge")

PROFILES = """
[machines.oak]
scheduler = "sge"
queues = { cpu = "main.q" }
sge.parallel_environment = "smp"

[runners.screening]
machine = "oak"
jobs_per_node = 2
walltime = "10m"
"""


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("sge", sge.COMMANDS, sge.PACKAGES)
    with sge.sge(slots=4) as running:
        yield running


def queue(cluster):
    """The ids of jobs that wait or run."""
    return [line.split()[0] for line in cluster.run("qstat", "-u", "*").splitlines()[2:]]


WAYS = [("dask", None), ("prefect", None), ("parsl", None)]
WAYS += [(engine, "screening") for engine in ("dask", "parsl", "queue")]


@pytest.mark.parametrize(("selected", "profile"), WAYS, indirect=["selected"])
def test_all_jobs_of_a_flow_run_in_batch_jobs(selected, profile, cluster, here, tmp_path):
    (tmp_path / "adatom.toml").write_text(PROFILES)
    arguments = {"cores": 1, "memory": "4GB", "walltime": "00:10:00", "queue": "main.q"}
    described = {"profile": profile} if profile else {"cluster_kwargs": arguments, "scheduler": "sge"}
    with make_runner(**described, jobs=2) as runner:
        assert not queue(cluster)
        out = bulk_to_slabs_flow.with_options(runner=runner)(bulk("Cu"))
        submitted = set(queue(cluster))
    assert energies(out) == here, tail(tmp_path)
    ran = batch_jobs(out)
    assert sum(ran.values()) == 8
    assert set(ran) <= submitted
    assert len(submitted) == 2
    wait_until(lambda: not queue(cluster), f"batch jobs are left: {queue(cluster)}", 60)
