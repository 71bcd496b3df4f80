"""The queue engine on a machine that one logs in to: real ssh, a real Slurm behind it, and files of its own."""

import json
import os
import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from hashlib import blake2b
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from typer.testing import CliRunner

from adatom import change_settings, flow, job
from adatom.calculations import run_md
from adatom.cli import app
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, RemoteInfo, calculate
from adatom.engines.queue import state
from adatom.engines.queue.check import check
from adatom.engines.queue.far_end import write_message
from adatom.engines.queue.runner import QueueRunner
from adatom.engines.queue.spools import spool_of, spools
from adatom.errors import FlowFailure, SchedulerError
from adatom.execution.directories import run_directory
from adatom.execution.registry import close_engines
from adatom.machines.profiles.derived import derived_runner
from adatom.machines.profiles.files import load_profiles
from adatom.recipes.emt import bulk_to_slabs_flow, relax_job
from tests.engines.clusters.conftest import ALONE, RESULT, SCRIPT, begun, energies, environment, may_be_alone
from tests.engines.processes import script, wait_until

pytestmark = pytest.mark.xdist_group("slurm")


@job
def double(number):
    return 2 * number


@job
def fail():
    raise ValueError("no")


@flow
def doubles(*numbers):
    return [double(number) for number in numbers]


def test_a_flow_of_recipes(queue_dir, here, home, tmp_path):
    assert energies(bulk_to_slabs_flow(bulk("Cu"))) == here
    [spool] = spools()
    assert state.tasks(spool) == []
    [there] = (home / "adatom jobs/queue").iterdir()
    assert there.stat().st_mode & 0o077 == 0
    assert not list(there.rglob("running-*")), "a job has not ended"
    close_engines()
    assert not list(there.glob("adatom-*")), "scripts of batch jobs are left there"


def test_the_files_of_jobs_are_here_as_on_any_engine(queue_dir, home, tmp_path):
    @flow
    def campaign():
        relaxed = relax_job(bulk("Cu") * (2, 1, 1), relax_cell=True)
        return relaxed, fail(), size_of(relaxed["trajectory"])

    with pytest.raises(FlowFailure, match=rf"ValueError: no(.|\n)*{tmp_path}/results/FLOW-.*/failed-JOB-fail") as error:
        campaign()
    relaxed, _, size = error.value.value
    files = Path(relaxed["dir_name"])
    assert files.is_relative_to(tmp_path / "results")
    assert len(read(relaxed["trajectory"], ":")) > 1
    assert Path(relaxed["trajectory"]).stat().st_size == size, "a later job reads the files there"
    [failed] = files.parent.glob("failed-JOB-fail-*")
    assert "ValueError: no" in (failed / "error.txt").read_text()


@job
def size_of(path):
    return Path(path).stat().st_size


@job
def write_files(sizes):
    digests = {}
    with run_directory("files") as directory:
        for name, size in sizes.items():
            content = os.urandom(size)
            (directory.path / name).parent.mkdir(exist_ok=True)
            (directory.path / name).write_bytes(content)
            digests[name] = blake2b(content).hexdigest()
    return digests


def test_large_files_come_in_pieces_or_stay_there(queue_dir, tmp_path):
    sizes = {"a.out": 0, "in/b.out": 70_000_000, "c.out": 90_000_000, "WAVECAR": 10, "d.out": 5}
    profile = derived_runner("far", {"output_files": ["*.out"], "output_limit": "80M"})

    @flow
    def campaign():
        return [write_files(sizes)]

    [digests] = campaign.with_options(runner=QueueRunner(profile))()
    [directory] = (tmp_path / "results").glob("FLOW-*/JOB-*")
    found = {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}
    assert found == {"a.out", "in/b.out", "d.out", "not-copied.txt"}
    assert all(blake2b((directory / name).read_bytes()).hexdigest() == digests[name] for name in found & digests.keys())
    assert re.fullmatch(r"login:/.*/c.out  90000000 bytes\n", (directory / "not-copied.txt").read_text())


