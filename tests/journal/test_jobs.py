"""What several processes wrote of a job is put together rightly."""

import json
import os
import subprocess
import sys

import pytest

from adatom.journal.calls import Calls, read_call
from adatom.journal.jobs import longest, read_jobs
from adatom.journal.journal import JOURNAL, Journal
from adatom.utils.processes import Process, this_process
from adatom.utils.sealed import sealed

HERE = this_process()
ELSEWHERE = Process("another-machine", 4711, "1")


@pytest.fixture
def gone() -> Process:
    """A process of this machine that has ended."""
    code = "from adatom.utils.processes import this_process; print(list(this_process()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return Process(*eval(done.stdout))


@pytest.fixture
def write(tmp_path):
    """Write the journal of a process."""

    def write(name, process, *lines):
        directory = tmp_path / JOURNAL
        directory.mkdir(exist_ok=True)
        text = [json.dumps({"process": process, "time": 0.0})]
        text += [json.dumps({"id": "job", "state": state, "time": float(time), **more}) for time, state, more in lines]
        (directory / f"{name}.jsonl").write_bytes(b"".join(map(sealed, text)))

    return write


def state(tmp_path):
    [job] = read_jobs(tmp_path)
    return job.state


def test_times_and_places(write, tmp_path):
    write("driver", HERE, (1, "pending", {"name": "relax", "run": "FLOW", "directory": "/x/JOB"}))
    write("worker", ELSEWHERE, (2, "running", {"attempt": 0}), (5, "done", {"attempt": 0}))
    [job] = read_jobs(tmp_path)
    assert (job.state, job.submitted, job.start, job.end, job.host, job.pid) == (
        "done",
        1,
        2,
        5,
        "another-machine",
        4711,
    )
    assert (job.name, job.run, job.directory) == ("relax", "FLOW", "/x/JOB")
    assert longest(tmp_path) == {"": 3}


def test_clocks_of_machines_differ(write, tmp_path):
    write("driver", HERE, (10, "pending", {}))
    write("worker", ELSEWHERE, (2, "running", {"attempt": 0}), (5, "done", {"attempt": 0}))
    assert state(tmp_path) == "done"
    write("driver", HERE, (1, "pending", {}), (4, "failed", {"cause": "its worker died"}))
    write("worker", ELSEWHERE, (20, "running", {"attempt": 0}))
    assert state(tmp_path) == "failed"


def test_the_last_attempt_counts(write, tmp_path):
    write("driver", HERE, (1, "pending", {}))
    failed = (3, "failed", {"attempt": 0, "cause": "the first time"})
    write("worker", HERE, (2, "running", {"attempt": 0}), failed)
    assert state(tmp_path) == "failed"
    write("worker", HERE, (2, "running", {"attempt": 0}), failed, (4, "running", {"attempt": 1}))
    assert state(tmp_path) == "running"
    write("worker", HERE, failed, (4, "running", {"attempt": 1}), (5, "done", {"attempt": 1}))
    [job] = read_jobs(tmp_path)
    assert (job.state, job.attempt, job.cause) == ("done", 1, "")


def test_a_job_whose_process_is_gone_is_lost(write, tmp_path, gone):
    write("driver", gone, (1, "pending", {}))
    assert state(tmp_path) == "lost"
    write("driver", gone, (1, "running", {}))
    assert state(tmp_path) == "lost"
    write("driver", gone, (1, "running", {}), (2, "done", {"attempt": 0}))
    assert state(tmp_path) == "done"


def test_of_a_worker_that_died_the_caller_will_tell(write, tmp_path, gone):
    write("driver", HERE, (1, "pending", {}))
    write("worker", gone, (2, "running", {"attempt": 0}))
    assert state(tmp_path) == "running"
    write("driver", HERE, (1, "pending", {}), (3, "pending", {"attempt": 1}))
    assert state(tmp_path) == "pending"
    write("driver", gone, (1, "pending", {}))
    assert state(tmp_path) == "lost"


def test_of_a_process_elsewhere_nobody_knows(write, tmp_path):
    write("driver", ELSEWHERE, (1, "pending", {}), (2, "running", {}))
    assert state(tmp_path) == "running"


def test_half_a_line_is_not_read(write, tmp_path):
    write("driver", HERE, (1, "running", {}))
    with (tmp_path / JOURNAL / "driver.jsonl").open("a") as file:
        file.write('{"id": "job", "state": "do')
    (tmp_path / JOURNAL / "other.jsonl").write_bytes(bytes(100) + b'\n[1]\n{"id": 3}\n"text"\n')
    with pytest.warns(UserWarning, match=r"3 damaged lines of .*other.jsonl are left out"):
        assert state(tmp_path) == "running"
    assert read_jobs(tmp_path / "nowhere") == []


def test_a_journal_that_cannot_be_written_is_said_once(tmp_path):
    (tmp_path / "file").write_text("")
    journal = Journal(str(tmp_path / "file" / "journal"))
    with pytest.warns(UserWarning, match="No journal in") as warned:
        for _ in range(3):
            journal.record("a", "running")
    assert len(warned) == 1


# --- The inputs of jobs -----------------------------------------------------------------------------------------------


def test_calls_are_kept_until_all_went_well(tmp_path):
    calls = Calls(str(tmp_path), "RUN")
    places = [calls.keep(b"header", b"function", str(i).encode() * 10**i) for i in range(6)]
    for i, place in enumerate(places):
        assert read_call(tmp_path, place) == (b"header", b"function", str(i).encode() * 10**i)
    assert (tmp_path / "calls" / "RUN").read_bytes().count(b"header") == 1
    calls.close(remove=False)
    assert read_call(tmp_path, places[5])[2] == b"5" * 10**5
    again = Calls(str(tmp_path), "OTHER")
    place = again.keep(b"h", b"f", b"a")
    again.close(remove=True)
    with pytest.raises(OSError, match="cannot be read"):
        read_call(tmp_path, place)


def test_damaged_calls_and_those_of_others_are_refused(tmp_path):
    calls = Calls(str(tmp_path), "RUN")
    place = calls.keep(b"header", b"function", b"arguments" * 100)
    calls.close(remove=False)
    file = tmp_path / "calls" / "RUN"
    file.chmod(0o666)
    with pytest.raises(OSError, match="chmod"):
        read_call(tmp_path, place)
    file.chmod(0o600)
    os.truncate(file, file.stat().st_size - 3)
    with pytest.raises(OSError, match="damaged"):
        read_call(tmp_path, place)
    with pytest.raises(OSError, match="cannot be read"):
        read_call(tmp_path, "RUN:x")


def test_why_a_job_failed_is_what_its_own_process_says(write, tmp_path):
    """The process that called it was interrupted, and says so when the job has stopped."""
    write("driver", HERE, (1, "pending", {}), (6, "failed", {"cause": "Interrupted: SIGTERM"}))
    write("worker", ELSEWHERE, (2, "running", {"attempt": 0}), (5, "failed", {"cause": "IncompleteError: stopped"}))
    [job] = read_jobs(tmp_path)
    assert (job.state, job.cause) == ("failed", "IncompleteError: stopped")
    write("worker", ELSEWHERE, (2, "running", {"attempt": 0}))
    assert read_jobs(tmp_path)[0].cause == "Interrupted: SIGTERM"
    write("worker", ELSEWHERE, (2, "running", {"attempt": 0}), (5, "done", {}))
    assert read_jobs(tmp_path)[0].cause == "Interrupted: SIGTERM"
