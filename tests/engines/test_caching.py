"""Nothing is computed twice, on any engine, and the journal says what became of each job."""

import json
import os
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from adatom import FlowFailure, change_settings, explain, get_settings, job, subflow
from adatom.cache.store import CacheWarning, open_store
from adatom.errors import StorageError
from adatom.execution.registry import engine_class
from adatom.journal.jobs import read_jobs
from adatom.recipes.emt import relax_job, static_job
from tests.cache import test_key
from tests.engines import jobs
from tests.engines.conftest import THREADS
from tests.engines.processes import script, wait_until

# On Covalent each takes half a minute.
BEFORE = "what is stored is looked up before the engine is asked, whatever it runs jobs on"
pytestmark = pytest.mark.deep_on(*THREADS, "covalent", reason=BEFORE)
deep_on_threads = pytest.mark.deep_on(*THREADS, reason=BEFORE)


@pytest.fixture(autouse=True)
def own_cache(tmp_path):
    with change_settings(cache_dir=tmp_path / "cache", cache="on"):
        yield


@job
def counted(value, factor=10):
    """Leave a trace of each time that it runs."""
    folder = get_settings().results_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "ran").open("a") as file:
        file.write(f"{value}\n")
    return {"value": value * factor, "provenance": {"engine": get_settings().workflow_engine}}


@job
def fail_the_first_time(name):
    path = get_settings().results_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch()
        raise ValueError("the first time")
    return name


@subflow
def each_counted(values):
    return [counted(value) for value in values]


def ran() -> Counter[str]:
    file = get_settings().results_dir / "ran"
    return Counter(file.read_text().split()) if file.exists() else Counter()


def states() -> Counter[str]:
    return Counter(record.state for record in read_jobs(get_settings().results_dir))


def values(results):
    return [result["value"] for result in results]


@pytest.fixture
def chain(engine):
    @engine.flow
    def workflow():
        one = counted(1)
        return [one, counted(one["value"]), *each_counted_list(jobs.numbers(3))]

    def each_counted_list(numbers):
        inside = each_counted(numbers)
        return [inside[0], inside[1], inside[2]]

    return workflow


@pytest.mark.deep_on(*THREADS, "covalent", "prefect", reason=BEFORE)
def test_a_flow_that_was_run_is_not_run_again(engine, chain):
    first = chain()
    assert values(first) == [10, 100, 0, 10, 20]
    once = ran()
    assert once == {"1": once["1"], "10": 1, "0": 1, "2": 1}
    assert once["1"] in (1, 2)  # two jobs of one flow may compute the same at the same time
    second = chain()
    assert values(second) == values(first)
    assert ran() == once
    for result in second:
        key = result["provenance"].pop("cached_from")
        assert open_store().has(key)
    for result in first:
        result["provenance"].pop("cached_from", None)
    assert second == first


@pytest.mark.deep_on  # on no variant: each has this one
def test_a_hit_starts_nothing(engine, monkeypatch):
    counted(1)
    submitted = []

    def seen(method):
        return lambda *args, **more: submitted.append(1) or method(*args, **more)

    kind = type(engine.instance)
    for name in ("submit", "trace"):
        if hasattr(kind, name):
            monkeypatch.setattr(kind, name, seen(getattr(kind, name)))

    @engine.flow
    def workflow(value):
        return [counted(value), counted(value)]

    assert values(workflow(1)) == [10, 10]
    assert counted(1)["value"] == 10
    assert submitted == []
    assert values(workflow(2)) == [20, 20]
    assert submitted  # so it would have been seen


@deep_on_threads
def test_map_runs_what_is_new(engine):
    assert values(counted.map(range(4))) == [0, 10, 20, 30]
    assert values(counted.map(range(2, 8))) == [20, 30, 40, 50, 60, 70]
    assert values(counted.map([7, 0])) == [70, 0]
    assert set(ran().values()) == {1}
    assert values(counted.map(range(4), factor=2)) == [0, 2, 4, 6]
    assert sum(ran().values()) == 12