def test_a_stream_of_structures(queue_dir, tmp_path):
    structures = [bulk("Cu", a=3.5 + 0.02 * number) for number in range(8)]

    def energies(**more):
        out = calculate(ConfigSet(structures), OutputSpec(), (EMT, [], {}), ["energy"], output_prefix="E_", **more)
        return [atoms.info["E_energy"] for atoms in out]

    there = energies()
    with change_settings(workflow_engine="local", local_workers=1):
        assert energies() == there
        remote = AutoparaInfo(remote_info=RemoteInfo("far", items_per_job=3))
        assert energies(autopara_info=remote) == there


class Slow(EMT):
    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        time.sleep(0.1)


@job
def walk(atoms):
    return run_md(atoms, Slow(), steps=400, temperature=300, seed=1)


@pytest.mark.deep(reason="a walltime of Slurm is a minute or more")
def test_a_job_that_was_cut_goes_on_there(queue_dir):
    """40 s of dynamics, where workers have half a minute."""

    @flow
    def campaign():
        return walk(bulk("Cu") * (2, 1, 1))

    with change_settings(cache=True):
        result = campaign.with_options(runner=QueueRunner(derived_runner("far", {"walltime": "1m"})))()
    earlier = Path(result["provenance"]["resumed_from"])
    assert earlier.name.startswith("failed-JOB-walk")
    assert earlier.is_dir()
    assert len(read(result["trajectory"], ":")) == 41


def test_two_systems_at_once(queue_dir):
    other = doubles.with_options(runner="other")
    with ThreadPoolExecutor(2) as threads:
        one, two = (threads.submit(copy_context().run, call, *range(6)) for call in (doubles, other))
        assert one.result() == two.result() == [0, 2, 4, 6, 8, 10]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("bare", "/usr/bin/python3 on login has no adatom and no cloudpickle"),
        ("gone", "host='closed' of the machine's profile does not answer"),
    ],
)
def test_what_is_not_there_is_said_before_anything_is_submitted(queue_dir, home, profile, words):
    with pytest.raises((FlowFailure, SchedulerError), match=words):
        doubles.with_options(runner=profile)(1)
    assert not list(home.glob("adatom jobs/queue/bare-*/adatom-*"))


def test_a_profile_is_checked_by_one_job(queue_dir):
    found = {finding.what: finding for finding in check("far")}
    assert all(finding.ok for finding in found.values()), found
    assert {"host login", "command sbatch", "queue main", "exchange", "one job"} <= found.keys()
    assert "adatom" in found["exchange"].why
    last = list(check("bare"))[-1]
    assert (last.ok, last.what) == (False, "exchange")
    assert "has no adatom" in last.why


@pytest.mark.parametrize("place", ["waiting", "taken", "answer", "journal"])
def test_a_host_names_no_file_outside_the_spool(queue_dir, tmp_path, place):
    """What runs as Python there answers with a path that leads elsewhere."""
    parts = {"answer": ["../../evil"], "journal": [str(tmp_path), "evil"]}
    said = {"waiting": [], "taken": {}, "parts": []}
    if place in parts:
        said["parts"] = [[place, *parts[place]]]
    else:
        said[place] = {"waiting": ["../../evil"], "taken": {"../../evil": "x.0"}}[place]
    answer = {"place": "/tmp", "python": "x", "slots": [], "ends": {}, "more": False, "versions": {}, **said}
    with (tmp_path / "message").open("wb") as message:
        write_message(message, answer, {"0": b"evil"} if said["parts"] else {})
    evil = tmp_path / "python"
    evil.write_text(f"#!/bin/sh\ncat '{tmp_path}/message'; cat > /dev/null\n")
    evil.chmod(0o755)
    (tmp_path / "evil.toml").write_text(f'[runners.evil]\nmachine = "cluster"\npython = "{evil}"\n')
    with (
        change_settings(profiles=(tmp_path / "profiles.toml", tmp_path / "evil.toml")),
        pytest.raises((FlowFailure, SchedulerError), match=r"evil' is no (name of a task|journal)"),
    ):
        doubles.with_options(runner="evil")(1)
    assert not list(tmp_path.rglob("evil"))


