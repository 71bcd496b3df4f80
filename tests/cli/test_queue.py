"""``adatom queue``, on what a script has left that was killed."""

import json
import os
import re
import shutil
import signal
from collections import Counter
from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from adatom import change_settings
from adatom.cli import app
from tests.engines.conftest import end_batch_jobs, is_tested
from tests.engines.processes import script, wait_until

if not is_tested("queue"):
    pytest.skip("another environment tests it", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("queue")

# With three workers, `broken` and `held` are begun before there is `late`; when `broken` ends, one of the two waits.
SCRIPT = """
import time
from pathlib import Path
from adatom import flow, job

def begin(name, until=""):
    with open("log", "a") as log:
        log.write(f"{name}\\n")
    while until and not Path(until).exists():
        time.sleep(0.05)

@job
def quick():
    begin("quick")
    return 1

@job
def broken():
    begin("broken", until="break")
    print("said by broken", flush=True)
    if not Path("mended").exists():
        raise ValueError("no such luck")
    return 1

@job
def held(number):
    begin(f"held {number}", until="go")
    return 1

@job
def late(number):
    begin(f"late {number}", until="go")
    return 1

def wait(lines):  # workers take jobs in no order
    while not Path("log").exists() or Path("log").read_text().count("\\n") < lines:
        time.sleep(0.05)

@flow
def campaign():
    first = [quick()]
    wait(1)
    first += [broken(), held(1), held(2)]
    wait(4)
    return [*first, late(1), late(2)]

print("result", sum(campaign()))
"""


def begun(directory):
    log = directory / "log"
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


def states():
    listed = json.loads(CliRunner().invoke(app, ["queue", "ls", "--json"]).stdout)["jobs"]
    return {job["name"].rpartition("-")[0].rpartition("-")[0]: job["state"] for job in listed}


def waiting(directory):
    [path] = directory.rglob("waiting/late-*")
    return path.name


def environment_of(directory):
    own = {"WORKFLOW_ENGINE": "queue", "LOCAL_WORKERS": "3", "QUEUE_DIR": str(directory / "queue")}
    return {f"ADATOM_{name}": value for name, value in own.items()}


@contextmanager
def killed(directory):
    """The state of a script that was killed when `quick` was gathered, and `broken` had failed a moment later."""
    with change_settings(queue_dir=directory / "queue"), script(directory, SCRIPT, **environment_of(directory)) as run:
        try:
            wait_until(
                lambda: (
                    (len(list(directory.rglob("waiting/late-*"))) == 2 and list(directory.rglob("kept/quick-*")))
                    or run.process.poll() is not None
                ),
                "the jobs are not begun",
            )
            assert run.process.poll() is None, run.output
            run.process.kill()
            run.process.wait()
            (directory / "break").touch()
            wait_until(lambda: len(begun(directory)) == 5, "the job after the failure is not begun")
            yield run
        finally:
            end_batch_jobs(directory / "queue")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    directory = tmp_path_factory.mktemp("killed")
    with killed(directory):
        yield directory / "queue"


@pytest.fixture
def left(original, tmp_path):
    """A copy of it, which commands may change."""
    shutil.copytree(original, tmp_path / "queue")
    with change_settings(queue_dir=tmp_path / "queue"):
        [spool] = (tmp_path / "queue").iterdir()
        yield spool


def test_all_states_are_listed(left, cli):
    listed = json.loads(cli("queue", "ls", "--json").stdout)
    assert Counter(job["state"] for job in listed["jobs"]) == {"running": 3, "waiting": 1, "done": 1, "kept": 1}
    [batch_job] = listed["batch_jobs"]
    assert (batch_job["state"], batch_job["queue"], batch_job["host"]) == ("running", left.name, "")
    assert {job["batch_job"] for job in listed["jobs"] if job["state"] == "running"} == {batch_job["name"]}
    jobs, batch_jobs = cli("queue", "ls").stdout.split("\n\n")
    assert jobs.splitlines()[0].split() == ["job", "state", "queue", "since", "batch", "job"]
    assert len([line for line in jobs.splitlines() if line.endswith(f" {batch_job['id']}")]) == 3
    assert batch_jobs.splitlines()[1].split()[:3] == [batch_job["id"], "running", left.name]


def test_without_a_job(cli, tmp_path):
    with change_settings(queue_dir=tmp_path / "queue"):
        assert f"No jobs of the queue engine are in {tmp_path / 'queue'}" in cli("queue", "ls").stderr
        assert json.loads(cli("queue", "ls", "--json").stdout) == {"jobs": [], "batch_jobs": []}
        assert cli("queue", "attach").exit_code == cli("queue", "sync").exit_code == 0


def test_all_that_is_known_is_shown(left, original, cli):
    late, broken, quick = json.loads(cli("queue", "show", waiting(left), "broken", "quick", "--json").stdout)
    results = str(original.parent / "adatom_results")
    assert (late["state"], late["answer"], late["spool"]) == ("waiting", "", str(left))
    assert late["directory"].startswith(results)
    assert "/JOB-late-" in late["directory"]
    assert (broken["state"], broken["answer"], broken["cause"]) == ("done", "failure", "ValueError: no such luck")
    assert "/failed-JOB-broken-" in broken["directory"]
    assert (quick["state"], quick["answer"], quick["cause"]) == ("kept", "value", "")
    text = cli("queue", "show", "broken").stdout
    assert "cause      ValueError: no such luck\n" in text
    assert '    raise ValueError("no such luck")\n' in text
    name = next(left.glob("taken/*/held-*")).name
    [held] = json.loads(cli("queue", "show", name, "--json").stdout)
    assert (held["state"], held["batch_job_state"]) == ("running", "running")
    assert held["batch_job_id"].isdigit()
    assert "/JOB-held-" in held["directory"]
    assert {*states()} == {"quick", "broken", "held", "late"}, "a command that shows has changed something"


def test_the_reason_is_told(left, cli):
    late, broken, quick = json.loads(cli("queue", "why", waiting(left), "broken", "quick", "--json").stdout)
    assert "is running, and its queue does 3 other jobs." in late["reasons"][0]
    assert broken["reasons"][0] == "It failed: ValueError: no such luck"
    assert f"adatom queue retry {broken['name']}" in broken["reasons"][-1]
    assert "gathers the answer" in quick["reasons"][0]
    shutil.rmtree(left / ".adatom-jobs")
    lines = cli("queue", "why", waiting(left)).stdout.splitlines()
    assert lines[0].endswith(" waits.")
    assert lines[1:] == [
        "  There is no batch job for it.",
        "  No script runs here that would submit another batch job: run yours again.",
    ]


def test_what_batch_jobs_printed_is_shown(left, cli):
    shown = cli("queue", "logs", "broken")
    assert "  said by broken\n" in shown.stdout
    assert "no batch job does it now" in shown.stderr
    [files] = json.loads(cli("queue", "logs", next(left.glob("taken/*/*")).name, "--json").stdout).values()
    assert any("said by broken" in text for text in files.values())


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("show", "held"), r"'held' is part of the names of 2 jobs: here-\w+/held-.*, here-.* Give more of it"),
        (("why", "nothing"), "No job 'nothing' is in .* Valid: here-.*`adatom queue ls` lists them"),
        (("attach", "nowhere"), r"No queue 'nowhere' is in .* Valid: here-\w+, or an unambiguous part"),
        (("cancel", "quick"), "quick-.* is done: only jobs that wait or run can be cancelled.*adatom queue rm quick-"),
        (("cancel", "WAITING", "broken"), "broken-.* is done"),
        (("retry", "WAITING"), "late-.* has not failed: it is waiting"),
        (("retry", "broken", "quick"), "The answer of quick-.* has a value.*adatom queue rm quick-"),
        (("rm", "WAITING", "--yes"), "late-.* is waiting, and has no answer to remove.*adatom queue cancel late-"),
        (("rm", "--yes"), "Say what to remove: jobs by their names, --older-than 30d, or both"),
        (("rm", "--older-than", "3x"), "'3x' is no age"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(left, refused, args, said):
    before = sorted(left.rglob("*-*"))
    assert re.search(said, refused("queue", *(waiting(left) if arg == "WAITING" else arg for arg in args)))
    assert sorted(left.rglob("*-*")) == before


def test_answers_are_removed_by_name_and_age(left, cli):
    assert json.loads(cli("queue", "rm", "quick", "--json").stdout)["removed"] is False
    assert cli("queue", "rm", "--older-than", "1d", "--yes").stdout == "There is nothing to remove.\n"
    asked = CliRunner().invoke(app, ["queue", "rm", "--older-than", "0s"], input="n\n")
    assert (asked.exit_code, states()["quick"], states()["broken"]) == (1, "kept", "done")
    assert "Remove the answers of 2 jobs?" in asked.stderr
    assert "Removed 1 answer." in cli("queue", "rm", "quick", "--yes").stdout
    assert {*states()} == {"held", "broken", "late"}
    assert CliRunner().invoke(app, ["queue", "rm", "--older-than", "0s"], input="y\n").exit_code == 0
    assert {*states()} == {"held", "late"}


def test_a_damaged_answer_is_told_and_stays_until_it_is_removed(left, cli, refused):
    [path] = left.glob("done/broken-*")
    path.write_bytes(path.read_bytes()[:-1])
    [shown] = json.loads(cli("queue", "show", "broken", "--json").stdout)
    assert shown["answer"] == "unreadable"
    assert "damaged, or somebody else wrote it" in shown["cause"]
    assert "cannot be trusted" in refused("queue", "why", "broken")
    assert cli("queue", "rm", "broken", "--yes").exit_code == 0
    assert not path.exists()


def test_after_some_commands_the_script_ends_well(cli, tmp_path):
    with killed(tmp_path):
        name = waiting(tmp_path)
        assert cli("queue", "cancel", name).stdout.endswith(": cancelled\n")
        assert list(tmp_path.rglob(f"done/{name}"))
        assert json.loads(cli("queue", "why", name, "--json").stdout)[0]["reasons"][0].startswith(
            "It failed: it was cancelled by `adatom queue cancel`"
        )
        assert "its failure is removed (ValueError: no such luck)" in cli("queue", "retry", "broken").stdout
        assert "broken" not in states()
        (tmp_path / "go").touch()
        lines = [json.loads(line) for line in cli("queue", "attach", "here", "--json").stdout.splitlines()]
        assert (lines[-1]["waiting"], lines[-1]["running"], lines[-1]["done"]) == (0, 0, 5)
        assert len(begun(tmp_path)) == 5, "it was cancelled, and was done nevertheless"
        (tmp_path / "mended").touch()
        with script(tmp_path, SCRIPT, "again", **environment_of(tmp_path)) as again:
            assert again.wait(60) == 0, again.output
            assert "result 6" in again.output
    assert begun(tmp_path) == {"quick": 1, "broken": 2, "held 1": 1, "held 2": 1, "late 1": 1, "late 2": 1}


def test_nobody_is_left_to_do_the_jobs(cli, tmp_path):
    with killed(tmp_path):
        [batch_job] = json.loads(cli("queue", "ls", "--json").stdout)["batch_jobs"]
        os.kill(int(batch_job["id"]), signal.SIGTERM)
        result = cli("queue", "attach")
        assert result.exit_code == 2
        assert "4 jobs are not done, and no batch job is left. Run the script again" in result.stderr
        name = next(tmp_path.rglob("waiting/*")).name
        reasons = json.loads(cli("queue", "why", name, "--json").stdout)[0]["reasons"]
        assert f"Batch job {batch_job['id']} of local has ended: cancelled." in reasons
        assert "run yours again" in reasons[-1]
        (tmp_path / "go").touch()
        with script(tmp_path, SCRIPT, "again", **environment_of(tmp_path)) as again:
            assert again.wait(60) == 1, again.output
            assert "ValueError: no such luck" in again.output  # gathered, as nobody asked for a retry
    assert begun(tmp_path)["broken"] == 1


def test_a_profile_is_checked_by_one_job(tmp_path):
    (tmp_path / "profiles.toml").write_text('[machines.here]\nscheduler = "local"\n[runners.mine]\nmachine = "here"\n')
    with change_settings(queue_dir=tmp_path / "queue", profiles=(tmp_path / "profiles.toml",)):
        done = CliRunner().invoke(app, ["queue", "check", "mine"])
        assert done.exit_code == 0, done.output
        assert re.search(r"ok +one job  on \S+, Python 3", done.output)
        unknown = CliRunner().invoke(app, ["queue", "check", "mien"])
        assert unknown.exit_code != 0
        end_batch_jobs(tmp_path / "queue")
