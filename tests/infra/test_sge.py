"""The Grid Engine that other tests use is a real one, and leaves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import machine, sge
from tests.infra.machine import wait_for

pytestmark = pytest.mark.xdist_group("sge")
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("sge", sge.COMMANDS, sge.PACKAGES)
    with sge.sge() as cluster:
        yield cluster


def submit(cluster, script, *options):
    Path("job.sh").write_text(script)
    return cluster.run("qsub", "-terse", "-cwd", "-j", "y", *options, "job.sh").strip()


def ended(cluster, job_id):
    """What the accounting says, as soon as it does: that is the job's end."""
    return wait_for(lambda: cluster.finished(job_id), f"the end of job {job_id}")


def running(cluster, job_id):
    wait_for(lambda: " r  " in cluster.run("qstat", "-s", "r"), f"the start of job {job_id}")


def test_a_job_succeeds(cluster, tmp_path):
    job_id = submit(cluster, "echo done")
    assert ended(cluster, job_id)["exit_status"] == "0"
    assert (tmp_path / f"job.sh.o{job_id}").read_text() == "done\n"


def test_a_job_fails(cluster):
    job = ended(cluster, submit(cluster, "exit 3"))
    assert (job["failed"], job["exit_status"]) == ("0", "3")


@pytest.mark.parametrize("environment", ["smp", "mpi"])
def test_a_job_has_slots(cluster, environment, tmp_path):
    job_id = submit(cluster, "echo $NSLOTS", "-pe", environment, "3")
    assert ended(cluster, job_id)["slots"] == "3"
    assert (tmp_path / f"job.sh.o{job_id}").read_text() == "3\n"


def test_a_job_exceeds_its_time(cluster):
    job = ended(cluster, submit(cluster, "sleep 300", "-l", "h_rt=0:0:1"))
    assert job["failed"].startswith("37 ")
    assert job["exit_status"].startswith("137")


def test_a_job_is_cancelled(cluster):
    job_id = submit(cluster, "sleep 300")
    running(cluster, job_id)
    cluster.run("qdel", job_id)
    assert ended(cluster, job_id)["exit_status"].startswith("137")


def test_started_twice_is_one_and_stopped_leaves_nothing(cluster):
    master = machine.processes("sge_qmaster")
    command = (sys.executable, "-m", "tests.infra.sge")
    started = subprocess.run([*command, "start"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "main.q@localhost" in started.stdout
    assert machine.processes("sge_qmaster") == master
    running(cluster, submit(cluster, "setsid sleep 4321"))
    subprocess.run([*command, "stop"], cwd=PROJECT, check=True)
    assert not any(map(machine.listening, cluster.ports))
    assert not machine.processes(environ=["SGE_CELL=tests"])
    assert not sge.ROOT.exists()
    assert subprocess.run([*command, "status"], cwd=PROJECT, capture_output=True).returncode == 1
