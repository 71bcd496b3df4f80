"""How long a process may still run, and who says so."""

import os
import re
import time
from pathlib import Path

import pytest

from adatom import change_settings
from adatom.errors import SettingsError
from adatom.execution import deadline
from adatom.execution.deadline import request_stop, stop_reason, time_left
from adatom.settings import get_settings, scheduler_end, travelling
from tests.interpreter import run


@pytest.fixture(autouse=True)
def no_limit(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    monkeypatch.setattr(deadline, "_requested", None)
    scheduler_end.cache_clear()
    yield
    scheduler_end.cache_clear()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        (90, 90),
        (1.5, 1.5),
        ("1.5", 1.5),
        ("45s", 45),
        ("90m", 5400),
        ("1.5h", 5400),
        (" 2 h ", 7200),
        ("1d", 86400),
        ("01:30:05", 5405),
        ("100:00:00", 360000),
        ("2-03:00:10", 2 * 86400 + 3 * 3600 + 10),
    ],
)
def test_a_walltime_is_read_as_seconds(text, seconds):
    with change_settings(walltime=text) as settings:
        assert settings.walltime == seconds
        with change_settings(gzip=True) as inner:
            assert inner.walltime == seconds


@pytest.mark.parametrize("value", ["soon", "", "1:30", "01:60:00", "-5", "2y", 0, -1, float("inf"), float("nan")])
def test_a_wrong_walltime_is_refused(value):
    with pytest.raises(SettingsError, match="Setting 'walltime' is"), change_settings(walltime=value):
        pass


def test_a_wrong_walltime_names_the_right_forms():
    with pytest.raises(SettingsError, match="HH:MM:SS, D-HH:MM:SS"), change_settings(walltime="tomorrow"):
        pass


def test_a_walltime_stays_on_its_machine():
    with change_settings(walltime="2h"):
        assert "walltime" not in travelling(get_settings())


def test_without_a_limit_nothing_stops():
    assert time_left() is None
    assert stop_reason() is None
    assert stop_reason(margin=1e9) is None


def test_a_walltime_counts_from_the_start_of_the_process():
    with change_settings(walltime="10h"):
        left = time_left()
    with change_settings(walltime="11h"):
        assert time_left() - left == pytest.approx(3600, abs=1)
    age = 36000 - left
    assert 0 < age < 36000
    ticks = os.sysconf("SC_CLK_TCK")
    boot = int(re.search(r"^btime (\d+)", Path("/proc/stat").read_text(), re.MULTILINE)[1])
    start = boot + int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / ticks
    assert age == pytest.approx(time.time() - start, abs=2)


def test_a_process_that_waited_before_it_imported_adatom_has_less(tmp_path):
    code = """
import time
time.sleep(0.5)
begin = time.time()
from adatom.execution.deadline import time_left
left = time_left()
print(100 - left - (time.time() - begin))
"""
    assert float(run(code, tmp_path, ADATOM_WALLTIME="100")) >= 0.45


def test_a_fork_starts_anew():
    with change_settings(walltime=1e6):
        before = time_left()
        read, write = os.pipe()
        if (child := os.fork()) == 0:
            os.write(write, repr(time_left()).encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert float(os.read(read, 100)) > before


def test_the_end_of_a_slurm_job(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 1000))
    assert time_left() == pytest.approx(1000, abs=2)
    with change_settings(walltime=1e7):
        assert time_left() == pytest.approx(1000, abs=2)  # whatever comes first
    assert stop_reason(margin=900) is None
    assert "end of the batch job leaves" in stop_reason(margin=1100)
    monkeypatch.setenv("SLURM_JOB_END_TIME", "Unknown")
    scheduler_end.cache_clear()
    assert time_left() is None


def test_the_reason_says_what_is_over(monkeypatch):
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 10**7))
    with change_settings(walltime=0.001):
        assert time_left() < 0
        assert stop_reason(margin=20) == "ADATOM_WALLTIME leaves 0 s, and what comes next may take 20 s"


def test_a_request_stops_at_once_and_gives_its_reason():
    request_stop("SIGTERM was received")
    assert stop_reason() == "SIGTERM was received"
    assert time_left() is None
