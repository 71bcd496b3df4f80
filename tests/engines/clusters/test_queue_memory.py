"""Jobs of the queue engine that take more memory than their batch job has, on a real Slurm that limits it."""

import os
import time
from pathlib import Path

import pytest

from adatom import flow, job
from adatom.errors import FlowFailure
from tests.engines.clusters.conftest import on
from tests.infra import machine, slurm

pytestmark = pytest.mark.xdist_group("slurm")

PROFILES = """
[machines.birch]
scheduler = "slurm"
queues.cpu = "main"

[runners.small]
machine = "birch"
memory = "300M"
walltime = "10m"

[runners.growing]
machine = "birch"
memory = "150M"
jobs_per_node = 2
walltime = "10m"
retry.out_of_memory = { memory = 2.0 }
"""


POLLED = pytest.param(False, id="polled", marks=pytest.mark.deep(reason="another Slurm starts for it"))


@pytest.fixture(scope="module", params=[pytest.param(True, id="cgroups"), POLLED])
def cluster(request):
    """A Slurm whose kernel kills the process that takes too much, or one that looks itself and kills the batch job."""
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    if request.param:
        try:
            slurm.require_cgroups()
        except machine.Unavailable as error:
            pytest.skip(str(error))
    with slurm.slurm(nodes=1, cgroups=request.param) as running:
        yield running


@pytest.fixture(autouse=True)
def profiles(tmp_path):
    (tmp_path / "adatom.toml").write_text(PROFILES)


@job
def take(megabytes, log):
    with open(log, "a") as file:
        print(os.environ["SLURM_JOB_ID"], os.getpid(), file=file)
    much = bytearray(os.urandom(1 << 20)) * megabytes
    if int(os.environ["SLURM_MEM_PER_NODE"]) < megabytes:
        time.sleep(250)  # a Slurm without cgroups looks each second
    return len(much) >> 20


@job
def outlive(log):
    """Last until another job is killed."""
    with open(f"{log}-other", "a") as file:
        file.write("x")
    while not Path(log).exists():
        time.sleep(0.05)
    process = Path(log).read_text().split()[1]
    while Path("/proc", process).exists():
        time.sleep(0.05)
    return "well"


@on("queue")
def test_a_larger_batch_job_follows(selected, cluster, tmp_path):
    @flow(runner="growing")
    def campaign(log):
        return [take(400, log), outlive(log)]

    assert campaign(str(tmp_path / "log")) == [400, "well"]
    first, second = [line.split()[0] for line in (tmp_path / "log").read_text().splitlines()]
    assert [cluster.job(id)["MinMemoryNode"] for id in (first, second)] == ["300M", "600M"]
    if cluster.cgroups:
        assert cluster.job(first)["JobState"] == "OUT_OF_MEMORY"
        assert (tmp_path / "log-other").read_text() == "x", "what ran beside it was lost"


@on("queue")
def test_the_failure_names_the_cause_and_the_next_step(selected, cluster, tmp_path):
    @flow(runner="small")
    def campaign(log):
        return [take(400, log)]

    with pytest.raises(FlowFailure, match=r"ended: out of memory.*Give the runner profile more memory, or retry.out_o"):
        campaign(str(tmp_path / "log"))
    assert len((tmp_path / "log").read_text().splitlines()) == 1, "it was tried again where it cannot succeed"
