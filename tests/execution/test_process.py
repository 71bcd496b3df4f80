"""A worker process: alone, replaceable, and never left behind."""

import os
import pickle
import signal
import subprocess
import sys
import time

import pytest

from adatom.errors import JobTimeoutError, WorkerDiedError
from adatom.execution.deadline import stop_requested
from adatom.execution.directories import run_directory
from adatom.execution.process import Child
from adatom.execution.worker import unpack
from tests.execution.calls import call_of
from tests.execution.processes import gone, sleeper, until


@pytest.fixture
def child():
    child = Child()
    yield child
    child.kill()


def ask(child, function):
    child.send(function)
    return pickle.loads(child.receive(timeout=60))


# --- Working ----------------------------------------------------------------------------------------------------------


def test_it_is_a_clean_interpreter_in_a_session_of_its_own(child):
    main, pid, session, path = ask(
        child, lambda: (hasattr(sys.modules["__main__"], "__file__"), os.getpid(), os.getsid(0), sys.path)
    )
    assert not main
    assert pid == session == child.pid != os.getpid()
    assert path == [os.path.abspath(folder) for folder in sys.path]


def test_it_leaves_the_environment_as_it_is(child):
    usual = {"PYTEST_CURRENT_TEST", "COLUMNS", "LINES"}  # which pytest itself changes
    theirs, ours = ask(child, lambda: dict(os.environ)), dict(os.environ)
    assert {name for name in {*theirs, *ours} - usual if theirs.get(name) != ours.get(name)} == set()


def test_work_is_done_in_order(child, tmp_path):
    def count(text):
        return len(text)

    for text in ("a", "bb", "ccc"):
        child.send(call_of(count, text, directory=tmp_path / text))
    assert [unpack(child.receive(60)) for _ in range(3)] == [1, 2, 3]


def test_a_job_cannot_read_what_a_person_types(child, tmp_path):
    child.send(call_of(input, directory=tmp_path / "job"))
    assert unpack(child.receive(60)).kind == "EOFError"


def test_an_interrupt_of_the_terminal_is_left_to_the_parent(child):
    ask(child, os.getpid)
    os.kill(child.pid, signal.SIGINT)
    assert ask(child, os.getpid) == child.pid


# --- Dying ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_death_by_signal_is_told(child, number):
    child.send(lambda: os.kill(os.getpid(), number))
    with pytest.raises(WorkerDiedError, match=f"worker process {child.pid} was killed by signal {number.name}"):
        child.receive(60)


def test_an_exit_status_is_told(child):
    child.send(lambda: os._exit(7))
    with pytest.raises(WorkerDiedError, match=f"worker process {child.pid} ended with exit status 7"):
        child.receive(60)


def test_a_dead_one_does_not_block_who_sends(child):
    child.kill()
    child.send(os.getpid)
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        child.receive()
    child.kill()
    child.stop()


def test_killing_it_ends_what_it_started(child):
    started = ask(child, sleeper)
    assert not gone(started, child.pid)
    child.kill()
    until(lambda: gone(started, child.pid))


def test_an_answer_that_does_not_come_in_time(child):
    child.send(lambda: time.sleep(600))
    with pytest.raises(JobTimeoutError, match=r"stopped after 0\.05 s"):
        child.receive(timeout=0.05)


def test_one_that_is_told_to_stop_marks_its_directory_first(child, tmp_path):
    def work():
        with run_directory("run") as run:
            (run.path / "partial").touch()
            time.sleep(600)

    child.send(call_of(work, directory=tmp_path / "JOB"))
    until((tmp_path / "running-JOB" / "partial").exists)
    child.stop(grace=60)
    assert child.process.returncode == 1
    assert os.listdir(tmp_path) == ["failed-JOB"]
    assert "told to stop" in (tmp_path / "failed-JOB" / "error.txt").read_text()


def test_one_that_stops_after_its_step_is_told_once(child, tmp_path):
    """By the pool, which tells all of its workers first, and then waits for each."""
    begun, told = tmp_path / "begun", tmp_path / "told"

    def work():
        begun.touch()
        while not stop_requested():
            time.sleep(0.001)
        told.touch()
        time.sleep(0.2)  # the rest of the step
        return "in order"

    child.send(work)
    until(begun.exists)
    child.terminate()
    until(told.exists)
    child.terminate()
    assert pickle.loads(child.receive(timeout=60)) == "in order"


def test_one_that_does_not_listen_is_killed(child, tmp_path):
    def deaf():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (tmp_path / "deaf").touch()
        time.sleep(600)

    child.send(deaf)
    until((tmp_path / "deaf").exists)
    child.stop(grace=0.1)
    assert child.process.returncode == -signal.SIGKILL


PARENT = """
import os, pathlib, subprocess, sys, time
from adatom.execution.process import Child
child = Child()

def work():
    started = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path("pids.new").write_text(f"{os.getpid()} {started.pid}")
    os.rename("pids.new", "pids")
    time.sleep(600)

child.send(work)
{then}
"""


@pytest.mark.parametrize("end", ["killed", "crashed", "ended"])
def test_it_ends_with_its_parent_and_so_does_what_it_started(tmp_path, end):
    wait = "while not os.path.exists('pids'): time.sleep(0.01)\n"
    then = {"killed": "time.sleep(600)", "crashed": f"{wait}os.abort()", "ended": wait}[end]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("{then}", then)], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    )
    try:
        until((tmp_path / "pids").exists)
        pids = list(map(int, (tmp_path / "pids").read_text().split()))
        assert len(pids) == 2
        if end == "killed":
            parent.kill()
        assert parent.wait(60) == {"killed": -signal.SIGKILL, "crashed": -signal.SIGABRT, "ended": 0}[end]
        until(lambda: gone(*pids))
    finally:
        parent.kill()