def test_engines_share_results(engine):
    with change_settings(workflow_engine="local", local_workers=1):
        static_job(bulk("Cu"))
    atoms = bulk("Cu")
    atoms.info["name"] = "mine"
    result = static_job(atoms)
    assert result["provenance"]["engine"] == "local"
    assert result["provenance"]["cached_from"] == explain(static_job, bulk("Cu")).key
    assert result["atoms"].info == result["input_atoms"].info == {"name": "mine"}
    assert explain(relax_job, bulk("Al")).hit is False
    relax_job(bulk("Al"))
    with change_settings(workflow_engine="local", local_workers=1):
        assert explain(relax_job, bulk("Al")).hit is True
        assert relax_job(bulk("Al"))["provenance"]["engine"] == engine.engine


@job(cache="off")
def keys_there(values):
    return [test_key.digest(value) for value in values]


def test_all_keys_are_the_same_on_every_engine(engine):
    assert keys_there(test_key.samples()) == [test_key.digest(value) for value in test_key.samples()]


def test_who_says_whether_a_job_is_cached(engine):
    def times(run):
        before = sum(ran().values())
        run()
        return sum(ran().values()) - before

    @engine.flow
    def workflow():
        return counted(3)

    counted(3)
    assert times(lambda: counted(3)) == 0
    assert times(lambda: counted.with_options(cache="off")(3)) == 1
    assert times(lambda: counted.with_options(persist_result=False)(3)) == 1
    assert times(lambda: counted.with_options(refresh_cache=True)(3)) == 1
    assert times(workflow) == 0
    assert times(workflow.with_options(cache=False)) == 1
    assert times(workflow.with_options(refresh_cache=True)) == 1
    with change_settings(cache="off"):
        assert times(lambda: counted(3)) == 1
        assert times(lambda: counted.with_options(cache=True)(3)) == 0
        assert times(lambda: counted.with_options(persist_result=True)(3)) == 0
        assert times(workflow) == 1
        assert times(workflow.with_options(cache="inputs+source")) == 0
        assert times(workflow.with_options(cache="inputs")) == 1  # another key, that leaves the source out
        assert times(workflow.with_options(cache="inputs")) == 0


@deep_on_threads
def test_refreshing_replaces_what_is_stored(engine):
    @job
    def grow():
        path = get_settings().results_dir / "grown"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write("x")
        return len(path.read_text())

    assert (grow(), grow()) == (1, 1)
    assert grow.with_options(refresh_cache=True)() == 2
    assert grow() == 2


def test_a_key_function_and_a_version(engine):
    rounded = counted.with_options(cache=lambda arguments: round(arguments["value"]))
    assert [rounded(value)["value"] for value in (1.1, 1.2, 1.9)] == pytest.approx([11, 11, 19])
    assert sum(ran().values()) == 2
    new = counted.with_options(version=2)
    assert [new(5)["value"], new(5)["value"], counted(5)["value"]] == [50, 50, 50]
    assert ran()["5"] == 2