# --- Scripts that end, connections that break -------------------------------------------------------------------------


@pytest.mark.parametrize("tasks", [0, 2, 8])
def test_a_script_that_was_killed_finds_its_jobs_again(laptop, tmp_path, tasks):
    log = tmp_path / "log"
    text = SCRIPT.format(log=log)
    with script(laptop, text, **environment(laptop)) as running:
        wait_until(lambda: len(begun(log)) >= tasks or running.process.poll() is not None, "no job is begun")
        if not tasks:
            wait_until(lambda: list(laptop.glob("queue/*/waiting/*")), "no task is made")
        running.process.kill()
        running.wait()
        with script(laptop, text, "again", **environment(laptop)) as again:
            assert again.wait(120) == 0, again.output
            assert RESULT in again.output
    assert begun(log) == {str(number): 1 for number in range(10)}


@pytest.mark.deep(reason="twenty scripts are killed, at any point")
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_no_job_is_computed_twice(laptop, tmp_path, seed):
    log = tmp_path / "log"
    text = SCRIPT.format(log=log)
    with script(laptop, text, **environment(laptop)) as running:
        time.sleep(random.Random(seed).uniform(0.5, 7))
        running.process.kill()
        running.wait()
        times = 2 if RESULT in running.output else 1  # it had ended, so that this is another one
        with script(laptop, text, "again", **environment(laptop)) as again:
            assert again.wait(120) == 0, again.output
            assert RESULT in again.output
    assert begun(log) == {str(number): times for number in range(10)}


def test_another_machine_has_none_of_the_files(laptop, tmp_path):
    """The script's module is copied there, and its directory is made nowhere."""
    may_be_alone(laptop)
    log = tmp_path / "log"
    with script(laptop, SCRIPT.format(log=log), before=ALONE, **environment(laptop)) as running:
        assert running.wait(150) == 0, running.output
        assert RESULT in running.output
    assert begun(log) == {str(number): 1 for number in range(10)}
    assert [path.name for path in laptop.iterdir()] == ["stdout"]


INPUTS = """
from pathlib import Path
from adatom import flow, job

@job
def read_there(path, number):
    return Path("numbers/one").read_text(), Path(path).read_text()

@flow
def campaign(number):
    return read_there(str(Path("numbers/in/two").absolute()), number)

Path("numbers/in").mkdir(parents=True)
Path("numbers/in/two").write_text("2")
for number in range(2):
    Path("numbers/one").write_text(f"{number}")
    print("result", campaign.with_options(runner="fed")(number))
"""


def test_input_files_are_there_and_again_when_they_have_changed(laptop, tmp_path):
    with script(laptop, INPUTS, before=ALONE, **environment(laptop)) as running:
        assert running.wait(150) == 0, running.output
        assert "result ('0', '2')\nresult ('1', '2')\n" in running.output


def test_connections_that_break(laptop, login, tmp_path):
    log = tmp_path / "log"
    with script(laptop, SCRIPT.format(log=log), **environment(laptop)) as running:
        for number in range(0, 10, 2):
            wait_until(
                lambda least=number: len(begun(log)) > least or running.process.poll() is not None, "no job is begun"
            )
            login.disconnect()
        assert running.wait(150) == 0, running.output
        assert RESULT in running.output
    assert begun(log) == {str(number): 1 for number in range(10)}


HELD = """
import time
from pathlib import Path
from adatom import flow, job, make_runner

@job
def work(number):
    directory = Path("at {directory}"[3:])
    with open(directory / "log", "a") as log:
        log.write(f"{{number}}\\n")
    print("said by", number, flush=True)
    while not (directory / "go").exists():
        time.sleep(0.05)
    return number

@flow
def campaign():
    return [work(number) for number in range(5)]

one = make_runner(profile="far", jobs=1)
print("result", sum(campaign.with_options(runner=one)()))
"""


