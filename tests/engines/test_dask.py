"""What Dask's own users expect."""

import os
import signal
import sys

import pytest
from ase.build import bulk

from adatom import change_settings, flow
from adatom.errors import EngineError, InputError
from adatom.execution.registry import drop_engine, get_engine
from adatom.recipes.emt import relax_job, static_job
from tests.engines import jobs
from tests.engines.conftest import WANTED
from tests.engines.processes import script, wait_until

if WANTED and "dask" not in WANTED:
    pytest.skip("another environment tests it", allow_module_level=True)
if WANTED:
    import dask
    import distributed
else:
    dask = pytest.importorskip("dask", reason="pip install 'adatom[dask]'")
    distributed = pytest.importorskip("distributed", reason="pip install 'adatom[dask]'")
pytestmark = pytest.mark.xdist_group("dask")


@pytest.fixture(scope="module")
def client():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def on_dask(client, tmp_path):
    with change_settings(workflow_engine="dask", results_dir=tmp_path, local_workers=3):
        yield
        drop_engine(get_engine())


def test_a_client_that_is_there_is_used_and_left_alone(client, on_dask):
    @jobs.job
    def thread():
        return os.getpid(), distributed.get_worker().address

    pid, address = thread()
    assert pid == os.getpid()
    assert address in client.scheduler_info()["workers"]
    drop_engine(get_engine())
    assert client.submit(lambda: 1).result() == 1


def test_tasks_have_the_recipes_names(client, on_dask):
    relax_job(bulk("Cu"))
    with distributed.Client(client.scheduler.address, set_as_default=False) as other:
        names = other.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.task_prefixes))
    assert "relax_job Cu" in names


@pytest.mark.parametrize("form", ["client", "cluster", "address"])
def test_runners(client, tmp_path, form):
    runner = {"client": client, "cluster": client.cluster, "address": client.cluster.scheduler_address}[form]

    @flow(runner=runner)
    def workflow():
        return [jobs.where() for _ in range(2)]

    with change_settings(workflow_engine="dask", results_dir=tmp_path):
        assert {pid for pid, _ in workflow()} == {os.getpid()}
        drop_engine(get_engine(runner))


def test_engine_options_reach_submit(on_dask):
    with pytest.raises(Exception, match="allow_other_workers"):
        jobs.add.with_options(engine_options={"workers": ["nowhere"], "allow_other_workers": "perhaps"})(1)


def test_native_is_delayed(on_dask):
    assert static_job.native(bulk("Cu")).compute(scheduler="sync")["results"]["energy"] == pytest.approx(
        -0.0056815, abs=1e-6
    )


def test_options_of_submit_are_not_dropped_by_native(on_dask):
    with pytest.raises(InputError, match="use dask.annotate"):
        _ = jobs.add.with_options(engine_options={"priority": 3}).native


def test_with_the_local_engine_a_job_is_a_plain_function(tmp_path):
    with change_settings(results_dir=tmp_path):
        relaxed = dask.delayed(relax_job)(bulk("Cu"))
        result = dask.delayed(static_job)(relaxed["atoms"]).compute(scheduler="threads")
    assert result["results"]["energy"] == pytest.approx(-0.0056815, abs=1e-6)


def test_workers_without_adatom_are_an_error_at_once(tmp_path):
    (tmp_path / "adatom").mkdir()
    (tmp_path / "adatom" / "__init__.py").write_text("raise ImportError('not for this Python')")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster, set_as_default=False) as client,
        change_settings(workflow_engine="dask", results_dir=tmp_path),
    ):
        client.run(lambda folder: sys.path.insert(0, folder), str(tmp_path))
        with pytest.raises(EngineError, match="cannot import adatom: ImportError: not for this Python"):
            get_engine(client)


SLOW_TO_END = """
import time
from pathlib import Path
from adatom import flow, job
from adatom.engines.dask import DaskEngine

HERE = Path.cwd()
close = DaskEngine.close

def slowly(self):
    close(self)
    time.sleep(3)  # meanwhile Dask says of each job that it is lost

DaskEngine.close = slowly

@job
def long(i):
    print("about to wait")
    (HERE / f"started{i}").touch()
    time.sleep(300)

@flow
def workflow():
    return [long(i) for i in range(2)]

workflow()
"""


def test_directories_are_marked_also_of_jobs_that_are_lost_before_the_engine_has_ended(tmp_path):
    with script(tmp_path, SLOW_TO_END, ADATOM_WORKFLOW_ENGINE="dask", ADATOM_LOCAL_WORKERS="2") as running:
        wait_until(lambda: len(list(tmp_path.glob("started*"))) == 2 or running.process.poll() is not None, "no jobs")
        running.process.send_signal(signal.SIGINT)
        assert running.wait() != 0
        assert "KeyboardInterrupt" in running.output
    [tree] = (tmp_path / "adatom_results").glob("FLOW-*")
    directories = [path.name for path in tree.iterdir()]
    assert len(directories) == 2
    assert all(name.startswith("failed-JOB-long") for name in directories), directories


@pytest.mark.parametrize("end", ["client", "scheduler"])
def test_a_lost_connection_loses_no_job(client, tmp_path, end):
    """Dask's client connects again by itself, but its tasks are gone, and so may be what it hears from then on."""
    runner = client.cluster

    def cut():
        ends = {
            "client": [get_engine(runner)._client.scheduler_comm],
            "scheduler": runner.scheduler.client_comms.values(),
        }
        for stream in list(ends[end]):
            if stream is not client.scheduler_comm:
                stream.comm.abort()

    @flow(runner=runner)
    def workflow():
        client.loop.call_later(0.2, cut)
        return [jobs.seen_settings(pause=0.03) for _ in range(20)], jobs.add(1)

    with change_settings(workflow_engine="dask", results_dir=tmp_path):
        assert workflow()[-1] == 2
        drop_engine(get_engine(runner))
