"""A job that did not succeed, as data that can go anywhere."""

import os
import pickle
import socket
import threading
from dataclasses import FrozenInstanceError

import pytest

from adatom import Failure, JobFailure, job
from tests.interpreter import run


class NeedsArguments(Exception):
    """Comes back from pickle with too few arguments, as many exceptions do."""

    def __init__(self, code, reason):
        super().__init__(f"{reason} ({code})")


class TwoArguments(Exception):
    def __init__(self, code, reason):
        super().__init__(code, reason)
        self.code = code


class HoldsLock(Exception):
    def __init__(self):
        super().__init__("holds a lock")
        self.lock = threading.Lock()


class Turns(Exception):
    """Comes back from pickle as something else."""

    def __reduce__(self):
        return str, ("not an exception",)


def caught(error):
    try:
        raise error
    except BaseException as raised:
        return Failure.of(raised, "relax Cu", "/results/failed-relax")


def test_a_failure_says_which_where_and_why():
    failure = caught(ValueError("too hot"))
    assert (failure.job, failure.directory) == ("relax Cu", "/results/failed-relax")
    assert (failure.kind, failure.message) == ("ValueError", "too hot")
    assert (failure.host, failure.pid) == (socket.gethostname(), os.getpid())
    assert failure.traceback.startswith("Traceback (most recent call last):")
    assert "raise error" in failure.traceback
    assert failure.skipped_because is None
    with pytest.raises(FrozenInstanceError):
        failure.job = "other"


def test_a_person_can_read_it():
    failure = Failure("relax Cu", "/dir", "ValueError", "too hot", "Traceback:\n  line\n", "node1", 42)
    assert failure.describe(short=True) == "relax Cu: ValueError: too hot\n  files: /dir"
    assert failure.describe() == (
        "relax Cu: ValueError: too hot\n  files: /dir\n  on node1, process 42:\n  | Traceback:\n  |   line"
    )
    assert Failure("relax Cu", None, "ValueError", "too hot").describe() == "relax Cu: ValueError: too hot"
    assert repr(failure) == "<Failure relax Cu: ValueError: too hot>"


def test_what_needed_it_names_the_first_that_failed():
    failure = caught(ValueError("too hot"))
    once = failure.skip("static")
    twice = once.skip("phonons")
    for skipped, name in ((once, "static"), (twice, "phonons")):
        assert (skipped.job, skipped.kind, skipped.directory) == (name, "Skipped", None)
        assert skipped.skipped_because == "relax Cu"
        assert skipped.message == "needs relax Cu, which failed"


def test_its_exception_has_the_cause():
    failure = caught(ValueError("too hot"))
    error = failure.exception()
    assert isinstance(error, JobFailure)
    assert error.failure is failure
    assert error.__cause__ is failure.cause
    assert str(error) == failure.describe()


@pytest.mark.parametrize(
    "error", [ValueError("x", 1), OSError(28, "full", "file"), KeyError("x"), TwoArguments(1, "x")]
)
def test_a_cause_that_travels_is_kept(error):
    arrived = pickle.loads(pickle.dumps(caught(error)))
    assert type(arrived.cause) is type(error)
    assert arrived.cause.args == error.args
    assert vars(arrived.cause) == vars(error)


def test_a_cause_that_needs_arguments_is_told_as_text(tmp_path):
    # In an interpreter of its own: some engines change how exceptions are pickled.
    code = """
from adatom import Failure
from tests.execution.test_failure import NeedsArguments
failure = Failure.of(NeedsArguments(3, "broken"), "relax", None)
print(failure.cause, failure.kind, failure.message)
"""
    assert run(code, tmp_path) == "None NeedsArguments broken (3)\n"


@pytest.mark.parametrize("error", [HoldsLock(), Turns("other")])
def test_a_cause_that_does_not_travel_is_told_as_text(error):
    failure = caught(error)
    assert failure.cause is None
    assert failure.kind == type(error).__name__
    assert failure.message == str(error)
    assert f"{type(error).__name__}: {error}" in failure.traceback
    assert pickle.loads(pickle.dumps(failure)) == failure
    assert failure.exception().__cause__ is None


@pytest.mark.parametrize("workers", [1, 2])
def test_such_a_failure_comes_back_from_a_worker(tmp_path, workers):
    script = """
from adatom import job

class Local(Exception):
    def __init__(self, code, reason):
        super().__init__(f"{reason} ({code})")

@job
def relax():
    raise Local(3, "broken")

failure = relax.submit().result(raise_on_failure=False)
print(failure.kind, failure.message, failure.cause, "Local: broken (3)" in failure.traceback)
"""
    assert run(script, tmp_path, ADATOM_LOCAL_WORKERS=workers) == "Local broken (3) None True\n"


def test_the_traceback_begins_with_the_users_function():
    def deeper():
        raise ValueError("x")

    @job
    def work():
        deeper()

    lines = work.submit().result(raise_on_failure=False).traceback.splitlines()
    frames = [line for line in lines if line.startswith('  File "')]
    assert [frame.rpartition(" in ")[2] for frame in frames] == ["work", "deeper"]
    assert all(__file__ in frame for frame in frames)
    assert lines[-1] == "ValueError: x"


def test_the_cause_of_the_cause_is_in_the_traceback():
    @job
    def work():
        try:
            {}["missing"]
        except KeyError as error:
            raise ValueError("no such thing") from error

    text = work.submit().result(raise_on_failure=False).traceback
    assert "KeyError: 'missing'" in text
    assert "direct cause" in text


def test_an_error_of_our_own_keeps_its_traceback():
    """Where all frames are ours, as with a function in C, they are shown."""
    failure = job(int).submit("x").result(raise_on_failure=False)
    assert failure.kind == "ValueError"
    assert "  File " in failure.traceback


def test_an_exception_without_a_text_is_a_failure_too():
    class Mute(Exception):
        def __str__(self):
            raise AttributeError("no text")

    @job
    def work():
        raise Mute

    failure = work.submit().result(raise_on_failure=False)
    assert (failure.kind, failure.message) == ("Mute", "no message")
    assert "failed-JOB-work" in failure.directory
