"""The queue engine over ssh when packets are lost, disks are full, and others do the same."""

import random
import subprocess
import sys
import time

import pytest

from adatom import change_settings
from adatom.engines.queue import state
from adatom.engines.queue.spools import spools
from tests.conftest import full
from tests.engines.clusters.conftest import ALONE, RESULT, SCRIPT, begun, environment, may_be_alone
from tests.engines.conftest import asked_for, end_batch_jobs
from tests.engines.processes import script, wait_until

pytestmark = pytest.mark.xdist_group("slurm")

AWAY = f"""
[machines.away]
scheduler = "slurm"
host = "away"
remote_dir = "~/adatom jobs"

[runners.away]
machine = "away"
jobs_per_node = 2
walltime = "10m"
python = "{sys.executable}"
"""


# --- Networks ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cable(login):
    with login.cable() as cable:
        yield cable


@pytest.fixture
def traveller(cable, laptop):
    """A laptop that only a cable connects."""
    with (laptop / "profiles.toml").open("a") as file:
        file.write(AWAY)
    return laptop


def of_traveller(laptop):
    return environment(laptop) | {"ADATOM_QUEUE_PROFILE": "away"}


def test_packets_that_are_dropped(traveller, cable, tmp_path):
    log = tmp_path / "log"
    with script(traveller, SCRIPT.format(log=log), before=cable.before, **of_traveller(traveller)) as running:
        wait_until(lambda: len(begun(log)) >= 3 or running.process.poll() is not None, "no job is begun")
        with cable.dropping():
            time.sleep(4)  # TCP sends them again
        assert running.wait(150) == 0, running.output
        assert RESULT in running.output
    assert begun(log) == {str(number): 1 for number in range(10)}


@pytest.mark.deep(reason="ssh takes a minute to see that a connection is lost")
@pytest.mark.parametrize("seed", range(4))
def test_packets_that_are_dropped_for_long_at_random(traveller, cable, tmp_path, seed):
    log = tmp_path / "log"
    with script(traveller, SCRIPT.format(log=log), before=cable.before, **of_traveller(traveller)) as running:
        time.sleep(random.Random(seed).uniform(2, 7))
        with cable.dropping():
            time.sleep(90)
        assert running.wait(200) == 0, running.output
        assert RESULT in running.output
    assert begun(log) == {str(number): 1 for number in range(10)}


@pytest.mark.deep(reason="it takes longer than three attempts at a submission")
@pytest.mark.parametrize("jobs", [0, 2, 5])
def test_a_network_that_is_gone_for_some_seconds(traveller, login, cable, tmp_path, jobs):
    log = tmp_path / "log"
    with script(traveller, SCRIPT.format(log=log), before=cable.before, **of_traveller(traveller)) as running:
        wait_until(lambda: len(begun(log)) >= jobs or running.process.poll() is not None, "no job is begun")
        if not jobs:
            wait_until(lambda: list(traveller.glob("queue/*/waiting/*")), "no task is made")
        login.disconnect()
        with cable.unplugged():
            time.sleep(12)
        assert running.wait(150) == 0, running.output
        assert RESULT in running.output
    assert begun(log) == {str(number): 1 for number in range(10)}


# --- Disks ------------------------------------------------------------------------------------------------------------

SMALL = """
[machines.small]
scheduler = "slurm"
host = "login"
remote_dir = "{disk}"

[runners.small]
machine = "small"
jobs_per_node = 2
walltime = "10m"
python = "{python}"
"""

# Two jobs, of which the second is asked for when the first runs. Each lasts until it may end.
TWO = """
import os, time
from pathlib import Path
from adatom import job

@job
def work(number):
    place = Path("at {place}"[3:])
    with open(place / "log", "a") as log:
        log.write(f"{{number}}\\n")
    while not (place / f"go{{number}}").exists():
        time.sleep(0.05)
    with open(place / "log", "a") as log:
        log.write(f"end{{number}}\\n")
    return os.urandom(100_000)

first = work.submit(1)
while not Path("more").exists():
    time.sleep(0.05)
second = work.submit(2)
print("result", len(first.result()), len(second.result()))
"""
EACH_ONCE = {"1": 1, "end1": 1, "2": 1, "end2": 1}


def written(folder):
    """A number that changes when somebody writes files, or tries to."""
    return folder.stat().st_mtime_ns


def test_a_full_disk_there(laptop, small_disk, tmp_path):
    subprocess.run(["mount", "-o", "remount,size=2m", small_disk], check=True)
    with (laptop / "profiles.toml").open("a") as file:
        file.write(SMALL.format(disk=small_disk, python=sys.executable))
    own, log = environment(laptop) | {"ADATOM_QUEUE_PROFILE": "small"}, tmp_path / "log"
    text = TWO.format(place=tmp_path)
    with full(small_disk), script(laptop, text, **own) as running:
        assert running.wait(60) == 1, running.output
        assert "login takes no tasks: No space left on device in" in running.output
        assert "Make room there, or name another `remote_dir`" in running.output
    with script(laptop, text, **own) as running:

        def until(condition, what):
            wait_until(lambda: condition() or running.process.poll() is not None, what)
            assert running.process.poll() is None, running.output

        until(lambda: begun(log)["1"], "no job is begun")
        [done] = small_disk.glob("queue/*/done")
        with full(small_disk):
            before = written(done)
            (tmp_path / "go1").touch()
            until(lambda: written(done) != before, "no answer is written")
            (laptop / "more").touch()
            until(lambda: "takes no tasks" in running.output, "no task is put there")
        (tmp_path / "go2").touch()
        assert running.wait(120) == 0, running.output
        assert "result 100000 100000" in running.output
    assert begun(log) == EACH_ONCE


