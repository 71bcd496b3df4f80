"""What only the queue engine does: it outlives the script, and the script finds its jobs again."""

import os
import random
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from pathlib import Path

import pytest

from adatom import change_settings, flow, job
from adatom.engines.queue import runner, state, worker
from adatom.engines.queue.client import Client
from adatom.engines.queue.runner import QueueRunner
from adatom.engines.queue.spools import spools
from adatom.errors import FlowFailure, InputError, StorageError
from adatom.execution import named_task
from adatom.execution.registry import close_engines
from adatom.machines.profiles.runner import RunnerProfile
from tests.conftest import full
from tests.engines.conftest import asked_for, end_batch_jobs, is_tested
from tests.engines.many import many_tasks
from tests.engines.processes import script, wait_until

if not is_tested("queue"):
    pytest.skip("another environment tests it", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("queue")

# Ten jobs that write a line each; what the last three need is computed by the first ones.
SCRIPT = """
import os, time
from pathlib import Path
from adatom import flow, job

@job
def work(number, *before):
    with open("log", "a") as log:
        log.write(f"{number} {os.getpid()}\\n")
    while not Path("go").exists() and number in (3, 4):
        time.sleep(0.05)
    return number + sum(before)

@flow
def campaign():
    first = [work(number) for number in range(7)]
    return first + [work(number, *first) for number in range(7, 10)]

print("result", sum(campaign()))
"""
RESULT = f"result {sum(range(10)) + 3 * sum(range(7))}"


@pytest.fixture
def environment(tmp_path):
    yield {
        "ADATOM_WORKFLOW_ENGINE": "queue",
        "ADATOM_LOCAL_WORKERS": "3",
        "ADATOM_QUEUE_DIR": str(tmp_path / "queue"),
    }
    end_batch_jobs(tmp_path / "queue")


@pytest.fixture
def queue_dir(tmp_path):
    own = {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    with change_settings(workflow_engine="queue", local_workers=2, **own):
        yield tmp_path / "queue"
        close_engines()
        end_batch_jobs(tmp_path / "queue")


def begun(directory: Path) -> Counter:
    log = directory / "log"
    return Counter(line.split()[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def again(environment: dict[str, str], directory: Path) -> None:
    """Run the script again, while the batch jobs of its first run live."""
    with script(directory, SCRIPT, "again", **environment) as running:
        assert running.wait(120) == 0, running.output
        assert RESULT in running.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM])
def test_a_script_that_ended_finds_its_jobs_again(environment, tmp_path, number):
    with script(tmp_path, SCRIPT, **environment) as running:
        wait_until(lambda: {"3", "4"} <= set(begun(tmp_path)) or running.process.poll() is not None, "no job is begun")
        os.killpg(running.process.pid, number)
        assert running.wait(60) != 0
        if number == signal.SIGINT:
            assert "jobs that were begun go on in their batch jobs" in running.output
        (tmp_path / "go").touch()
        again(environment, tmp_path)
    assert begun(tmp_path) == {str(number): 1 for number in range(10)}
    with change_settings(queue_dir=tmp_path / "queue"):
        assert [state.tasks(spool) for spool in spools()] == [[]]
    assert not list((tmp_path / "adatom_results").rglob("failed-*"))


@pytest.mark.deep(reason="twenty scripts are killed, at any point")
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_no_job_is_computed_twice(environment, tmp_path, seed):
    (tmp_path / "go").touch()
    with script(tmp_path, SCRIPT, **environment) as running:
        time.sleep(random.Random(seed).uniform(0.5, 4))
        running.process.kill()
        running.wait()
        times = 2 if RESULT in running.output else 1  # it had ended, so that this is another one
        again(environment, tmp_path)
    assert begun(tmp_path) == {str(number): times for number in range(10)}


def test_a_batch_job_that_is_lost_is_replaced(environment, tmp_path):
    with script(tmp_path, SCRIPT, **environment) as running:
        wait_until(lambda: {"3", "4"} <= set(begun(tmp_path)) or running.process.poll() is not None, "no job is begun")
        workers = {int(line.split()[1]) for line in (tmp_path / "log").read_text().splitlines()}
        [batch_job] = {_parent(pid) for pid in workers}
        os.kill(batch_job, signal.SIGKILL)
        (tmp_path / "go").touch()
        assert running.wait(120) == 0, running.output
        assert RESULT in running.output
    assert set(begun(tmp_path)) == set(map(str, range(10)))
    assert begun(tmp_path)["0"] == 1


def test_two_scripts_at_the_same_time_share_the_jobs_that_both_wait_for(environment, tmp_path):
    with ExitStack() as stack:
        two = [stack.enter_context(script(tmp_path, SCRIPT, name, **environment)) for name in ("one", "two")]
        wait_until(lambda: asked_for(tmp_path / "queue") == 14 or any(one.process.poll() for one in two), "not asked")
        (tmp_path / "go").touch()
        for running in two:
            assert running.wait(60) == 0, running.output
            assert RESULT in running.output
    assert {begun(tmp_path)[str(number)] for number in range(7)} == {1}
    with change_settings(queue_dir=tmp_path / "queue"):
        assert [state.tasks(spool) for spool in spools()] == [[]], "answers are left, which a later run would take"


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@job
def double(number):
    return 2 * number


@job
def fail():
    raise ValueError("no")


@flow
def doubles(count):
    return [double(number) for number in range(count)]


@flow
def one_fails():
    return [double(1), fail()]


def test_a_full_disk_is_named_and_then_all_goes_on(queue_dir, small_disk):
    with change_settings(queue_dir=small_disk):
        assert doubles(1) == [0]
        why = f"{small_disk}.*: No space left on device. Make room there, or name another directory in ADATOM_QUEUE_DIR"
        with full(small_disk), pytest.raises(StorageError, match=why):
            doubles(2)
        assert doubles(2) == [0, 2]
        close_engines()
        end_batch_jobs(small_disk)


def test_an_answer_waits_for_room(queue_dir, small_disk, tmp_path):
    @job
    def large(directory):
        with open(f"{directory}/log", "a") as log:
            log.write("begun")
        while not Path(directory, "go").exists():
            time.sleep(0.05)
        with open(f"{directory}/log", "a") as log:
            log.write(" ended")
        return os.urandom(100_000)

    @flow
    def one():
        return [large(str(tmp_path))]

    def attempts():
        [done] = small_disk.glob("*/done")
        return done.stat().st_mtime_ns  # changes when a part of a file is made and removed

    log = tmp_path / "log"
    with change_settings(queue_dir=small_disk), ThreadPoolExecutor(1) as thread:
        found = thread.submit(copy_context().run, one)
        wait_until(lambda: log.exists() or found.done(), "no job is begun")
        with full(small_disk):
            before = attempts()
            (tmp_path / "go").touch()
            wait_until(lambda: attempts() != before or found.done(), "no answer is written")
            assert not found.done(), found.exception()
        assert [len(value) for value in found.result(60)] == [100_000]
        close_engines()
        end_batch_jobs(small_disk)
    assert log.read_text() == "begun ended"


def test_the_same_work_may_be_asked_for_several_times(queue_dir):
    @flow
    def same():
        return [double(4) for _ in range(5)]

    assert same() == [8] * 5


def test_answers_are_removed_with_their_flow(queue_dir):
    assert doubles(5) == [0, 2, 4, 6, 8]
    [spool] = spools()
    assert state.tasks(spool) == []
    with pytest.raises(FlowFailure, match="ValueError: no"):
        one_fails()
    assert [task.state for task in state.tasks(spool)] == ["kept", "kept"]  # a failure is an answer, too


@job
def logged(name, needs=""):
    with open(f"{name}.log", "a") as log:
        log.write("x")
    return Path(needs or ".").stat().st_mode


@pytest.mark.parametrize("again", ["in this process", "in a new process"])
def test_what_failed_is_done_again_and_nothing_else(queue_dir, tmp_path, monkeypatch, again):
    monkeypatch.chdir(tmp_path)

    @flow
    def two():
        return [logged("one"), logged("two", needs="file")]

    with pytest.raises(FlowFailure, match="FileNotFoundError"):
        two()
    Path("file").touch()
    if again == "in a new process":
        close_engines()
    assert len(two()) == 2
    assert (Path("one.log").read_text(), Path("two.log").read_text()) == ("x", "xx")


CODE = """
import os
from adatom import flow, job
from helper import value

@job
def work():
    return value()

@flow
def campaign():
    return [work()]

print("result", *campaign(), flush=True)
os._exit(0)  # the engine does not end, so that its workers live
"""


def test_a_later_run_has_the_code_as_it_is_then(environment, tmp_path):
    """Though the workers of the first run live, with the module that they have imported."""
    with ExitStack() as stack:
        for text in ("old", "new", "newer"):
            (tmp_path / "helper.py").write_text(f"def value(): return {text!r}")
            running = stack.enter_context(script(tmp_path, CODE, text, **environment))
            assert running.wait() == 0, running.output
            assert f"result {text}\n" in running.output
        own = [command for command in running.alive().values() if "worker.py" in command]  # others may be ending now
        assert not own, "each run started workers of its own"


def test_all_workers_of_a_batch_job_end_together(queue_dir, monkeypatch):
    """Else one that is left would do alone what comes later."""
    monkeypatch.setitem(runner._IDLE, "local", 1.5)

    @job
    def wait(seconds):
        time.sleep(seconds)
        return os.getpid()

    @flow
    def one():
        return [wait(4)]

    @flow
    def two():
        return [wait(1), wait(1)]

    one()  # the other worker has nothing to do for more than its time
    assert len(set(two())) == 2
    wait_until(lambda: not list(queue_dir.rglob("taken/*")), "workers without a task do not end")
    assert len(two()) == 2  # in another batch job


def test_a_worker_with_other_code_says_so(queue_dir, monkeypatch):
    submit, given = Client.submit, []
    monkeypatch.setattr(Client, "submit", lambda self, work, keep: given.append(work) or submit(self, work, keep))
    doubles(1)
    [work] = given
    assert named_task.perform(work, named_task.task_name(work))[:1] == named_task.UNCHANGED
    assert named_task.perform(work, "another-name")[:1] == named_task.CHANGED


@pytest.mark.parametrize("place", ["waiting", "done"])
def test_a_file_of_somebody_else_is_not_read(queue_dir, place, monkeypatch):
    put, submit = worker.put, Client.submit

    def forged(path, data):
        put(path, bytes(16) + data[16:])

    def with_forged_answer(self, work, keep):
        name, future = submit(self, work, keep)
        put(self.spool.path / "done" / name, bytes(40))
        return name, future

    if place == "waiting":
        monkeypatch.setattr(worker, "put", forged)
    else:  # by workers, which have a process of their own
        monkeypatch.setattr(Client, "submit", with_forged_answer)
    with pytest.raises(FlowFailure, match="it is damaged, or somebody else wrote it"):
        doubles(1)


def test_nobody_else_can_read_the_spool(queue_dir):
    doubles(2)
    [spool] = queue_dir.iterdir()
    assert spool.stat().st_mode & 0o077 == 0
    assert (spool / "key").stat().st_mode & 0o077 == 0


def test_cancelled_jobs_fail(environment, tmp_path):
    with script(tmp_path, SCRIPT, **environment) as running:
        wait_until(lambda: {"3", "4"} <= set(begun(tmp_path)) or running.process.poll() is not None, "no job is begun")
        end_batch_jobs(tmp_path / "queue")
        assert running.wait(60) != 0
        assert re.search("work.*cancelled by `adatom queue cancel`", running.output, re.DOTALL), running.output
    with change_settings(queue_dir=tmp_path / "queue"):
        [spool] = spools()
        assert {task.state for task in state.tasks(spool)} == {"kept"}  # what had been done before
    assert not list(spool.path.glob("adatom-*")), "files of batch jobs are left"


def test_a_runner_without_a_profile_that_exists(queue_dir):
    with pytest.raises(InputError, match="nowhere"):
        QueueRunner("nowhere").batch_jobs()
    with pytest.raises(InputError, match="jobs"):
        QueueRunner(jobs=0)
    with pytest.raises(InputError, match="workers=3: the profile says"):
        QueueRunner("nowhere", workers=3)
    with pytest.raises(InputError, match=r"engine_options=.* the queue engine has no options"):
        double.with_options(engine_options={"priority": 3})(1)


def test_batch_jobs_that_cannot_start_end_the_flow(queue_dir, tmp_path):
    (tmp_path / "profiles.toml").write_text(
        '[machines.here]\nscheduler = "local"\n[runners.broken]\nmachine = "here"\npython = "/no/such/python"\n'
    )
    with (
        change_settings(profiles=(tmp_path / "profiles.toml",), queue_profile="broken"),
        pytest.raises(FlowFailure, match="ended before its workers began: failed.*No such file"),
    ):
        doubles(2)
    assert doubles(2) == [0, 2]  # with the settings of before


RETRY = """
[machines.here]
scheduler = "local"
[runners.patient]
machine = "here"
walltime = "6s"
retry.timeout = { walltime = 5.0 }
"""


def test_a_profile_says_what_follows_the_end_of_a_batch_job(queue_dir, tmp_path):
    log = tmp_path / "log"

    @job
    def slow(log):
        with open(log, "a") as file:
            file.write("x")
        time.sleep(7)
        return 1

    @flow
    def one(log):
        return [slow(log)]

    (tmp_path / "profiles.toml").write_text(RETRY)
    with change_settings(profiles=(tmp_path / "profiles.toml",)):
        assert one.with_options(runner="patient")(str(log)) == [1]
    assert log.read_text() == "xx", "in the second batch job, though the job has no retries"


def test_batch_jobs_that_are_too_short_for_any_job_end_the_flow(queue_dir, tmp_path):
    @flow
    def one():
        return [sleep(60)]

    @job
    def sleep(seconds):
        time.sleep(seconds)

    (tmp_path / "profiles.toml").write_text(
        '[machines.here]\nscheduler = "local"\n[runners.short]\nmachine = "here"\nwalltime = "4s"\n'
    )
    with (
        change_settings(profiles=(tmp_path / "profiles.toml",)),
        pytest.raises(FlowFailure, match=r"1 failed.*\nsleep: .* ended: timeout.* longer walltime, or retry.timeout"),
    ):
        one.with_options(runner="short")()


@job
def batch_job(number):
    time.sleep(0.3)
    return os.getppid()  # what looks after the workers of a batch job


@flow
def batch_jobs_of(numbers):
    return [batch_job(number) for number in numbers]


def test_short_jobs_get_few_batch_jobs_once_their_time_is_known(queue_dir, tmp_path, capsys):
    (tmp_path / "profiles.toml").write_text(
        '[machines.here]\nscheduler = "local"\n[runners.short]\nmachine = "here"\nwalltime = "1h"\n'
    )
    with change_settings(profiles=(tmp_path / "profiles.toml",)):
        batch_jobs_of.with_options(runner=QueueRunner("short", jobs=2))(range(6))
        assert "batch job" not in capsys.readouterr().err
        assert len(set(batch_jobs_of.with_options(runner=QueueRunner("short", jobs=3))(range(6, 12)))) == 1
    assert re.search(r"\d+ tasks that take some \d\S* s in all, .* get 1 batch job, not \d", capsys.readouterr().err)


@pytest.mark.deep(reason="5 000 tasks")
def test_a_pool_of_5000_tasks(environment, tmp_path):
    many_tasks(tmp_path, "None", **environment)


def test_larger_batch_jobs():
    profile = RunnerProfile(
        name="x",
        machine="x",
        walltime=3600,
        memory="2G",
        retry={"timeout": {"walltime": 2}, "out_of_memory": {"memory": 1.5}},
    )
    assert profile.grown("timeout").walltime == 7200
    assert profile.grown("out_of_memory").memory == 3 * 2**30
    assert profile.grown("node_failure") is None
    with pytest.raises(InputError, match="retry.timeout.walltime is a factor of walltime, which is not given"):
        RunnerProfile(name="x", machine="x", retry={"timeout": {"walltime": 2}})
    with pytest.raises(InputError, match="retry"):
        RunnerProfile(name="x", machine="x", retry={"bad_luck": {}})
