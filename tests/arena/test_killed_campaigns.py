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
STARTS = "each kill costs another start"
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


def kill(place: Path, benchmarks: str, moment: random.Random) -> None:
    """Begin the campaign or go on with it, and kill it when it has done some jobs and a random time after that."""
    before, done, more = runs(place), len(ended(place)), moment.randrange(3)
    with run(place, benchmarks) as running:

        def there() -> bool:
            return running.process.poll() is not None or (runs(place) > before and len(ended(place)) >= done + more)

        wait_until(there, "the campaign does not go on")
        time.sleep(moment.uniform(0, 0.5))
        os.killpg(running.process.pid, signal.SIGKILL)
        assert running.wait() == -signal.SIGKILL, running.output
        wait_until(lambda: not running.alive(), f"left behind: {running.alive()}", 30)


def finish(place: Path, benchmarks: str):
    """Run the campaign to its end; returns its records and the data of its page, without what is measured."""
    with run(place, benchmarks) as running:
        assert running.wait() == 1, running.output  # as effective medium theory does not know silicon
        said = [line for line in running.output.splitlines() if "Records are in" not in line]
    with command(place, "bench report . --out page.html") as running:
        assert running.wait() == 0, running.output
    page = (place / "page.html").read_text()
    (data,) = re.findall(r'id="data"[^>]*>([^<]*)<', page)
    rest = page.replace(data, "")
    return said, unmeasured(load_records([place])), unmeasured(json.loads(zlib.decompress(base64.b64decode(data)))), rest


def unmeasured(value):
    if isinstance(value, dict):
        return {key: unmeasured(item) for key, item in value.items() if key not in MEASURED}
    return [unmeasured(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A function that gives what a campaign comes to that nobody kills, and the keys of its jobs."""
    known = {}

    def of(benchmarks):
        if benchmarks not in known:
            place = tmp_path_factory.mktemp("undisturbed")
            known[benchmarks] = finish(place, benchmarks), {job.key for job in ended(place)}
        return known[benchmarks]

    return of


@pytest.mark.parametrize(
    ("benchmarks", "kills", "seed"),
    [
        (SHORT, 2, 1),
        *(pytest.param(LONG, 10, seed, marks=pytest.mark.deep(reason=STARTS)) for seed in (2, 3)),
    ],
)
def test_a_campaign_that_is_killed_comes_to_the_same_page(undisturbed, tmp_path, benchmarks, kills, seed):
    expected, keys = undisturbed(benchmarks)
    moment = random.Random(seed)
    for _ in range(kills):
        kill(tmp_path, benchmarks, moment)
    assert not list(tmp_path.glob("*/*.json"))  # there is no record before all is done
    assert finish(tmp_path, benchmarks) == expected
    assert runs(tmp_path) == kills + 1
    found = ended(tmp_path)
    assert {job.key for job in found} == keys
    assert [key for key, count in Counter(job.key for job in found).items() if count > 1] == []
