"""Recipes in tasks of the users' own, as quacc and MLIP Arena teach it, where there is one worker for all."""

import os
import sys
from functools import partial
from importlib import import_module

import pytest
from ase.build import bulk

from adatom import change_settings, flow, job, wait
from adatom.arena import get_calculator
from adatom.arena.tasks import OPT
from adatom.execution.failure import Failure
from adatom.execution.registry import close_engines, drop_engine, get_engine
from adatom.recipes.emt import bulk_to_slabs_flow, relax_job, static_job
from tests.engines.conftest import WANTED

SLABS = {"slab_kwargs": {"max_index": 1}, "run_static": False}


near = partial(pytest.approx, abs=1e-9)  # eV


def energy(document):
    return document["results"]["energy"]


@job
def relax_and_compute(atoms):
    """A job that calls jobs."""
    return static_job(relax_job(atoms)["atoms"])


@job
def where():
    """The process that runs a job."""
    return os.getpid()


@flow
def campaign(atoms):
    """A flow of the user's, with adatom's decorator."""
    return [static_job(relax_job(atoms)["atoms"]), relax_and_compute(atoms)]


@pytest.fixture(scope="module")
def expected():
    """The energies of the crystal and of its slabs, without any engine."""
    with change_settings(workflow_engine="local", local_workers=1):
        atoms = relax_job(bulk("Cu"))["atoms"]
        return energy(static_job(atoms)), [energy(slab) for slab in bulk_to_slabs_flow(atoms, **SLABS)["relax"]]


def imported(package):
    """The package of an engine, if its tests are wanted here."""
    engine = {"distributed": "dask", "prefect_dask": "prefect"}.get(package, package)
    if WANTED and engine not in WANTED:
        pytest.skip("another environment tests it")
    return import_module(package) if WANTED else pytest.importorskip(package, reason=f"pip install 'adatom[{engine}]'")


@pytest.fixture(scope="module")
def server():
    """The one that the engine starts for a script."""
    imported("prefect")
    with change_settings(workflow_engine="prefect", local_workers=1):
        get_engine()
        yield
    close_engines()


@pytest.fixture
def in_prefect_flow(server, tmp_path):
    """Run a function as the body of a flow of Prefect's, with one thread for all tasks."""
    import prefect
    from prefect.task_runners import ThreadPoolTaskRunner

    def run(body):
        with change_settings(workflow_engine="prefect", results_dir=tmp_path, local_workers=1):
            return prefect.flow(body, task_runner=ThreadPoolTaskRunner(max_workers=1))()

    return run


