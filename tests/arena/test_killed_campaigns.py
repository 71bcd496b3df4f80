"""A campaign that is killed at any moment goes on to the same records and the same page."""

import base64
import json
import os
import random
import re
import signal
import time
import zlib
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from adatom.arena.records import load_records
from adatom.journal.jobs import read_jobs
from tests.engines.processes import script, wait_until

SCRIPT = """
from adatom.cli import app
app({words!r}.split())
"""
SHORT = "conservation energy-volume"
LONG = f"{SHORT} diatomics elasticity eos equivariance extensivity locality smoothness vacancies"
# What is measured, in a record and on the page, and where a run had its files. All the rest has to be equal.
MEASURED = {"machine", "machines", "start", "end", "seconds", "directory", "dir_name", "trajectory"}


@contextmanager
def command(place: Path, words: str):
    place.mkdir(exist_ok=True)
    with script(place, SCRIPT.format(words=words), ADATOM_CONFIG_FILE=os.devnull) as running:
        yield running


def run(place: Path, benchmarks: str):
    return command(place, f"bench run {benchmarks} --models emt,lj --elements Cu,Si --engine local --workers 2 --out .")


def ended(place: Path):
    """The jobs that were computed, and whose results are stored, in all runs."""
    return [job for job in read_jobs(place / "runs") if job.state == "done" and job.key]


def runs(place: Path) -> int:
    return len(list((place / "runs").glob("FLOW-bench-*")))


def kill(place: Path, benchmarks: str, moment: random.Random, most: int) -> None:
    """Begin the campaign or go on with it, and kill it when it has done some jobs and a random time after that."""
    before, done, more = runs(place), len(ended(place)), moment.randrange(most)
    with run(place, benchmarks) as running:

        def there() -> bool:
            return running.process.poll() is not None or (runs(place) > before and len(ended(place)) >= done + more)

        wait_until(there, "the campaign does not go on")
        time.sleep(moment.uniform(0, 0.5))
        os.killpg(running.process.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, running.output
        wait_until(lambda: not running.alive(), f"left behind: {running.alive()}", 30)


def finish(place: Path, benchmarks: str):
    """Run the campaign to its end; returns its table, its records, the data of its page, and the rest of the page."""
    with run(place, benchmarks) as running:
        assert running.wait() == 1, running.output  # as effective medium theory does not know silicon
        lines = running.output.splitlines()
    with command(place, "bench report . --out page.html") as running:
        assert running.wait() == 0, running.output
    page = (place / "page.html").read_text()
    (packed,) = re.findall(r'id="data"[^>]*>([^<]*)<', page)
    data = json.loads(zlib.decompress(base64.b64decode(packed)))
    head = next(number for number, line in enumerate(lines) if line.startswith("rank"))
    return lines[head:], load_records([place]), data, page.replace(packed, "")


def differences(one, other, digits: int, place: str = ""):
    """Where two values differ by more than digits of their numbers, but for what is measured.

    Dynamics that go on from a checkpoint have another list of neighbours: a sum over these has another last digit.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [key for key in {**one, **other} if key not in MEASURED]
        pairs = [(key, one.get(key, "nothing"), other.get(key, "nothing")) for key in keys]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = [(number, *two) for number, two in enumerate(zip(one, other, strict=True))]
    else:
        near = isinstance(one, float) and isinstance(other, float) and one == pytest.approx(other, rel=10.0**-digits)
        return [] if near or one == other else [f"{place}: {one!r} is not {other!r}"]
    return [found for key, *two in pairs for found in differences(*two, digits, f"{place}/{key}")]


@pytest.mark.parametrize(
    ("benchmarks", "kills", "most"),
    [(SHORT, 2, 3), pytest.param(LONG, 10, 8, marks=pytest.mark.deep(reason="each kill costs another start"))],
)
def test_a_campaign_that_is_killed_comes_to_the_same_page(tmp_path, benchmarks, kills, most):
    moment, place, undisturbed = random.Random(1), tmp_path / "killed", tmp_path / "undisturbed"
    for _ in range(kills):
        kill(place, benchmarks, moment, most)
    assert not list(place.glob("*/*.json"))  # there is no record before all is done
    table, records, data, page = finish(place, benchmarks)
    its_table, its_records, its_data, its_page = finish(undisturbed, benchmarks)
    assert (table, page) == (its_table, its_page)
    assert differences(records, its_records, digits=6) == []
    assert differences(data, its_data, digits=4) == []  # the page has five
    assert runs(place) == kills + 1
    # What is done is not computed again. Keys of fits count where their points lie, and are those of one directory.
    found = ended(place)
    assert Counter(job.recipe for job in found) == Counter(job.recipe for job in ended(undisturbed))
    assert max(Counter(job.key for job in found).values()) == 1
