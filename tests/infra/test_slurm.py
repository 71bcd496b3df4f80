"""The Slurm that other tests use is a real one, and leaves nothing."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import machine, slurm
from tests.infra.machine import wait_for

pytestmark = pytest.mark.xdist_group("slurm")
PROJECT = Path(__file__).parents[2]
PYTHON = shlex.quote(sys.executable)


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    with slurm.slurm() as cluster:
        yield cluster


def submit(cluster, command, *options):
    return cluster.run("sbatch", "--parsable", "--output=%j.out", *options, "--wrap", command).strip()


def ended(cluster, job_id):
    """The job, as soon as it is none of the states in which it may go on."""
    unfinished = ("PENDING", "RUNNING", "COMPLETING", "CONFIGURING")
    wait_for(lambda: cluster.job(job_id)["JobState"] not in unfinished, f"the end of job {job_id}", 60)
    return cluster.job(job_id)


def running(cluster, job_id, seconds=30):
    wait_for(lambda: cluster.job(job_id)["JobState"] == "RUNNING", f"the start of job {job_id}", seconds)


@pytest.fixture(scope="module", autouse=True)
def late(cluster):
    """A job above its time: started before all others, because Slurm looks every 30 s only."""
    job_id = cluster.run("sbatch", "--parsable", "--output=/dev/null", "--time=0:01", "--wrap", "sleep 300").strip()
    running(cluster, job_id)
    cluster.expire(job_id)
    return job_id


def test_a_job_succeeds(cluster, tmp_path):
    job_id = submit(cluster, "echo done")
    job = ended(cluster, job_id)
    assert (job["JobState"], job["ExitCode"]) == ("COMPLETED", "0:0")
    assert (tmp_path / f"{job_id}.out").read_text() == "done\n"


def test_a_job_fails(cluster):
    job = ended(cluster, submit(cluster, "exit 3"))
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "3:0")


def test_a_job_uses_two_nodes(cluster, tmp_path):
    job_id = submit(cluster, "srun -l printenv SLURMD_NODENAME", "-N2", "--ntasks-per-node=2")
    assert ended(cluster, job_id)["JobState"] == "COMPLETED"
    assert sorted((tmp_path / f"{job_id}.out").read_text().splitlines()) == ["0: n1", "1: n1", "2: n2", "3: n2"]


def test_a_job_exceeds_its_memory(cluster):
    """Without cgroups, Slurm does not call it OUT_OF_MEMORY: the signal is all that tells."""
    much = f"{PYTHON} -c 'import time; much = bytes(1) * 300_000_000; time.sleep(300)'"
    job = ended(cluster, submit(cluster, much, "--mem=50"))
    assert (job["JobState"], job["ExitCode"]) == ("FAILED", "0:9")


def test_memory_is_shared_out(cluster):
    jobs = [submit(cluster, "sleep 300", f"--mem={cluster.memory * 3 // 4}") for _ in range(cluster.nodes + 1)]
    running(cluster, jobs[-2])
    waiting = cluster.job(jobs[-1])
    cluster.run("scancel", *jobs)
    assert waiting["JobState"] == "PENDING"
    assert [ended(cluster, job)["JobState"] for job in jobs] == ["CANCELLED"] * len(jobs)


def test_a_job_exceeds_its_time(cluster, late):
    assert cluster.job(late)["TimeLimit"] == "00:01:00"  # Slurm's smallest
    assert ended(cluster, late)["JobState"] == "TIMEOUT"


def test_a_partition_limits_time(cluster):
    job_id = submit(cluster, "true", "--partition=short", "--time=6")
    wait_for(lambda: cluster.job(job_id)["Reason"] == "PartitionTimeLimit", "the reason")
    cluster.run("scancel", job_id)


def test_a_node_fails(cluster):
    ends, goes_on = (submit(cluster, "sleep 300", "-wn2", option) for option in ("--no-requeue", "--requeue"))
    running(cluster, ends)
    running(cluster, goes_on)
    cluster.node_down("n2")
    wait_for(lambda: cluster.states() == {"n1": "idle", "n2": "down"}, "the states")  # what ran before may still end
    assert ended(cluster, ends)["JobState"] == "NODE_FAIL"
    assert cluster.job(goes_on)["JobState"] == "PENDING"
    assert cluster.job(goes_on)["Restarts"] == "1"
    cluster.node_up("n2")
    cluster.release(goes_on)
    running(cluster, goes_on, 120)  # if not at once, when Slurm looks at all jobs again, which it does each minute
    cluster.run("scancel", goes_on)
    assert ended(cluster, submit(cluster, "true", "-wn2"))["JobState"] == "COMPLETED"


def test_accounting_and_started_twice_and_stopped():
    machine.skip_or_install("slurm", slurm.ACCOUNTING_COMMANDS, slurm.ACCOUNTING_PACKAGES)
    command = (sys.executable, "-m", "tests.infra.slurm")

    def call(*arguments):
        return subprocess.run([*command, *arguments], cwd=PROJECT, check=True, capture_output=True, text=True).stdout

    assert "accounting=True" in call("start", "--nodes=1", "--accounting")
    controller = machine.processes("slurmctld")
    call("start", "--nodes=1", "--accounting")
    assert machine.processes("slurmctld") == controller
    cluster = slurm.running()
    job_id = submit(cluster, "exit 3")
    ended(cluster, job_id)
    records = ("sacct", "-nPXj", job_id, "-oState,ExitCode")
    wait_for(lambda: cluster.run(*records) == "FAILED|3:0\n", "the record")
    running(cluster, submit(cluster, "setsid sleep 300"))
    call("stop")
    assert not any(map(machine.listening, cluster.ports))
    assert not machine.processes(environ=[f"SLURM_CONF={slurm.CONF}"])
    assert not any(map(machine.processes, ("slurmctld", "slurmd", "slurmstepd", "slurmdbd")))
    assert not slurm.ROOT.exists()
    assert slurm.running() is None


def test_with_cgroups_a_job_exceeds_its_memory(cluster):
    try:
        slurm.require_cgroups()
    except machine.Unavailable as error:
        pytest.skip(str(error))
    slurm.start(slurm.Cluster(nodes=1, cgroups=True))
    try:
        job = ended(cluster, submit(cluster, f"{PYTHON} -c 'bytes(1) * 300_000_000'", "--mem=50"))
    finally:
        slurm.stop()
    assert (job["JobState"], job["ExitCode"]) == ("OUT_OF_MEMORY", "0:125")
