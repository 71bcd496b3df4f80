"""What travels to a worker, and what the worker does with it."""

import asyncio
import os
import pickle
import sys

import cloudpickle
import pytest

from adatom import Failure, change_settings, get_settings, job
from adatom.errors import InputError
from adatom.workflow.payload import (
    Batch,
    Call,
    Slot,
    execute,
    fill,
    header,
    in_job,
    pack,
    pack_arguments,
    pack_function,
    settled,
    unpack,
)
from tests.interpreter import run


def call_of(function, *args, directory="JOB", **more):
    packed = pack_function("work", function), pack_arguments("work", function, args, {})
    return Call("work", str(directory), header(), *packed, engine="local", **more)


def generator():
    yield 1


# --- Packing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "kwargs", "name", "kind"),
    [
        ((generator(),), {}, "atoms", "generator"),
        ((1, 2, [generator()]), {}, "more", "tuple"),
        ((1,), {"steps": sys._getframe()}, "steps", "frame"),
        ((1,), {"other": {"x": generator()}}, "options", "dict"),
        ((), {"steps": generator()}, "steps", "generator"),  # and no atoms, which is said when it runs
    ],
)
def test_an_argument_that_cannot_travel_is_named(args, kwargs, name, kind):
    def function(atoms, *more, steps=1, **options): ...

    with pytest.raises(InputError, match=f"Argument '{name}' of relax Cu, a {kind}, cannot") as raised:
        pack_arguments("relax Cu", function, args, kwargs)
    assert "Pass plain data" in str(raised.value)
    assert isinstance(raised.value.__cause__, TypeError)


@pytest.mark.timeout(60)
def test_an_argument_that_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(InputError, match="An argument of work contains itself"):
        job(lambda value: value, name="work")(endless)


def test_a_function_that_cannot_travel_is_named():
    held = generator()
    with pytest.raises(InputError, match="The function of relax Cu cannot be sent"):
        pack_function("relax Cu", lambda: held)


def test_arguments_arrive():
    packed = pack_arguments("x", print, (1, [2]), {"sep": lambda: 3})
    args, kwargs = cloudpickle.loads(packed)
    assert args == (1, [2])
    assert kwargs["sep"]() == 3


def test_the_header_is_made_once_for_the_same_settings():
    first = header()
    assert header() is first
    with change_settings(gzip=not get_settings().gzip):
        assert header() is not first
        assert header() != first
    assert header() is first


def test_slots_are_filled_along_their_paths():
    upstream = [{"a": [7, 8]}, complex(1, 2)]
    arguments = ((Slot(0, (("item", "a"), ("item", 1))), "x"), {"k": [Slot(1, (("attribute", "imag"),)), Slot(0, ())]})
    assert fill(arguments, upstream) == ((8, "x"), {"k": [2.0, {"a": [7, 8]}]})


def test_a_path_ends_at_a_failure():
    failure = Failure("first", None, "ValueError", "x")
    assert fill([Slot(0, (("item", "a"),))], [failure]) == [failure]


# --- Running ----------------------------------------------------------------------------------------------------------


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


def test_an_interrupt_is_none():
    def work():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(call_of(work))
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
    from adatom.directories import run_directory

    def work():
        with run_directory("run") as run:
            if "try3" not in str(run.final):
                raise ValueError("again")
            return str(run.final)

    assert execute(call_of(work, directory=tmp_path / "JOB", retries=5)) == str(tmp_path / "JOB-try3")
    assert sorted(os.listdir(tmp_path)) == ["JOB-try3", "failed-JOB", "failed-JOB-try2"]


def test_a_batch_gives_each_outcome():
    outcomes, seconds = unpack(pack(Batch("x2", [call_of(lambda: 1), call_of(lambda: 1 / 0), call_of(generator)])))
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
    code = "import pickle; from adatom.workflow.payload import execute; print(execute(pickle.load(open('call', 'rb'))))"
    assert run(code, tmp_path) == "(42, 'own')\n"