def test_a_full_disk_here(laptop, small_disk, tmp_path):
    own, log = environment(laptop) | {"ADATOM_QUEUE_DIR": str(small_disk)}, tmp_path / "log"
    with script(laptop, TWO.format(place=tmp_path), **own) as running:
        wait_until(lambda: begun(log)["1"] or running.process.poll() is not None, "no job is begun")
        with full(small_disk):
            (tmp_path / "go1").touch()
            wait_until(lambda: "No space left" in running.output or running.process.poll() is not None, "all is well")
            assert f"{small_disk}" in running.output
            assert "Make room there, or name another directory in ADATOM_QUEUE_DIR" in running.output
        (tmp_path / "go2").touch()
        (laptop / "more").touch()
        assert running.wait(120) == 0, running.output
        assert "result 100000 100000" in running.output
    assert begun(log) == EACH_ONCE
    with change_settings(queue_dir=small_disk):
        end_batch_jobs(small_disk)


# --- Packages ---------------------------------------------------------------------------------------------------------

PACKAGE = """
import os, sys
os.mkdir("site-packages")
with open("site-packages/only_here.py", "w") as file:
    file.write("value = 1")
sys.path.append(os.path.abspath("site-packages"))
import helper, only_here
from ase.build import bulk
from adatom import job, remote
from adatom.configs import AutoparaInfo, RemoteInfo, map

@job
def by_name():
    return only_here.value

@job
def by_itself():
    from only_here import value
    return value

@job
def by_helper():
    return helper.only_here.value

def by_remote():
    from only_here import value
    return value

def by_map(atoms):
    return helper.only_here.value and atoms

def submitted():
    return remote(by_remote)().result()

def mapped():
    info = AutoparaInfo(remote_info=RemoteInfo(os.environ["ADATOM_QUEUE_PROFILE"]))
    return map(by_map, [bulk("Cu")], autopara_info=info)

for work in (by_name, by_itself, by_helper, submitted, mapped):
    try:
        print(work())
    except ValueError as error:
        print(error)
"""


def test_a_package_that_is_missing_there_is_said_before_anything_is_submitted(laptop, home):
    may_be_alone(laptop)
    (laptop / "helper.py").write_text("import only_here")
    before = {*home.glob("adatom jobs/queue/*/adatom-*")}
    with script(laptop, PACKAGE, before=ALONE, **environment(laptop)) as running:
        assert running.wait(60) == 0, running.output
    for name in ("by_name", "by_itself", "by_helper", "by_remote", "by_map"):
        assert f"{name} imports only_here, which {sys.executable} on login does not find. Inst" in running.output
    assert {*home.glob("adatom jobs/queue/*/adatom-*")} == before


# --- Names, and two scripts -------------------------------------------------------------------------------------------

NAMES = """
from adatom import flow, job
from maße import länge

@job(name="größe & Cu+ 4's")
def größe(text):
    print(text)
    return länge(text)

@flow
def reihe():
    return [größe("Cu+ é"), größe("ü")]

print("result", *reihe())
"""


def test_names_with_spaces_signs_and_umlauts(laptop, home):
    place = laptop / "für Cu+ & 1's"
    place.mkdir()
    (place / "maße.py").write_text("def länge(text): return len(text)")
    profiles = (laptop / "profiles.toml").read_text().replace("~/adatom jobs", "~/Läufe + 1's")
    (laptop / "profiles.toml").write_text(profiles)
    own = environment(laptop) | {"ADATOM_QUEUE_DIR": str(laptop / "queue" / "Größe + 1")}
    with script(place, NAMES, **own) as running:
        assert running.wait(60) == 0, running.output
        assert "result 5 1" in running.output
    made = home.glob(f"Läufe + 1's/queue/*/results{place}/adatom_results/FLOW-*/JOB-*/*")
    said = [path.read_text() for path in made]
    assert any("Cu+ é" in text for text in said), said
    with change_settings(queue_dir=laptop / "queue" / "Größe + 1"):
        end_batch_jobs(laptop / "queue" / "Größe + 1")


def test_two_scripts_at_the_same_time_share_the_jobs_that_both_wait_for(laptop, tmp_path):
    log, own = tmp_path / "log", environment(laptop)
    hold = f"while number == 3 and not os.path.exists('at {tmp_path}/go'[3:]): time.sleep(0.1)"
    text = SCRIPT.format(log=log).replace("time.sleep(0.3)", hold)
    with script(laptop, text, "one", **own) as one, script(laptop, text, "two", **own) as two:
        ended = lambda: one.process.poll() or two.process.poll()  # noqa: E731
        wait_until(lambda: asked_for(laptop / "queue") == 14 or ended(), "they do not ask for the jobs")
        (tmp_path / "go").touch()
        for running in (one, two):
            assert running.wait(60) == 0, running.output
            assert RESULT in running.output
    assert {begun(log)[str(number)] for number in range(7)} == {1}
    with change_settings(queue_dir=laptop / "queue"):
        assert [state.tasks(spool) for spool in spools()] == [[]], "answers are left, which a later run would take"
