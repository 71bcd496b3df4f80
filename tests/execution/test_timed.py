"""Calls that are killed after their time."""

import os
import time
from pathlib import Path

import pytest

from adatom import change_settings, flow, job
from adatom.execution.directories import run_directory
from adatom.execution.timed import end_idle, execute_in_child
from tests.execution.calls import call_of
from tests.execution.processes import gone, sleeper, until


@pytest.fixture(autouse=True)
def _no_idle():
    yield
    end_idle()


def pid_of_a_call(directory):
    return execute_in_child(call_of(os.getpid, directory=directory / "JOB"), (), timeout=60)


def test_a_call_in_time_gives_its_value(tmp_path):
    pid = pid_of_a_call(tmp_path)
    assert pid != os.getpid()
    assert os.listdir(tmp_path) == []
    end_idle()
    assert gone(pid)


def test_the_next_call_has_the_same_process(tmp_path, monkeypatch):
    first = pid_of_a_call(tmp_path)
    assert pid_of_a_call(tmp_path) == first
    monkeypatch.setenv("SURROUNDINGS", "1")
    second = pid_of_a_call(tmp_path)  # which started in these surroundings
    assert second != first
    assert gone(first)
    os.kill(second, 9)  # as by the system, where memory is short
    until(lambda: gone(second))
    assert pid_of_a_call(tmp_path) != second


@job(timeout=60)
def own_pid(number):
    return os.getpid(), number


@flow
def two_pids():
    return [own_pid(1), own_pid(2)]


def test_no_process_is_left_after_a_flow(tmp_path):
    with change_settings(results_dir=tmp_path, workflow_engine="local", local_workers=1):
        (first, _), (second, _) = two_pids()
    assert first == second != os.getpid()
    assert gone(first)


def test_a_call_that_takes_too_long_is_a_failure_and_its_files_are_kept(tmp_path):
    def work():
        with run_directory("run") as run:
            (run.path / "pid").write_text(f"{os.getpid()} {sleeper()}")
            time.sleep(600)

    failure = execute_in_child(call_of(work, directory=tmp_path / "JOB"), (), timeout=6)
    assert (failure.job, failure.kind) == ("work", "JobTimeoutError")
    assert failure.directory == str(tmp_path / "failed-JOB")
    assert "stopped after 6 s" in (tmp_path / "failed-JOB" / "error.txt").read_text()
    pids = (tmp_path / "failed-JOB" / "pid").read_text().split()
    until(lambda: gone(*map(int, pids)))


def test_a_call_whose_process_dies_is_a_failure_with_a_directory(tmp_path):
    failure = execute_in_child(call_of(os._exit, 3, directory=tmp_path / "JOB"), (), timeout=60)
    assert failure.kind == "WorkerDiedError"
    assert "exit status 3" in failure.message
    assert Path(failure.directory, "error.txt").read_text().strip() == failure.message


def test_a_value_that_cannot_come_back_is_a_failure(tmp_path):
    failure = execute_in_child(call_of(lambda: (i for i in "x"), directory=tmp_path / "JOB"), (), timeout=60)
    assert "a generator, cannot be sent back" in failure.message
