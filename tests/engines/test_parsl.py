"""What Parsl's own users expect."""

import gc
import os
from pathlib import Path

import pytest
from ase.build import bulk

from adatom import change_settings, flow, job
from adatom.engines.parsl import ParslEngine
from adatom.execution.registry import drop_engine, get_engine
from adatom.recipes.emt import relax_job, static_job
from tests.engines import jobs
from tests.engines.conftest import WANTED

if WANTED and "parsl" not in WANTED:
    pytest.skip("another environment tests it", allow_module_level=True)
if WANTED:
    import parsl
else:
    parsl = pytest.importorskip("parsl", reason="pip install 'adatom[parsl]'")
pytestmark = pytest.mark.xdist_group("parsl")


@pytest.fixture
def kernel(tmp_path):
    """A kernel that the user loaded."""
    executors = [parsl.ThreadPoolExecutor(label="first"), parsl.ThreadPoolExecutor(label="second")]
    config = parsl.Config(executors=executors, run_dir=str(tmp_path / "runinfo"), initialize_logging=False)
    with parsl.load(config) as kernel:
        yield kernel
    parsl.clear()


@pytest.fixture
def on_parsl(kernel, tmp_path):
    with change_settings(workflow_engine="parsl", results_dir=tmp_path, local_workers=3):
        yield
        drop_engine(get_engine())


def test_a_kernel_that_is_there_is_used_and_left_alone(kernel, on_parsl):
    assert jobs.where()[0] == os.getpid()
    drop_engine(get_engine())
    assert parsl.python_app(lambda: 1)().result() == 1


def test_tasks_have_the_recipes_names(kernel, on_parsl):
    names = []
    launch = kernel.launch_task
    kernel.launch_task = lambda record: (names.append(record["func_name"]), launch(record))[1]
    relax_job(bulk("Cu"))
    assert names == ["relax_job Cu"]


def test_engine_options_reach_the_app(kernel, on_parsl):
    chosen = []
    launch = kernel.launch_task
    kernel.launch_task = lambda record: (chosen.append(record["executor"]), launch(record))[1]
    for label in ("first", "second", "second"):
        jobs.add.with_options(engine_options={"executors": [label]})(1)
    assert chosen == ["first", "second", "second"]


def test_a_kernel_as_runner(kernel, tmp_path):
    @flow(runner=kernel)
    def workflow():
        return [jobs.where() for _ in range(2)]

    with change_settings(workflow_engine="parsl", results_dir=tmp_path):
        assert {pid for pid, _ in workflow()} == {os.getpid()}
        drop_engine(get_engine(kernel))


def test_native_is_an_app(on_parsl):
    assert static_job.native(bulk("Cu")).result()["results"]["energy"] == pytest.approx(-0.0056815, abs=1e-6)


def test_with_the_local_engine_a_job_is_a_plain_function(kernel, tmp_path):
    with change_settings(results_dir=tmp_path):
        relaxed = parsl.python_app(relax_job)(bulk("Cu"))
        result = parsl.python_app(static_job)(relaxed["atoms"]).result()
    assert result["results"]["energy"] == pytest.approx(-0.0056815, abs=1e-6)


def test_the_directory_of_a_configuration_goes_with_it():
    config = ParslEngine.make_runner(1)
    directory = Path(config.run_dir)
    assert directory.is_dir()
    del config
    gc.collect()
    assert not directory.exists()


def test_a_result_arrives_though_the_next_job_kills_its_worker(tmp_path):
    """A worker sends results from a thread, while it runs the next job."""
    large = bytes(20_000_000)
    config = ParslEngine.make_runner(1)
    config.executors[0].prefetch_capacity = 1  # the next job is there at once

    @flow(runner=config, on_failure="return")
    def workflow():
        return [job(lambda: large)(), jobs.die_until(str(tmp_path / "file"), 9)]

    with change_settings(workflow_engine="parsl", results_dir=tmp_path):
        first, second = workflow()
    assert first == large
    assert second.kind == "WorkerDiedError"