def command(*args):
    done = CliRunner().invoke(app, ["queue", *args, "--json"])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_commands_do_without_the_script(laptop, tmp_path):
    log, text = tmp_path / "log", HELD.format(directory=tmp_path)
    with script(laptop, text, **environment(laptop)) as running, change_settings(queue_dir=laptop / "queue"):
        wait_until(lambda: len(begun(log)) == 2 or running.process.poll() is not None, "no job is begun")
        assert running.process.poll() is None, running.output
        running.process.kill()
        running.wait()
        [report] = json.loads(command("sync"))
        assert (report["host"], report["waiting"], report["running"], report["came"]) == ("login", 3, 2, [])
        listed = json.loads(command("ls"))
        assert Counter((job["state"], job["host"]) for job in listed["jobs"]) == {
            ("waiting", "login"): 3,
            ("running", "login"): 2,
        }
        [batch_job] = listed["batch_jobs"]
        assert (batch_job["state"], batch_job["host"], batch_job["scheduler"]) == ("running", "login", "slurm")
        names = {
            state: [job["name"] for job in listed["jobs"] if job["state"] == state] for state in ("waiting", "running")
        }
        [why] = json.loads(command("why", names["waiting"][0]))
        assert why["reasons"] == [
            f"Batch job {batch_job['id']} of slurm on login is running, and its queue does 2 other jobs."
        ]
        assert "said by" in command("logs", names["running"][0])
        assert json.loads(command("cancel", names["waiting"][0]))["cancelled"] == names["waiting"][:1]
        (tmp_path / "go").touch()
        last = json.loads(command("attach").splitlines()[-1])
        assert (last["waiting"], last["running"], last["done"]) == (0, 0, 5)
        assert len(begun(log)) == 4, "the job that was cancelled is not to be done"
        with script(laptop, text, "again", **environment(laptop)) as again:
            assert again.wait(120) == 0, again.output
            assert "result 10" in again.output
    assert begun(log) == {str(number): 1 for number in range(5)}


@pytest.mark.deep(reason="two systems, and two scripts on each")
def test_two_systems_are_not_mixed_up_in_a_sync(laptop, tmp_path):
    texts = {}
    for profile in ("far", "other"):
        (tmp_path / profile).mkdir()
        texts[profile] = HELD.format(directory=tmp_path / profile).replace('profile="far"', f'profile="{profile}"')
    texts["other"] = texts["other"].replace("return number", "return 10 * number")
    with change_settings(queue_dir=laptop / "queue"):
        for profile, text in texts.items():
            with script(laptop, text, profile, **environment(laptop)) as running:
                wait_until(
                    lambda log=tmp_path / profile / "log": begun(log) or running.process.poll() is not None,
                    "no job is begun",
                )
                assert running.process.poll() is None, running.output
                running.process.kill()
        assert [report["waiting"] + report["running"] for report in json.loads(command("sync"))] == [5, 5]
        for profile in texts:
            (tmp_path / profile / "go").touch()
        command("attach")
        for profile, result in (("far", 10), ("other", 100)):
            with script(laptop, texts[profile], f"{profile}-again", **environment(laptop)) as again:
                assert again.wait(120) == 0, again.output
                assert f"result {result}\n" in again.output
            assert begun(tmp_path / profile / "log") == {str(number): 1 for number in range(5)}


def test_a_host_that_wants_to_be_asked_rarely(queue_dir, home):
    runner = derived_runner("far", {"poll_interval": "1h"})
    spool = spool_of(queue_dir / "rare", runner, load_profiles().machine(runner.machine))
    spool.sync()
    spool.put("a-task", b"task")
    spool.sync(at_once=True)
    assert (spool.path / "waiting" / "a-task").exists(), "it went there within the hour"
    spool.exchange()
    assert not (spool.path / "waiting" / "a-task").exists()
