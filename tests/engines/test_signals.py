"""A campaign that is told to end stops in order, and goes on from there when it is run again."""

import json
import os
import re
import signal
import time
from functools import cache
from tempfile import TemporaryDirectory

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.journal.jobs import read_jobs
from adatom.recipes.emt import md_job
from tests.engines.processes import script, wait_until

MD = """
import json
from ase.build import bulk
from adatom import Failure, flow
from adatom.recipes.emt import md_job

@flow
def campaign():
    return [
        md_job(bulk("Cu") * (3, 3, 3), dynamics="Langevin", temperature=300, steps=STEPS, interval=100, seed=seed)
        for seed in range(2)
    ]

print(json.dumps([result["results"]["energy"] for result in campaign()]))
"""
FAST = MD.replace("STEPS", "800")
ENDLESS = MD.replace("STEPS", "10**7")


@pytest.fixture
def environment(environment, own_jobs, tmp_path):
    own = {"ADATOM_CACHE": "on", "ADATOM_CACHE_DIR": str(tmp_path / "cache"), "ADATOM_LOG_LEVEL": "INFO"}
    return {**environment, **own}


def jobs(tmp_path):
    return read_jobs(tmp_path / "adatom_results")


def checkpoints(tmp_path):
    return list((tmp_path / "adatom_results").rglob("*.checkpoint"))


def under_way(tmp_path, running):
    """Wait until a job has something to go on from."""
    wait_until(lambda: checkpoints(tmp_path) or running.process.poll() is not None, "no checkpoint")
    assert running.process.poll() is None, running.output


@cache  # pytest comes to this module once for each engine
def undisturbed():
    """The energies that the script comes to, by plain functions."""
    with TemporaryDirectory() as directory, change_settings(results_dir=directory):
        runs = [
            md_job.fn(bulk("Cu") * (3, 3, 3), dynamics="Langevin", temperature=300, steps=800, interval=100, seed=seed)
            for seed in range(2)
        ]
    return [run["results"]["energy"] for run in runs]


@pytest.mark.deep_but_on("local-processes", reason="what goes on is the job, in whichever process an engine runs it")
@pytest.mark.parametrize(
    "number",
    [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.deep(reason="SIGKILL leaves less to go on from"))],
)
def test_a_campaign_that_was_ended_goes_on_inside_its_jobs(environment, tmp_path, number):
    with script(tmp_path, FAST, **environment) as running:
        under_way(tmp_path, running)
        os.kill(running.process.pid, number)
        assert running.wait() != 0
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)
    left = tmp_path / "cache" / "resumable"
    assert list(left.iterdir())
    cut = jobs(tmp_path)
    assert cut
    assert {job.state for job in cut} <= ({"lost", "done"} if number == signal.SIGKILL else {"failed", "done"})
    assert not [path for path in (tmp_path / "adatom_results").glob("FLOW-*/JOB-*") if checkpoints(path) == []]
    with script(tmp_path, FAST, **environment) as running:
        assert running.wait() == 0, running.output
        energies = json.loads(next(line for line in running.output.splitlines() if line.startswith("[")))
    logs = [path.read_text() for path in (tmp_path / "adatom_results").rglob("JOB-*/job.log")]
    steps = [int(found) for log in logs for found in re.findall(r"md goes on after (\d+) steps", log)]
    assert steps, logs
    assert min(steps) > 0
    assert not list(left.iterdir())  # nothing is to be gone on from any more
    assert energies == pytest.approx(undisturbed(), abs=1e-9)


def test_a_job_that_knows_steps_stops_at_one(environment, tmp_path):
    if environment["ADATOM_WORKFLOW_ENGINE"] not in ("local", "prefect"):
        pytest.skip("its workers are ended by their own cluster, and go on from their last checkpoint")
    with script(tmp_path, ENDLESS, **environment) as running:
        under_way(tmp_path, running)
        os.kill(running.process.pid, signal.SIGTERM)
        assert running.wait() != 0
    causes = [job.cause for job in jobs(tmp_path) if job.state == "failed"]
    stopped = r"IncompleteError: md of Cu27 stopped after \d+ of 10000000 steps"
    assert any(re.search(stopped, cause) for cause in causes), f"{causes}\n{running.output}"


def test_a_walltime_stops_jobs_in_time_and_starts_no_others(environment, tmp_path):
    if environment["ADATOM_WORKFLOW_ENGINE"] != "local":
        pytest.skip("an engine may take all of that time to start")
    start = time.time()
    with script(tmp_path, ENDLESS, **environment, ADATOM_WALLTIME="12") as running:
        assert running.wait() == 1, running.output
        assert "FlowFailure" in running.output
    assert 5 < time.time() - start < 60
    found = jobs(tmp_path)
    assert len(found) == 2
    assert all("IncompleteError" in job.cause for job in found)
    if environment["ADATOM_LOCAL_WORKERS"] == "1":
        assert re.search("was not started|stopped after 0 of", found[1].cause)


STUBBORN = """
import os, signal, threading, time
from pathlib import Path
from adatom import flow, job

HERE = Path.cwd()

@job
def stubborn(i):
    if threading.current_thread() is threading.main_thread():  # else it cannot
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    (HERE / f"started{i}").write_text(str(os.getpid()))
    while True:
        time.sleep(1)

@flow
def campaign():
    return [stubborn(i) for i in range(2)]

campaign()
"""


@pytest.mark.deep_but_on("local-processes", "dask", reason="the second signal is the script's own, on every engine")
def test_a_second_ctrl_c_ends_at_once(environment, tmp_path):
    with script(tmp_path, STUBBORN, **environment) as running:
        wait_until(lambda: list(tmp_path.glob("started*")) or running.process.poll() is not None, "no job started")
        for _ in range(2):
            if running.process.poll() is None:  # else the first one did
                os.kill(running.process.pid, signal.SIGINT)
            time.sleep(0.3)
        assert running.wait(60) != 0
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)
    assert {job.state for job in jobs(tmp_path)} <= {"failed", "lost"}