def test_a_store_that_others_can_write_is_refused_before_anything_runs(engine, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    with pytest.raises(StorageError, match="chmod -R go-w"):
        counted(1)
    assert ran() == {}


def test_a_failure_is_not_stored(engine):
    @engine.flow
    def workflow():
        return [fail_the_first_time("a"), counted(1)]

    with pytest.raises(FlowFailure):
        workflow()
    result = workflow()
    assert (result[0], result[1]["value"]) == ("a", 10)
    assert ran() == {"1": 1}


def test_what_cannot_be_hashed_is_said_and_runs(engine):
    for _ in range(2):
        with pytest.warns(CacheWarning, match="same runs uncached: value.x.*contains itself"):
            assert isinstance(jobs.same({"x": Endless()})["x"], Endless)
    assert states() == {"done": 2}


class Endless:
    """Travels, and cannot be hashed: it contains itself."""

    def __init__(self):
        self.me = self


@job
def bulky(seed):
    return np.random.default_rng(seed).random(8000)


def test_a_full_disk_costs_no_result(engine, small_disk):
    with change_settings(cache_dir=small_disk / "cache"):
        with pytest.warns(CacheWarning, match="The result of bulky is not stored: .*No space left"):
            first = bulky.map(range(6))
        assert [array.tolist() for array in first] == [bulky.fn(seed).tolist() for seed in range(6)]
        assert not list(small_disk.rglob("*.part"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CacheWarning)
            assert [array.tolist() for array in bulky.map(range(6))] == [array.tolist() for array in first]
        assert states()["cached"] >= 2


def test_a_job_fed_by_others_is_found_by_its_values(engine):
    @engine.flow
    def workflow():
        relaxed = relax_job(bulk("Cu"))
        return relaxed, static_job(relaxed["atoms"]), energy_of(relaxed)

    first = workflow()
    again = workflow()
    assert [result["provenance"].get("cached_from") is None for result in first[:2]] == [True, True]
    assert [result["provenance"]["cached_from"] is None for result in again[:2]] == [False, False]
    assert first[2] == again[2]
    assert states() == {"done": 3, "cached": 3}


@job
def energy_of(result):
    return result["results"]["energy"]


# --- The journal ------------------------------------------------------------------------------------------------------


def test_the_journal_knows_each_job(engine):
    @engine.flow(on_failure="return", label="trial")
    def workflow():
        broken = jobs.fail(1)
        return [counted(1), broken, jobs.add(broken)]

    workflow()
    counted(1)
    records = {record.name: record for record in read_jobs(get_settings().results_dir)}
    assert len(records) == 3
    all_records = read_jobs(get_settings().results_dir)
    assert Counter(record.state for record in all_records) == {"done": 1, "failed": 1, "skipped": 1, "cached": 1}
    failed, skipped = records["fail"], records["add"]
    assert "ValueError: deliberate 1" in failed.cause
    assert failed.recipe == "tests.engines.jobs:fail"
    assert failed.path is not None
    assert failed.path.name == f"failed-{Path(failed.directory).name}"
    assert failed.id == failed.directory[-12:]
    assert "fail" in skipped.cause
    first = [record for record in all_records if record.flow]
    assert {record.flow for record in first} == {"workflow"}
    assert {record.label for record in first} == {"trial"}
    assert len({record.run for record in first}) == 1
    done = next(record for record in first if record.state == "done")
    assert done.key == explain(counted, 1).key
    assert done.engine == engine.engine
    assert done.submitted <= done.start <= done.end
    if engine.capabilities.processes:
        assert done.pid != os.getpid()


def test_attempts_are_in_the_journal(engine, tmp_path):
    assert jobs.fail_until.with_options(retries=2, cache="off")(str(tmp_path / "tries"), 1) == 2
    [record] = read_jobs(get_settings().results_dir)
    assert (record.state, record.attempt) == ("done", 1)


# --- Kills ------------------------------------------------------------------------------------------------------------

CAMPAIGN = """
import json, os, signal, time
from pathlib import Path
from ase.build import bulk
from adatom import Failure, flow, job
from adatom.recipes.emt import static_job

HERE = Path.cwd()

def rattled(i):
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.05, seed=i)
    return atoms

@job
def compute(i, atoms):
    if i >= 15 and not (HERE / "go").exists():
        (HERE / f"waiting{i}").touch()
        while not (HERE / "go").exists():
            time.sleep(0.02)
    if i == 20 and (HERE / "kill").exists():
        (HERE / "kill").unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    with open(HERE / "ran", "a") as file:
        file.write(f"{i}\\n")
    return static_job(atoms)["results"]["energy"]

@flow(on_failure="return")
def campaign():
    return [compute(i, rattled(i)) for i in range(int(os.environ["JOBS"]))]

out = campaign()
print(json.dumps([repr(x) if isinstance(x, Failure) else x for x in out]))
"""


@pytest.fixture
def environment(environment, tmp_path):
    own = {"ADATOM_CACHE": "on", "ADATOM_CACHE_DIR": str(tmp_path / "cache"), "PYTHONWARNINGS": "default", "JOBS": "40"}
    return {**environment, **own}


def stored(tmp_path):
    return [path for path in (tmp_path / "cache" / "entries").glob("*/*") if path.suffix != ".part"]


def lines(tmp_path):
    return (tmp_path / "ran").read_text().split()


def energies(running):
    # The last line: a server that starts at the same time as another complains in such lines, too.
    return json.loads([line for line in running.output.splitlines() if line.startswith("[")][-1])


def undisturbed():
    found = []
    for i in range(40):
        atoms = bulk("Cu") * (2, 1, 1)
        atoms.rattle(0.05, seed=i)
        found.append(static_job.fn(atoms)["results"]["energy"])
    return found


@pytest.mark.deep_but_on("local-processes", "dask", reason="the store is one, whatever engine asks it")
def test_a_killed_campaign_goes_on_where_it_was(environment, own_jobs, tmp_path):
    with script(tmp_path, CAMPAIGN, **environment) as running:
        wait_until(lambda: len(stored(tmp_path)) == 15 or running.process.poll() is not None, "15 jobs are not done")
        wait_until(lambda: list(tmp_path.glob("waiting*")), "no other job runs")
        assert running.process.poll() is None, running.output
        running.process.kill()
        running.wait()
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)
    assert sorted(map(int, lines(tmp_path))) == list(range(15))
    found = Counter(record.state for record in read_jobs(tmp_path / "adatom_results"))
    assert found["done"] == 15
    assert found["lost"] >= 1
    assert set(found) <= {"done", "lost"}
    (tmp_path / "go").touch()
    with script(tmp_path, CAMPAIGN, **environment) as running:
        assert running.wait() == 0, running.output
        assert "CacheWarning" not in running.output
        assert energies(running) == undisturbed()
    assert len(lines(tmp_path)) == 15 + 25
    assert Counter(lines(tmp_path)) == {str(i): 1 for i in range(40)}


@pytest.mark.deep_but_on("local-processes", reason="killed workers are in the conformance suite, on each engine")
def test_a_campaign_that_lost_a_worker_computes_only_that_job_again(environment, own_jobs, tmp_path):
    if environment["ADATOM_LOCAL_WORKERS"] == "1":
        pytest.skip("its worker is the script")
    (tmp_path / "go").touch()
    (tmp_path / "kill").touch()
    for attempt in range(2):
        with script(tmp_path, CAMPAIGN, **environment) as process:
            assert process.wait() == 0, process.output
            found = energies(process)
        if attempt == 0:
            assert "<Failure compute" in found[20]
            assert [value for i, value in enumerate(found) if i != 20] == undisturbed()[:20] + undisturbed()[21:]
            assert len(stored(tmp_path)) == 39
            before = Counter(lines(tmp_path))
    assert found == undisturbed()
    assert Counter(lines(tmp_path)) - before == {"20": 1}


@pytest.mark.deep_but_on("local-processes", reason="the store is one, whatever engine asks it")
def test_two_campaigns_at_once_share_a_store(environment, own_jobs, tmp_path):
    (tmp_path / "go").touch()
    with (
        script(tmp_path, CAMPAIGN, **environment) as one,
        script(tmp_path, CAMPAIGN, "other", **environment) as two,
    ):
        for running in (one, two):
            assert running.wait() == 0, running.output
            assert "CacheWarning" not in running.output
            assert energies(running) == undisturbed()
    counts = Counter(lines(tmp_path))
    assert set(counts) == {str(i) for i in range(40)}
    assert max(counts.values()) <= 2
    assert len(stored(tmp_path)) == 40


@deep_on_threads
def test_what_a_server_computed_after_the_script_was_killed_is_found(environment, tmp_path):
    if engine_class(environment["ADATOM_WORKFLOW_ENGINE"]).capabilities.waits_in_flow:
        pytest.skip("its jobs end with the script")
    (tmp_path / "go").touch()
    environment["JOBS"] = "4"
    with script(tmp_path, CAMPAIGN, **environment) as running:
        wait_until(lambda: stored(tmp_path) or running.process.poll() is not None, "no job is done")
        running.process.kill()
    wait_until(lambda: len(stored(tmp_path)) == 4, "the server does not go on")
    with script(tmp_path, CAMPAIGN, **environment) as running:
        assert running.wait() == 0, running.output
        assert energies(running) == undisturbed()[:4]
    assert Counter(lines(tmp_path)) == {str(i): 1 for i in range(4)}
