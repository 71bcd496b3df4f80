"""What a job says is kept with it, and everybody else hears it as before."""

import io
import logging
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from adatom import change_settings
from adatom.execution.capture import JobLog, capturing
from adatom.execution.context import job_context
from adatom.execution.directories import RunDirectory

LOGGER = logging.getLogger("somebody")


def state():
    return sys.stdout, sys.stderr, warnings.showwarning, list(logging.root.handlers), logging.root.level


@pytest.fixture(autouse=True)
def _all_is_as_before():
    before = state()
    yield
    assert state() == before


@contextmanager
def captured(directory):
    """As a job in this directory."""
    with job_context(log=JobLog(directory)), capturing:
        yield


def log_of(directory):
    return (directory.path / "job.log").read_text("utf-8")


def test_what_is_said_in_any_way_is_kept_in_order_and_still_heard(tmp_path, capsys):
    directory = RunDirectory(tmp_path / "job")
    print("before")
    with pytest.warns(UserWarning, match="warned"), captured(directory):
        print("printed", 1)
        sys.stderr.writelines(["to ", "stderr\n"])
        LOGGER.warning("logged %s", 2)
        warnings.warn("warned", stacklevel=1)
    print("after")
    log = log_of(directory)
    parts = ["printed 1\n", "to stderr\n", "WARNING somebody: logged 2\n", "UserWarning: warned\n"]
    assert sorted(parts, key=log.index) == parts
    assert [log.count(part) for part in parts] == [1] * 4
    assert "before" not in log
    assert "after" not in log
    heard = capsys.readouterr()
    assert heard.out == "before\nprinted 1\nafter\n"
    assert "to stderr\n" in heard.err


def test_a_job_that_says_nothing_has_no_directory(tmp_path):
    with captured(RunDirectory(tmp_path / "job")):
        LOGGER.info("below the level that is kept")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("level", "kept"), [("DEBUG", "dive"), ("INFO", "ive"), ("WARNING", "ve"), ("ERROR", "e")])
def test_the_level_of_what_is_kept_is_a_setting(tmp_path, level, kept):
    directory = RunDirectory(tmp_path / "job")
    with change_settings(log_level=level), captured(directory):
        for number, letter in zip((10, 20, 30, 40), "dive", strict=True):
            LOGGER.log(number, "said %s", letter)
    assert [letter for letter in "dive" if f"said {letter}" in log_of(directory)] == list(kept)


def test_jobs_in_threads_have_a_level_each(tmp_path):
    lowest, highest = RunDirectory(tmp_path / "a"), RunDirectory(tmp_path / "b")
    started, spoken = threading.Event(), threading.Event()

    def work():
        with change_settings(log_level="ERROR"), captured(highest):
            started.set()
            spoken.wait()
            LOGGER.warning("not kept")
            LOGGER.error("kept")

    other = threading.Thread(target=work)
    other.start()
    started.wait()
    with change_settings(log_level="DEBUG"), captured(lowest):
        LOGGER.debug("for who looks closely")
    spoken.set()
    other.join()
    assert "for who looks closely" in log_of(lowest)
    assert "ERROR somebody: kept" in log_of(highest)
    assert "not kept" not in log_of(highest)


def test_jobs_in_threads_do_not_mix(tmp_path):
    n = 8
    together = threading.Barrier(n)

    def work(i):
        directory = RunDirectory(tmp_path / f"job{i}")
        with captured(directory):
            for _ in range(5):
                together.wait()
                print(f"printed {i}")
                LOGGER.warning("logged %s", i)
                warnings.warn(f"warned {i}", stacklevel=1)
        return log_of(directory)

    with pytest.warns(UserWarning, match="warned"), ThreadPoolExecutor(n) as threads:
        logs = list(threads.map(work, range(n)))
    for i, log in enumerate(logs):
        for what in ("printed", "logged", "warned"):
            assert log.count(f"{what} {i}\n") >= 5
            assert not any(f"{what} {other}\n" in log for other in range(n) if other != i)


def test_other_threads_are_not_heard(tmp_path):
    directory = RunDirectory(tmp_path / "job")
    with captured(directory):
        other = threading.Thread(target=print, args=("from elsewhere",))
        other.start()
        other.join()
        print("from the job")
    assert log_of(directory) == "from the job\n"


def test_a_job_in_a_job_keeps_its_own_log(tmp_path):
    outer, inner = RunDirectory(tmp_path / "outer"), RunDirectory(tmp_path / "inner")
    with captured(outer):
        print("one")
        with captured(inner):
            print("two")
        print("three")
    assert log_of(outer) == "one\nthree\n"
    assert log_of(inner) == "two\n"


def test_the_log_follows_its_directory(tmp_path):
    directory = RunDirectory(tmp_path / "job")
    with captured(directory):
        print("while it runs")
        directory.finish()
        print("afterwards")
    assert (tmp_path / "job" / "job.log").read_text() == "while it runs\nafterwards\n"


def test_all_is_put_back_after_an_exception(tmp_path):
    before = state()
    with pytest.raises(KeyError), captured(RunDirectory(tmp_path / "job")):
        assert state() != before
        raise KeyError
    assert state() == before


def test_what_a_job_itself_put_in_place_is_left(tmp_path, monkeypatch):
    own = io.StringIO()
    monkeypatch.setattr(sys, "stdout", sys.stdout)  # put back at the end
    with captured(RunDirectory(tmp_path / "job")):
        sys.stdout = own
    assert sys.stdout is own
    monkeypatch.undo()


def test_what_no_encoding_can_write_does_not_end_a_job(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8", errors="replace"))
    directory = RunDirectory(tmp_path / "job")
    with captured(directory):
        print("Å \udcff")
    assert log_of(directory) == "Å \\udcff\n"
    monkeypatch.undo()


def test_a_log_that_cannot_be_written_does_not_end_a_job(tmp_path, capsys):
    (tmp_path / "file").touch()
    with captured(RunDirectory(tmp_path / "file" / "job")):
        print("heard all the same")
    assert capsys.readouterr().out == "heard all the same\n"


def test_streams_are_still_what_others_expect(tmp_path):
    with captured(RunDirectory(tmp_path / "job")):
        assert sys.stdout.isatty() is False
        assert sys.stdout.encoding
        assert print("x", file=sys.stdout, flush=True) is None
        assert sys.stdout.write("four") == 4