@pytest.fixture(scope="module", params=[True, False], ids=["process", "thread"])
def client(request):
    distributed = imported("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=request.param, dashboard_address="127.0.0.1:0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(params=["process", "thread"])
def kernel(request, tmp_path):
    parsl = imported("parsl")
    executor = (
        parsl.HighThroughputExecutor(
            address="127.0.0.1",
            max_workers_per_node=1,
            cores_per_worker=1e-6,
            provider=parsl.providers.LocalProvider(worker_init=f"export PYTHONPATH={os.pathsep.join(sys.path)}"),
        )
        if request.param == "process"
        else parsl.ThreadPoolExecutor(max_threads=1)
    )
    config = parsl.Config(executors=[executor], run_dir=str(tmp_path / "runinfo"), initialize_logging=False)
    with parsl.load(config) as kernel:
        yield kernel
    parsl.clear()


class TestPrefect:
    pytestmark = pytest.mark.xdist_group("prefect")

    def test_jobs_as_tasks_one_after_the_other(self, in_prefect_flow, expected):
        from prefect import task

        def workflow():
            relaxed = task(relax_job).submit(bulk("Cu"))
            return task(static_job).submit(relaxed.result()["atoms"]).result()

        assert energy(in_prefect_flow(workflow)) == near(expected[0])

    def test_jobs_as_tasks_side_by_side(self, in_prefect_flow, expected):
        from prefect import task

        def workflow():
            futures = [task(relax_and_compute).submit(bulk("Cu")) for _ in range(3)]
            return [future.result() for future in futures]

        assert [energy(document) for document in in_prefect_flow(workflow)] == near([expected[0]] * 3, abs=1e-9)

    def test_a_flow_as_a_task(self, in_prefect_flow, expected):
        from prefect import task

        def workflow():
            relaxed = task(relax_job).submit(bulk("Cu"))
            return task(bulk_to_slabs_flow).submit(relaxed.result()["atoms"], **SLABS).result()

        assert [energy(slab) for slab in in_prefect_flow(workflow)["relax"]] == near(expected[1])

    def test_a_flow_in_a_flow(self, in_prefect_flow, expected):
        from prefect import task

        def workflow():
            relaxed = task(relax_job).submit(bulk("Cu"))
            return bulk_to_slabs_flow(relaxed.result()["atoms"], **SLABS)

        assert [energy(slab) for slab in in_prefect_flow(workflow)["relax"]] == near(expected[1])

    def test_jobs_that_are_submitted_and_waited_for(self, in_prefect_flow, expected):
        from prefect import futures, task

        def workflow():
            submitted = [relax_and_compute.submit(bulk("Cu")) for _ in range(3)]
            futures.wait(submitted)
            also = task(campaign).submit(bulk("Cu"))
            return [future.result(raise_on_failure=False) for future in submitted] + also.result()

        assert [energy(document) for document in in_prefect_flow(workflow)] == near([expected[0]] * 5, abs=1e-9)

    def test_a_task_runner_with_one_thread(self, server, tmp_path, expected):
        from prefect.task_runners import ThreadPoolTaskRunner

        runner = ThreadPoolTaskRunner(max_workers=1)
        with change_settings(workflow_engine="prefect", results_dir=tmp_path):
            found = campaign.with_options(runner=runner)(bulk("Cu"))
        assert [energy(document) for document in found] == near([expected[0]] * 2)


class TestDask:
    pytestmark = pytest.mark.xdist_group("dask")

    def test_jobs_and_flows_as_tasks(self, client, tmp_path, expected):
        import dask

        with change_settings(workflow_engine="dask", results_dir=tmp_path, local_workers=1):
            atoms = client.submit(relax_job, bulk("Cu")).result()["atoms"]
            slabs = client.submit(bulk_to_slabs_flow, atoms, **SLABS)
            twice = [client.submit(relax_and_compute, bulk("Cu"), pure=False) for _ in range(2)]
            delayed = dask.delayed(static_job)(dask.delayed(relax_job)(bulk("Cu"))["atoms"])
            found = [*client.gather(twice), delayed.compute(), *campaign(bulk("Cu"))]
            drop_engine(get_engine())
        assert [energy(document) for document in found] == near([expected[0]] * 5)
        assert [energy(slab) for slab in slabs.result()["relax"]] == near(expected[1])

    @pytest.mark.deep(reason="tasks of Prefect travel to Dask as those of users do, with a server of their own")
    def test_tasks_of_prefect_on_dask(self, client, tmp_path, expected):
        prefect, prefect_dask = imported("prefect"), imported("prefect_dask")
        runner = prefect_dask.DaskTaskRunner(address=client.scheduler.address)

        @prefect.flow(task_runner=runner)
        def workflow():
            futures = [relax_and_compute.submit(bulk("Cu")), prefect.task(relax_job).submit(bulk("Cu"))]
            return [future.result() for future in futures]

        with change_settings(workflow_engine="prefect", results_dir=tmp_path, local_workers=1):
            found = workflow()
            close_engines()
        assert [energy(document) for document in found] == near([expected[0]] * 2)

    @pytest.mark.deep(reason="tasks of Prefect travel to Dask as those of users do, with a server of their own")
    def test_a_flow_of_ours_with_a_task_runner_of_the_users(self, client, tmp_path):
        """MLIP Arena's flow for clusters, but for its imports, and for a cluster on this machine."""
        DaskTaskRunner = imported("prefect_dask").DaskTaskRunner

        @flow(task_runner=DaskTaskRunner(address=client.scheduler.address))
        def benchmark_flow():
            futures = []
            for model in ("emt", "lj", "7net-l3i5"):
                future = OPT.submit(atoms=bulk("Cu"), calculator=get_calculator(model))
                futures.append(future)
            return [where.submit().result(), *(f.result(raise_on_failure=False) for f in futures)]

        with change_settings(workflow_engine="prefect", results_dir=tmp_path, local_workers=1):
            pid, emt, lj, missing = benchmark_flow()
            again = benchmark_flow.with_options(task_runner=None)
            close_engines()
        assert emt["converged"]
        assert lj["converged"]
        assert pid in client.run(os.getpid).values()
        assert isinstance(missing, Failure)
        assert again.options.runner is None


class TestParsl:
    pytestmark = pytest.mark.xdist_group("parsl")

    def test_jobs_and_flows_as_apps(self, kernel, tmp_path, expected):
        import parsl

        with change_settings(workflow_engine="parsl", results_dir=tmp_path, local_workers=1):
            relaxed = parsl.python_app(relax_job)(bulk("Cu"))
            slabs = parsl.python_app(bulk_to_slabs_flow)(relaxed.result()["atoms"], **SLABS)
            twice = [parsl.python_app(relax_and_compute)(bulk("Cu")) for _ in range(2)]
            found = [*(future.result() for future in twice), *campaign(bulk("Cu"))]
            drop_engine(get_engine())
        assert [energy(document) for document in found] == near([expected[0]] * 4)
        assert [energy(slab) for slab in slabs.result()["relax"]] == near(expected[1])


def test_jobs_that_are_submitted_outside_of_any_flow(tmp_path, expected):
    with change_settings(workflow_engine="local", results_dir=tmp_path, local_workers=1):
        futures = [relax_and_compute.submit(bulk("Cu")) for _ in range(2)]
        wait(futures)
        assert [energy(future.result()) for future in futures] == near([expected[0]] * 2)
