"""Any function through the queue engine: what comes back, and that a new process finds it."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from adatom import change_settings, remote
from adatom.engines.remote import session
from adatom.errors import ArgumentsError, EngineError, InputError, JobFailure, WorkerDiedError
from tests.engines.conftest import end_batch_jobs, is_tested
from tests.engines.processes import script, wait_until

if not is_tested("queue"):
    pytest.skip("another environment tests it", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("queue")

PROFILES = """
[machines.here]
scheduler = "local"

[runners.two]
machine = "here"
jobs_per_node = 2

[runners.broken]
machine = "here"
python = "/no/such/python"
"""


@pytest.fixture(scope="module")
def queue_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("queue")
    yield folder
    while session._sessions:
        session._sessions.popitem()[1].end(os.getpid())
    end_batch_jobs(folder)


@pytest.fixture
def place(tmp_path, queue_dir, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "adatom.toml").write_text(PROFILES)
    with change_settings(results_dir=tmp_path / "results", queue_dir=queue_dir, local_workers=2):
        yield tmp_path


def says(number: int, times: int = 2) -> tuple[int, int]:
    print("number", number)
    print("a warning", file=sys.stderr)
    subprocess.run(["echo", "from a program"], check=True)
    match number:
        case 3:
            raise ValueError("not three")
        case 4:
            sys.exit("enough")
        case 5:
            os._exit(5)
    return number * times, os.getpid()


def test_value_output_and_exception_come_back(place):
    calls = [remote(says)(number, times=7) for number in range(1, 6)]
    assert calls[1].result(60)[0] == 14
    assert calls[1].result()[1] != os.getpid()
    assert calls[1].done()
    for number in (1, 2, 3, 4):
        assert (calls[number - 1].stdout, calls[number - 1].stderr) == (
            f"number {number}\nfrom a program\n",
            "a warning\n",
        )
    with pytest.raises(JobFailure, match="says: ValueError: not three") as raised:
        calls[2].result()
    assert type(raised.value.__cause__) is ValueError
    with pytest.raises(JobFailure, match="says: SystemExit: enough"):
        calls[3].result()
    with pytest.raises(WorkerDiedError, match="exit status 5"):
        calls[4].result()


def test_functions_without_a_name_and_of_other_directories(place, tmp_path_factory, monkeypatch):
    there = tmp_path_factory.mktemp("there")
    read = remote(lambda name: Path(name).read_text())
    (place / "file").write_text("one")
    assert read("file").result(60) == "one"
    monkeypatch.chdir(there)
    (there / "file").write_text("two")
    assert read("file").result(60) == "two"


def test_a_failure_is_not_found_again(place):
    def needs(name):
        return Path(name).read_text()

    with pytest.raises(JobFailure, match="FileNotFoundError"):
        remote(needs)("later").result(60)
    (place / "later").write_text("here")
    assert remote(needs)("later").result(60) == "here"


def test_a_wait_that_is_over_leaves_the_job(place):
    def slow():
        while not os.path.exists("go"):
            time.sleep(0.05)
        return "done"

    call = remote(slow)()
    with pytest.raises(TimeoutError, match=r"slow has not ended after 0.3 s, and goes on"):
        call.result(0.3)
    assert not call.done()
    (place / "go").touch()
    assert call.result(60) == "done"


def test_what_cannot_run_is_said(place):
    with pytest.raises(ArgumentsError, match="says: missing a required argument: 'number'"):
        remote(says)()
    with pytest.raises(InputError, match=r"resources=.*Name a profile, too"):
        remote(says, resources={"walltime": "2h"})
    with pytest.raises(InputError, match="Unknown key of resources 'max_time'. Did you mean 'walltime'"):
        remote(says, "two", {"max_time": "2h"})
    with pytest.raises(InputError, match="Unknown system 'tow'. Did you mean 'two'"):
        remote(says, "tow")
    with pytest.raises(InputError, match="give a function"):
        remote(says(1))
    with pytest.raises(ArgumentsError, match="Unknown parameter of remote 'job'. Did you mean 'jobs'"):
        remote(says, job=1)


@pytest.mark.deep(reason="three batch jobs have to fail")
def test_batch_jobs_that_cannot_start(place):
    with pytest.raises(EngineError, match="ended before its workers began"):
        remote(says, "broken")(1).result(120)


SCRIPT = """
import os, time
from pathlib import Path
from adatom import remote

def work(number):
    with open("calls", "a") as file:
        file.write(f"{number}\\n")
    while number > 1 and not Path("go").exists():
        time.sleep(0.05)
    print("said", number)
    return 10 * number

calls = [remote(work, "two", {"walltime": "1h"})(number) for number in range(5)]
print("first", calls[0].result(), flush=True)
print("result", *(call.result() for call in calls), calls[3].stdout)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_new_process_finds_the_jobs(place, queue_dir, number):
    environment = {"ADATOM_QUEUE_DIR": str(queue_dir)}
    log = place / "calls"
    with script(place, SCRIPT, **environment) as running:

        def begun():
            return "first 0" in running.output and {"2", "3"} <= set(log.read_text().split())

        wait_until(lambda: begun() or running.process.poll() is not None, "no job is begun")
        os.killpg(running.process.pid, number)
        running.wait(60)
        (place / "go").touch()
        with script(place, SCRIPT, "again", **environment) as again:
            assert again.wait(120) == 0, again.output
            assert "result 0 10 20 30 40 said 3\n" in again.output
    assert Counter(log.read_text().split()) == {str(number): 1 for number in range(5)}
    for name in ("waiting", "taken/*", "done", "kept"):
        assert not list(queue_dir.glob(f"two-*/{name}/work-*"))
