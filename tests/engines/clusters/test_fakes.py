"""Flows in batch jobs of schedulers that are not here: commands that stand for theirs run the scripts for real."""

import re
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from ase.build import bulk

from adatom import Failure, flow, job, make_runner
from adatom.engines.queue.spools import spools
from adatom.machines.record import read_record
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.deep import deep_but
from tests.engines.clusters.conftest import batch_jobs, energies, on, tail
from tests.engines.processes import Beside
from tests.infra.fakes import DIALECTS, installed

PROFILES = """
[machines.fir]
scheduler = "{scheduler}"
queues = {{ cpu = "work" }}

[runners.screening]
machine = "fir"
jobs_per_node = 2
walltime = "10m"
"""


WAYS = [(engine, dialect) for engine in ("dask", "parsl") for dialect in ("pbs", "lsf")]
WAYS += [("queue", dialect) for dialect in DIALECTS]


@contextmanager
def used(dialect, directory, monkeypatch, **settings):
    """The commands of a batch system, and a profile of a machine that has it."""
    Path("adatom.toml").write_text(PROFILES.format(scheduler="pbs" if dialect == "torque" else dialect))
    with installed(dialect, directory, **settings) as fake:
        for name, value in fake.variables.items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.mark.parametrize(("selected", "dialect"), WAYS, indirect=["selected"])
def test_all_jobs_of_a_flow_run_in_batch_jobs(selected, dialect, here, tmp_path, monkeypatch):
    with used(dialect, tmp_path / "fakes", monkeypatch):
        with make_runner(profile="screening") as runner:
            out = bulk_to_slabs_flow.with_options(runner=runner)(bulk("Cu"))
    assert energies(out) == here, tail(tmp_path)
    ((batch_job, number),) = batch_jobs(out).items()
    assert number == 8
    assert batch_job is not None


@job
def hold(directory):
    """The first time, it lasts until its batch job ends."""
    with open(f"{directory}/ran", "a") as file:
        file.write("x")
    while len(Path(directory, "ran").read_text()) == 1:
        time.sleep(0.05)
    return "again"


@on("queue")
@pytest.mark.parametrize(
    "end", deep_but(["cancelled"], ["cancelled", "timeout"], reason="a minute, sixty times as fast")
)
@pytest.mark.parametrize("dialect", deep_but(["pjm"], DIALECTS, reason="how each tells of it is tested with its name"))
def test_why_a_batch_job_ended_says_what_becomes_of_its_job(selected, dialect, end, tmp_path, monkeypatch):
    @flow(on_failure="return", runner="screening")
    def workflow():
        return hold(str(tmp_path))

    with used(dialect, tmp_path / "fakes", monkeypatch, speed=60 if end == "timeout" else 1) as fake:
        running = Beside(workflow)
        running.wait_for(tmp_path / "ran", "no job is begun")
        if end == "cancelled":
            [record] = next(spools()).path.glob(".adatom-jobs/*")
            read_record(record).scheduler.cancel([read_record(record).job])
        outcome = running.result()
        assert len(fake.spool.jobs()) == (2 if end == "timeout" else 1)
    if end == "timeout":
        assert (outcome, (tmp_path / "ran").read_text()) == ("again", "xx")
    else:
        assert isinstance(outcome, Failure)
        assert re.search("its batch job .* ended: cancelled", outcome.message)
