"""The queue engine on a real Slurm, with accounting and without: what its batch jobs are, and how they end."""

import os
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from ase.build import bulk

from adatom import Failure, change_settings, flow, job
from adatom.configs import AutoparaInfo, RemoteInfo, map
from adatom.engines.queue.batch_states import batch_job_states
from adatom.engines.queue.spools import spools
from adatom.execution.registry import close_engines
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.deep import deep_but
from tests.engines.clusters.conftest import batch_jobs, energies
from tests.engines.conftest import end_batch_jobs, is_tested
from tests.engines.many import many_tasks
from tests.engines.processes import Beside, script, wait_until
from tests.infra import machine, slurm

if not is_tested("queue"):
    pytest.skip("another environment tests it", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("slurm")

PROFILES = """
[machines.birch]
scheduler = "slurm"
queues = { cpu = "main", gpu = "short" }

[runners.screening]
machine = "birch"
memory = "400M"
walltime = "4m"

[runners.many]
machine = "birch"
jobs_per_node = 2
walltime = "1h"
"""
OTHER_HOST = ("unshare", "--uts", "sh", "-ec", 'hostname another-login-node; exec "$@"', "alone")


@pytest.fixture(scope="module", params=deep_but(["alone"], ["alone", "accounting"], reason="a database has to start"))
def cluster(request):
    accounting = request.param == "accounting"
    commands = slurm.ACCOUNTING_COMMANDS if accounting else slurm.COMMANDS
    machine.skip_or_install("slurm", commands, slurm.ACCOUNTING_PACKAGES if accounting else slurm.PACKAGES)
    with slurm.slurm(nodes=2, cpus=4, accounting=accounting) as running:
        yield running


@pytest.fixture
def place(cluster, tmp_path):
    """A directory with profiles, and the engine selected."""
    (tmp_path / "adatom.toml").write_text(PROFILES)
    own = {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    with change_settings(workflow_engine="queue", **own):
        yield tmp_path
        close_engines()
        end_batch_jobs(tmp_path / "queue")


def queue(cluster):
    """The jobs that wait or run, by id."""
    return dict(line.split() for line in cluster.run("squeue", "-h", "-o", "%i %T").splitlines())


def test_a_flow_of_recipes(place, here):
    out = bulk_to_slabs_flow.with_options(runner="many")(bulk("Cu"))
    assert energies(out) == here
    assert sum(batch_jobs(out).values()) == 8


@job
def hold(directory):
    """The first time, it lasts until its batch job ends."""
    with open(f"{directory}/ran", "a") as file:
        file.write(os.environ["SLURM_JOB_ID"] + "\n")
    while len(Path(directory, "ran").read_text().split()) == 1:
        time.sleep(0.1)
    return "again"


def held(place):
    """A flow that runs, and the batch job of its only job."""

    @flow(on_failure="return", runner="screening")
    def workflow():
        return hold(str(place))

    running = Beside(workflow)
    return running, running.wait_for(place / "ran", "no job is begun").strip()


def test_a_batch_job_that_is_cancelled_from_outside_is_no_walltime(cluster, place):
    """Who cancels it wants no other one."""
    running, batch_job = held(place)
    cluster.run("scancel", batch_job)
    failure = running.result()
    assert isinstance(failure, Failure)
    assert f"its batch job {batch_job} ended: cancelled" in failure.message
    assert (place / "ran").read_text().split() == [batch_job]
    wait_until(lambda: not queue(cluster), "another batch job was submitted, for nothing", 30)


LOSES_THE_FIRST_ANSWER = """#!/bin/sh
if test -e {place}/lost; then exec {sbatch} "$@"; fi
{sbatch} --parsable "$@" > {place}/lost
until test -e {place}/ran; do sleep 0.1; done
echo "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation" >&2
exit 1
"""


def test_a_batch_job_of_which_nobody_knows(cluster, place, monkeypatch):
    """It was submitted, but the answer was lost: its tasks are done, also if it ends before they are."""
    (place / "bin").mkdir()
    (place / "bin" / "sbatch").write_text(LOSES_THE_FIRST_ANSWER.format(place=place, sbatch=shutil.which("sbatch")))
    (place / "bin" / "sbatch").chmod(0o700)
    (place / "adatom.toml").write_text(PROFILES.replace('walltime = "4m"', 'walltime = "5s"'))
    monkeypatch.setenv("PATH", f"{place / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr("adatom.engines.queue.batch._GRACE", 1.0)

    @flow(runner="screening")
    def workflow():
        return [hold(str(place)), *(job(lambda number: (number, os.environ["SLURM_JOB_ID"]))(i) for i in range(3))]

    running = Beside(workflow)
    wait_until(lambda: len(queue(cluster)) == 2 or not running.is_alive(), "no other batch job is submitted")
    unknown = (place / "lost").read_text().strip()
    assert (place / "ran").read_text().strip() == unknown
    cluster.run("scancel", unknown)
    held, *others = running.result()
    assert held == "again"
    assert [number for number, _ in others] == [0, 1, 2]
    assert unknown not in {batch_job for _, batch_job in others}, "it took a task when nobody knew it"
    wait_until(lambda: not queue(cluster), "a batch job does not end", 60)


@pytest.mark.deep(reason="Slurm looks every half a minute at what has come to its end")
def test_what_a_walltime_cuts_runs_again_and_uses_no_retry(cluster, place):
    running, batch_job = held(place)
    cluster.expire(batch_job)
    assert running.result() == "again"
    assert cluster.job(batch_job)["JobState"] == "TIMEOUT"
    [first, second] = (place / "ran").read_text().split()
    assert first == batch_job != second


@pytest.mark.deep(reason="Slurm looks every half a minute at what has come to its end")
def test_a_profile_says_what_follows_a_walltime(cluster, place):
    longer = 'walltime = "4m"\nretry.timeout = { walltime = 2.0 }'
    (place / "adatom.toml").write_text(PROFILES.replace('walltime = "4m"', longer))
    running, batch_job = held(place)
    cluster.expire(batch_job)
    assert running.result() == "again"
    [_, second] = (place / "ran").read_text().split()
    assert cluster.job(second)["TimeLimit"] == "00:08:00"


def where(atoms):
    atoms.info["partition"] = os.environ["SLURM_JOB_PARTITION"]
    return atoms


@pytest.mark.parametrize(("wanted", "partition"), [("gpu", "short"), ("cpu", "main")])
def test_a_queue_that_is_asked_for_is_the_one(place, wanted, partition):
    info = AutoparaInfo(remote_info=RemoteInfo("screening", resources={"resource_class": wanted}))
    assert [atoms.info["partition"] for atoms in map(where, [bulk("Cu")], autopara_info=info)] == [partition]


def test_a_node_that_boots_is_not_dead(cluster, place):
    """Slurm calls a batch job CONFIGURING while its node starts, or is prepared."""

    @flow(runner="screening")
    def workflow():
        return job(lambda: os.environ["SLURM_JOB_ID"])()

    with cluster.booting():
        running = Beside(workflow)
        wait_until(
            lambda: "CONFIGURING" in queue(cluster).values() or not running.is_alive(), "no batch job is configured"
        )
        [spool] = spools()
        [batch_job] = batch_job_states(spool)
        assert (batch_job.state, batch_job.cause) == ("queued", "")
    assert running.result() == batch_job.id


TWICE = """
import os, socket, time
from pathlib import Path
from adatom import flow, job

@job
def work(number):
    with open("log", "a") as log:
        log.write(f"{number}\\n")
    while not Path("go").exists() and number:
        time.sleep(0.1)
    return number

@flow(runner="many")
def campaign():
    return [work(number) for number in range(4)]

print("on", socket.gethostname(), flush=True)
print("result", sum(campaign()))
"""


def test_submitted_from_one_login_node_and_gathered_from_another(cluster, place):
    if subprocess.run([*OTHER_HOST, "true"], capture_output=True).returncode:
        pytest.skip("this process may not change the name of its host: run the tests as root")
    log = place / "log"
    environment = {"ADATOM_WORKFLOW_ENGINE": "queue", "ADATOM_QUEUE_DIR": str(place / "queue")}
    with script(place, TWICE, **environment) as running:
        wait_until(
            lambda: (log.exists() and "1" in log.read_text()) or running.process.poll() is not None, "no job is begun"
        )
        running.process.kill()
        running.wait()
        (place / "go").touch()
        with script(place, TWICE, "again", before=OTHER_HOST, **environment) as again:
            assert again.wait() == 0, again.output
            assert "on another-login-node\n" in again.output
            assert "result 6\n" in again.output
    assert Counter(log.read_text().split()) == {str(number): 1 for number in range(4)}


@pytest.mark.deep(reason="5 000 tasks")
def test_a_pool_of_5000_tasks(place):
    environment = {"ADATOM_WORKFLOW_ENGINE": "queue", "ADATOM_QUEUE_DIR": str(place / "queue")}
    many_tasks(place, 'make_runner(profile="many", jobs=2)', **environment)
