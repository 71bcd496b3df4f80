"""A command as a batch job, on this machine: submitted once, waited for, and told the truth about."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adatom import flow, job
from adatom.errors import BatchJobError, InputError
from adatom.machines import State, run_command, run_command_async
from tests.machines.profiles import how, machine, python

SAY = python("import sys, json; print(json.dumps(sys.argv[1:]))")
SLOW = python("import time; print('begun', flush=True); time.sleep(float(__import__('sys').argv[1]))")


def wait_until(condition, timeout=30):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_command_that_succeeds(tmp_path):
    result = run_command(SAY, how(walltime="1m"), machine(), tmp_path / "new", ["a b", 3])
    assert result.ok
    assert (result.outcome.state, result.outcome.exit_code, result.outcome.signal) == (State.SUCCEEDED, 0, 0)
    assert 0 < result.outcome.elapsed < 60
    assert json.loads(result.stdout.read_text()) == ["a b", "3"]
    assert result.stderr.read_text() == ""
    assert result.script.parent == tmp_path / "new"


# A zero byte is no argument; a lone surrogate is no text.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arguments=st.lists(TEXT | st.sampled_from(["$HOME", "`id`", "a\nb", "'", '"', "\\", "!", "*", "-", "", "#"])))
def test_arguments_arrive_as_they_are(arguments, tmp_path):
    result = run_command(SAY, how(), machine(), tmp_path, arguments)
    assert json.loads(result.stdout.read_text()) == arguments


def test_a_dry_run_does_nothing(tmp_path):
    text = run_command(SAY, how(walltime="90m"), machine(), tmp_path / "new", ["x"], dry_run=True)
    assert text.startswith("#!/bin/bash\n#adatom walltime 5400.0\n")
    assert not (tmp_path / "new").exists()


def test_a_command_that_fails(tmp_path):
    fails = python("import sys; print('begun'); sys.exit('no such luck')")
    with pytest.raises(BatchJobError, match=r"failed \(.*exit_code 1.*\nIts files: .*\nno such luck") as caught:
        run_command(fails, how(), machine(), tmp_path)
    result = caught.value.result
    assert (result.outcome.state, result.outcome.exit_code, result.ok) == (State.FAILED, 1, False)
    assert result.stdout.read_text() == "begun\n"
    again = run_command(fails, how(), machine(), tmp_path, check=False)
    assert (again.outcome.state, again.id != result.id) == (State.FAILED, True)


def test_one_that_is_ended_by_a_signal(tmp_path):
    killed = run_command(python("import os; os.kill(os.getppid(), 9)"), how(), machine(), tmp_path, check=False)
    assert (killed.outcome.state, killed.outcome.signal) == (State.FAILED, 9)


def test_the_end_of_the_walltime_is_no_success(tmp_path):
    result = run_command(SLOW, how(), machine(), tmp_path, [100], walltime=1, check=False)
    assert (result.outcome.state, result.outcome.cause) == (State.TIMEOUT, "it ran longer than 1.0 s")
    assert 1 < result.outcome.elapsed < 20


def test_a_script_without_its_end_mark_is_no_success(tmp_path, monkeypatch):
    """As where the scheduler says success of a job whose node was lost."""
    monkeypatch.setattr("adatom.machines.result._LATE", 0.3)
    fakes_success = python("import os, signal; os.system(f'touch stopped; kill -9 {os.getppid()}')")
    directory = tmp_path / "bin"
    directory.mkdir()
    (directory / "bash").write_text('#!/bin/sh\n/bin/bash "$@"\nexit 0\n')
    (directory / "bash").chmod(0o755)
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    result = run_command(fakes_success, how(), machine(), tmp_path, check=False)
    assert (tmp_path / "stopped").exists()
    assert result.outcome.exit_code == 0
    assert (result.outcome.state, result.outcome.cause) == (State.FAILED, "the script did not come to its end")


def test_each_run_has_files_of_its_own(tmp_path):
    results = [run_command(SAY, how(), machine(), tmp_path) for _ in range(2)]
    assert len({path for result in results for path in (result.script, result.stdout, result.stderr)}) == 6


DRIVER = """
import sys
from adatom.machines import run_command
from tests.machines.profiles import how, machine
from tests.machines.test_command import SLOW
result = run_command(SLOW, how(), machine(), sys.argv[1], [float(sys.argv[2])])
print(result.id, result.outcome.state)
"""


def driver(directory, seconds):
    paths = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(directory), str(seconds)], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_job_whose_driver_was_killed_is_waited_for_again(tmp_path, ends_first):
    first = driver(tmp_path, 3)
    wait_until(lambda: any(path.read_text() == "begun\n" for path in tmp_path.glob("*.out")))
    wait_until(lambda: list(tmp_path.glob(".adatom-jobs/*.json")))
    first.kill()
    first.communicate()
    if ends_first:
        wait_until(lambda: list(tmp_path.glob("*.end")))
    (script,) = tmp_path.glob("*.sh")
    printed, _ = driver(tmp_path, 3).communicate(timeout=60)
    assert printed.split()[1] == "succeeded"
    assert list(tmp_path.glob("*.sh")) == [script]  # nothing was submitted
    printed_later, _ = driver(tmp_path, 3).communicate(timeout=60)
    assert printed_later.split()[0] != printed.split()[0]  # that one was told of: this is a new job


def test_another_command_in_the_same_directory_is_another_job(tmp_path):
    first = driver(tmp_path, 30)
    wait_until(lambda: list(tmp_path.glob(".adatom-jobs/*.json")))
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert json.loads(run_command(SAY, how(), machine(), tmp_path, ["x"]).stdout.read_text()) == ["x"]
    given_up(tmp_path, 30.0, cancel=True)


def given_up(tmp_path, seconds, cancel, after=lambda: True):
    """Wait for a slow command, and stop waiting."""

    async def interrupted():
        task = asyncio.ensure_future(
            run_command_async(SLOW, how(), machine(), tmp_path, [float(seconds)], cancel=cancel)
        )
        await asyncio.sleep(0)
        await asyncio.to_thread(wait_until, after)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())


def state_in(tmp_path):
    files = list(tmp_path.glob(".*.local"))
    return json.loads(files[0].read_text())["state"] if files else "queued"


def test_a_wait_that_is_given_up_cancels_if_asked(tmp_path):
    given_up(tmp_path, 60, cancel=False, after=lambda: state_in(tmp_path) is None)
    assert state_in(tmp_path) is None  # it runs
    given_up(tmp_path, 60, cancel=True, after=lambda: state_in(tmp_path) is None)
    wait_until(lambda: state_in(tmp_path) == "cancelled")
    assert len(list(tmp_path.glob("*.sh"))) == 1  # the second call waited for the job of the first


def test_a_wait_that_is_given_up_at_once_leaves_nothing_running(tmp_path):
    given_up(tmp_path, 60, cancel=True)
    wait_until(lambda: state_in(tmp_path) == "cancelled")
    assert not list(tmp_path.glob(".adatom-jobs/*.json"))


def test_many_at_the_same_time(tmp_path):
    async def all_of_them():
        return await asyncio.gather(
            *(run_command_async(SAY, how(), machine(), tmp_path, [number]) for number in range(12))
        )

    results = asyncio.run(all_of_them())
    assert [json.loads(result.stdout.read_text()) for result in results] == [[str(n)] for n in range(12)]


def test_it_is_a_job(tmp_path):
    run = job(run_command)

    @flow
    def two():
        return [run(SAY, how(), machine(), tmp_path, [number]) for number in range(2)]

    assert [json.loads(result.stdout.read_text()) for result in two()] == [["0"], ["1"]]


def test_bad_input_writes_nothing(tmp_path):
    with pytest.raises(InputError, match="args='x': give a list"):
        run_command(SAY, how(), machine(), tmp_path / "new", "x")
    with pytest.raises(InputError, match=r"local cannot be asked for nodes=2\. This is one machine\."):
        run_command(SAY, how(nodes=2, launcher="mpirun"), machine(), tmp_path / "new")
    assert not (tmp_path / "new").exists()
