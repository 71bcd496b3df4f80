"""A call in the process that runs it."""

import asyncio
import os
import pickle
import time
from dataclasses import replace

import cloudpickle
import pytest

from adatom import Failure, change_settings, get_settings
from adatom.execution.arguments import Slot
from adatom.execution.call import Batch, Call, header, pack_function
from adatom.execution.context import batch_value, in_job
from adatom.execution.worker import execute, pack, settled, unpack
from tests.execution.calls import call_of
from tests.interpreter import run


def test_a_call_runs_as_a_job_with_its_own_settings():
    with change_settings(local_workers=7):
        call = call_of(lambda x: (x, in_job(), get_settings().local_workers), 5)
    assert execute(pickle.loads(pickle.dumps(call))) == (5, True, 7)
    assert not in_job()


def test_whatever_a_call_raises_is_a_failure(tmp_path):
    def work(value):
        raise {1: ValueError, 2: SystemExit, 3: AssertionError}[value](f"value {value}")

    for value, kind in ((1, "ValueError"), (2, "SystemExit"), (3, "AssertionError")):
        failure = execute(call_of(work, value, directory=tmp_path / f"JOB-{value}"))
        assert (failure.job, failure.kind, failure.message) == ("work", kind, f"value {value}")
        assert failure.directory == str(tmp_path / f"failed-JOB-{value}")


def test_an_interrupt_is_none(tmp_path):
    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(replace(call_of(work), noted=True))  # in the caller's process, where it may be Ctrl-C
    assert execute(call_of(work, directory=tmp_path / "OTHER")).kind == "KeyboardInterrupt"
    assert not in_job()


def test_a_call_that_cannot_be_read_is_a_failure():
    broken = Call("work", "JOB", header(), b"no pickle", pickle.dumps(((), {})), "local")
    assert execute(broken).kind == "UnpicklingError"
    assert execute(Call("work", "JOB", b"no pickle", b"", b"", "local")).kind == "UnpicklingError"


def test_a_call_that_needs_a_failed_one_is_skipped(tmp_path):
    failure = Failure("first", None, "ValueError", "x")
    call = call_of(lambda x: x, [Slot(0, ())], directory=tmp_path / "JOB")
    skipped = execute(call, [failure])
    assert (skipped.job, skipped.skipped_because) == ("work", "first")
    assert list(tmp_path.iterdir()) == []
    assert execute(call, ["value"]) == ["value"]


def test_each_attempt_has_a_directory_of_its_own(tmp_path):
    from adatom.execution.directories import run_directory

    def work():
        with run_directory("run") as run:
            if "try3" not in str(run.final):
                raise ValueError("again")
            return str(run.final)

    assert execute(call_of(work, directory=tmp_path / "JOB", retries=5)) == str(tmp_path / "JOB-try3")
    assert sorted(os.listdir(tmp_path)) == ["JOB-try3", "failed-JOB", "failed-JOB-try2"]


def test_a_batch_gives_each_outcome():
    outcomes, seconds = unpack(
        pack(Batch("x2", [call_of(lambda: 1), call_of(lambda: 1 / 0), call_of(lambda: (i for i in ()))]))
    )
    first, second, third = map(unpack, outcomes)
    assert first == 1
    assert second.kind == "ZeroDivisionError"
    assert "The result of work, a generator, cannot be sent back" in third.message
    assert seconds > 0


def test_a_coroutine_is_run_to_its_end_also_in_a_running_loop():
    async def work():
        await asyncio.sleep(0)
        return get_settings().local_workers

    async def main():
        with change_settings(local_workers=3):
            return settled(work())

    assert settled("plain") == "plain"
    assert asyncio.run(main()) == 3
    assert settled(work()) == get_settings().local_workers


def test_a_worker_finds_the_modules_of_its_caller_behind_its_own(tmp_path, monkeypatch):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "only_theirs.py").write_text("value = 42")
    (tmp_path / "theirs" / "both_have.py").write_text("value = 'theirs'")
    (tmp_path / "both_have.py").write_text("value = 'own'")
    monkeypatch.syspath_prepend(str(tmp_path / "theirs"))

    def work():
        import both_have
        import only_theirs

        return only_theirs.value, both_have.value

    (tmp_path / "call").write_bytes(cloudpickle.dumps(call_of(work)))
    monkeypatch.undo()  # else the interpreter below would find them anyway
    code = "import pickle; from adatom.execution.worker import execute; print(execute(pickle.load(open('call', 'rb'))))"
    assert run(code, tmp_path) == "(42, 'own')\n"


class TestAhead:
    @staticmethod
    def outcomes(batch_function, *items):
        def work(x, factor):
            return batch_value() or x * factor

        calls = [call_of(work, x, kwargs={"factor": 10}) for x in items]
        return [unpack(one) for one in unpack(pack(Batch("x", calls, pack_function("work", batch_function))))[0]]

    def test_each_call_finds_its_own(self):
        def batch_function(items, factor):
            return [f"{x} of {items} by {factor}, in a job: {in_job()}" for x in items]

        found = self.outcomes(batch_function, 1, 2)
        assert found == [f"{x} of [1, 2] by 10, in a job: True" for x in (1, 2)]
        assert batch_value() is None

    def test_a_call_alone_does_without(self):
        assert self.outcomes(lambda items, factor: ["batch_function"], 1) == [10]

    def test_all_do_without_where_it_fails(self, caplog):
        assert self.outcomes(lambda items, factor: 1 / 0, 1, 2) == [10, 20]
        assert "x runs one by one: ZeroDivisionError" in caplog.text
        assert self.outcomes(lambda items, factor: ["of one only"], 1, 2) == [10, 20]
        assert "gave 1 values for 2 calls" in caplog.text


class TestTogether:
    @staticmethod
    def ask(answer, item):
        from adatom.execution.context import current_job

        return current_job().meeting.ask("kind", answer, item)

    def outcomes(self, function, *items):
        batch = Batch("x", [call_of(function, self.ask, item) for item in items], lockstep=True)
        return [unpack(one) for one in unpack(pack(batch))[0]]

    def test_calls_meet(self):
        def work(ask, x):
            return ask(lambda items: [(item, sum(items)) for item in items], x)

        assert self.outcomes(work, 1, 2, 4) == [(1, 7), (2, 7), (4, 7)]

    def test_one_that_fails_is_a_failure_in_its_place(self):
        def work(ask, x):
            first = ask(lambda items: [len(items)] * len(items), x)
            return first, ask(lambda items: [len(items)] * len(items), 1 / x)

        first, second, third = self.outcomes(work, 1, 0, 2)
        assert (first, second.kind, third) == ((3, 2), "ZeroDivisionError", (3, 2))

    def test_an_interrupt_ends_all(self, tmp_path):
        def work(ask, x):
            if x == 1:
                raise KeyboardInterrupt
            for step in range(100):
                ask(lambda items: time.sleep(0.1) or items, x)
                (tmp_path / f"{x}-{step}").touch()

        calls = [replace(call_of(work, self.ask, x), noted=True) for x in range(3)]
        with pytest.raises(KeyboardInterrupt):
            pack(Batch("x", calls, lockstep=True))
        assert len(list(tmp_path.glob("?-*"))) < 200
        assert not in_job()
