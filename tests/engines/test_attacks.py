"""What was found by attack, on every engine: lines 27 to 40 of what an engine must do."""

import asyncio
import gc
import math
import multiprocessing
import os
import time
import weakref
from collections import deque
from dataclasses import InitVar, dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from adatom import Failure, FlowFailure, change_settings, flow, gather, get_settings, job, subflow, wait
from adatom.errors import ArgumentsError, InputError
from adatom.execution.directories import run_directory
from tests.engines import jobs
from tests.engines.conftest import THREADS, one_on
from tests.engines.jobs import add, same
from tests.engines.processes import script

SLOW = ("prefect", "covalent")  # a flow takes seconds

# The conformance suite runs on threads by default.
pytestmark = pytest.mark.deep_on(*THREADS, reason="threads only differ in where a job runs")

# --- A call takes its arguments when it is made -----------------------------------------------------------------------


@job
def total(values):
    return sum(values)


@subflow
def total_of(values, more):
    return total([*values, more])


def test_what_is_changed_after_a_call_changes_nothing(engine):
    @engine.flow
    def workflow():
        first, values, found = add(0, 0), [1, 2], []
        found.append(total(values))
        values.append(add(first, 0))
        found.append(total(values))
        found.append(total_of(values, first))
        found += same.map([values, {"a": values}])
        values[0] = 100
        values.append(100)
        return found

    assert workflow() == [3, 3, 3, [1, 2, 0], {"a": [1, 2, 0]}]


def test_a_list_may_be_given_its_own_future(engine):
    @engine.flow
    def workflow():
        futures = [add(i) for i in range(3)]
        futures.append(total(futures))
        return futures

    assert workflow() == [1, 2, 3, 6]


# --- Chains in a bounded stack ----------------------------------------------------------------------------------------


@job(cache="on")
def stored(value):
    return value + 1


@pytest.mark.deep_on(
    "prefect", *THREADS, reason="a job takes tens of milliseconds on Prefect, threads are no other way"
)
@pytest.mark.parametrize("first", [add, jobs.fail])
def test_long_chains(engine, first, tmp_path):
    if not engine.capabilities.many_jobs:
        pytest.skip("it is not made for a thousand jobs in one flow")
    # In one stack of Python, a third of the shorter one would be too long already.
    length = 1500 if engine.engine == "local" else 300

    @engine.flow(on_failure="return")
    def workflow():
        value = first(0)
        for _ in range(length):
            value = stored(value)
        return value

    with change_settings(cache_dir=tmp_path / "cache"):
        for _ in range(2):  # the second time, all are found
            found = workflow()
            assert found == length + 1 if first is add else found.skipped_because == "fail"


@subflow
def descend(depth, value):
    return value if depth == 0 else descend(depth - 1, add(value, 0) if depth % 50 == 0 else value)


def test_subflows_in_subflows(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip("its subflows are nested when they are built")

    @engine.flow
    def workflow():
        return descend(300, add(0))

    assert workflow() == 1


@job
def directory_of(value):
    with run_directory("directory_of") as run:
        (run.path / "file").write_text(str(value))
    return str(run.final)


@subflow
def deep_directory(depth):
    return deep_directory(depth - 1) if depth else directory_of(1)


def test_a_directory_deep_inside_has_a_path_that_the_system_takes(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip("its subflows are nested when they are built")

    @engine.flow
    def workflow():
        return deep_directory(120)

    assert os.listdir(workflow())


def test_an_exception_in_a_callback_ends_the_flow(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip("its futures are done when the flow is")

    def callback(future):
        time.sleep(0.2)  # in which the flow would be over
        raise ZeroDivisionError("in a callback")

    @engine.flow
    def workflow():
        add(1).add_done_callback(callback)

    with pytest.raises(ZeroDivisionError, match="in a callback") as caught:
        workflow()
    assert any(entry.name == "callback" for entry in caught.traceback)


# --- Futures are found or refused -------------------------------------------------------------------------------------


@dataclass
class Late:
    start: Any
    factor: InitVar[int] = 2
    note: Any = field(init=False, default=None)


class Model(BaseModel):
    value: Any


class Many(list):
    pass


def late(future):
    made = Late(0)
    made.note = future
    return made


def array(future):
    made = np.empty(2, dtype=object)
    made[1] = future
    return made


FOUND = {
    "deque": (lambda future: deque([future]), lambda value: value[0]),
    "list of a class": (lambda future: Many([future]), lambda value: value[0]),
    "values": (lambda future: {"a": future}.values(), lambda value: next(iter(value))),
    "dataclass": (late, lambda value: value.note),
    "pydantic": (lambda future: Model(value=future), lambda value: value.value),
    "namespace": (lambda future: SimpleNamespace(a=future), lambda value: value.a),
    "array": (array, lambda value: value[1]),
}


@pytest.mark.parametrize("kind", one_on((*THREADS, *SLOW), FOUND, "the graph finds them, before an engine is asked"))
def test_futures_are_found_in(engine, kind):
    made, read = FOUND[kind]

    @engine.flow
    def workflow():
        return made(add(1)), same(made(add(2)))

    assert [read(value) for value in workflow()] == [2, 3]


HIDDEN = {
    "an object": jobs.Box,
    "a generator": lambda future: (one for one in [future]),
    "a key": lambda future: {future: 1},
    "a function": lambda future: {"a": [map(str, [future])]},
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_futures_are_refused_in(engine, kind):
    @engine.flow
    def returned():
        return HIDDEN[kind](add(1))

    @engine.flow
    def given():
        return same(HIDDEN[kind](add(1)))

    with pytest.raises(InputError, match="future"):
        returned()
    with pytest.raises((InputError, FlowFailure), match=r"Argument 'value'|no value yet"):
        given()


def test_futures_of_containers_are_waited_for(engine):
    futures = {value: add.submit(value) for value in (1, 2)}
    assert wait(futures.values()).not_done == set()
    assert gather(futures.values()) == [2, 3]
    assert gather(future for future in futures.values()) == [2, 3]
    with pytest.raises(InputError, match="Box"):
        gather(jobs.Box(futures[1]))


def test_what_yields_is_refused_where_it_is_defined():
    with pytest.raises(InputError, match="yields"):

        @flow
        def yields():
            yield 1


# --- Wrong arguments, and attributes that are set ---------------------------------------------------------------------


def test_a_wrong_argument_is_found_at_the_call(engine, tmp_path):
    @engine.flow
    def workflow(**wrong):
        jobs.files("x")
        return add.with_options(retries=3)(add(1), **wrong)

    with pytest.raises(ArgumentsError, match=r"'bb'. Did you mean 'b'\? Valid: a, b"):
        workflow(bb=1)
    with pytest.raises(TypeError, match="missing a required argument: 'a'. Its parameters are a, b"):
        add(b=1)
    with pytest.raises(TypeError, match="too many positional arguments"):
        workflow(1, 2)


def test_the_task_runner_of_a_flow_may_be_set(engine):
    @flow
    def workflow():
        return add(1)

    workflow.task_runner = engine.runner
    assert workflow() == 2
    workflow.task_runner = object()
    if engine.capabilities.runner:
        with pytest.raises(InputError, match="runner"):
            workflow()
    with pytest.raises(InputError, match=r"workflow.with_options\(on_failure=...\)"):
        workflow.on_failure = "return"
    with pytest.raises(InputError, match=r"add.retries cannot be set. add.with_options\(retries=...\)"):
        add.retries = 3


def test_results_go_where_the_settings_of_the_call_say(engine, tmp_path):
    @engine.flow
    def workflow():
        with change_settings(results_dir=tmp_path / "elsewhere"):
            return [jobs.files("x"), total_and_files([add(1)])]

    found = workflow()
    assert all(one["dir_name"].startswith(str(tmp_path / "elsewhere" / "FLOW-workflow")) for one in found)
    assert not list(get_settings().results_dir.glob("FLOW-*/JOB-*"))


@subflow
def total_and_files(values):
    return jobs.files(str(values))


class Crystal:
    def __init__(self, factor):
        self.factor = factor

    @job
    def scaled(self, value, offset=0):
        return self.factor * value + offset


def test_methods_are_jobs(engine):
    crystal = Crystal(10)

    @engine.flow
    def workflow():
        return [crystal.scaled(1), crystal.scaled.submit(2), *crystal.scaled.map([3, add(3)], offset=1)]

    assert workflow() == [10, 20, 31, 41]
    assert crystal.scaled.map([1, 2]) == [10, 20]
    assert crystal.scaled.with_options(retries=2).options.retries == 2


EACH_IN_ITS_PROCESS = "each of its jobs has a process of its own"

# --- What a job may do ------------------------------------------------------------------------------------------------


@job
def fork():
    if os.fork() == 0:
        return "the copy"
    return "the job"


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_job_may_fork(engine):
    if not engine.capabilities.processes:
        pytest.skip("the copy would be one of the tests")

    @engine.flow
    def workflow():
        return [fork(), *(add(i, i) for i in range(6))]

    assert workflow() == ["the job", 0, 2, 4, 6, 8, 10]


def fork_for_all(items):
    os.fork()
    return [10 * item for item in items]


@job(batch_function=fork_for_all)
def ten_times(item):
    return 10 * item


@pytest.mark.deep_on(*THREADS, "covalent", reason=EACH_IN_ITS_PROCESS)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_batch_function_may_fork(engine):
    if not engine.capabilities.processes:
        pytest.skip("the copy would be one of the tests")

    @engine.flow
    def workflow():
        return [ten_times.map(range(20)), *(add(i, i) for i in range(6))]

    assert workflow() == [[10 * i for i in range(20)], 0, 2, 4, 6, 8, 10]


@job
def squares_in_processes(count):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        return pool.map(math.sqrt, [i**4 for i in range(count)])


@pytest.mark.deep_on(*THREADS, "covalent", reason=EACH_IN_ITS_PROCESS)
def test_a_job_may_use_multiprocessing(engine):
    @engine.flow
    def workflow():
        return squares_in_processes(4)

    assert workflow() == [0, 1, 4, 9]


class Stop(BaseException):
    pass


@job
def stop(kind):
    raise kind("a reason")


@pytest.mark.parametrize(
    "kind", one_on((*THREADS, *SLOW), [Stop, asyncio.CancelledError, GeneratorExit], "a worker catches them as one")
)
@pytest.mark.parametrize("timeout", one_on((*THREADS, *SLOW), [60, None], "where time is not limited, less can fail"))
def test_any_exception_ends_its_job_alone(engine, kind, timeout):
    @engine.flow(on_failure="return")
    def workflow():
        return [stop.with_options(timeout=timeout)(kind), add(1)]

    failure, value = workflow()
    assert value == 2
    assert isinstance(failure, Failure)
    assert failure.kind == kind.__name__
    assert failure.message == "a reason"


# --- Results are let go -----------------------------------------------------------------------------------------------


ALIVE = weakref.WeakSet()


class Large:
    def __init__(self):
        ALIVE.add(self)

    def __setstate__(self, state):
        ALIVE.add(self)

    def __getstate__(self):
        return {"data": 1}


@job
def large(before=None):
    return Large()


def test_a_result_is_let_go_when_the_last_job_has_it(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip("its results come at the end")
    if engine.runner is not None:
        pytest.skip("what its threads give back is in its own records for a while, and not in bytes")
    seen = []

    @engine.flow
    def workflow():
        value = large()
        for _ in range(16):
            value = large(value)
            value.wait()
            if len(ALIVE) > 5:
                gc.collect()  # engines have records that refer to one another
            seen.append(len(ALIVE))
        return same(None)

    workflow()
    assert max(seen) <= 10, seen


# --- The end of a script ----------------------------------------------------------------------------------------------

LAST_LINE = """
import time
from pathlib import Path
from adatom import flow, job

HERE = Path.cwd()  # that of a worker may be another

@job
def slow(x):
    time.sleep(1)
    (HERE / "done.txt").write_text("x")
    raise ValueError("nobody saw this")

@flow
def workflow(x):
    return slow(x)

workflow.submit(1)
"""


@pytest.mark.deep_on("prefect", "covalent", reason="who waits is the script, and a server takes long to start and end")
def test_a_flow_that_is_submitted_last_is_done_and_its_failure_reported(environment, tmp_path):
    with script(tmp_path, LAST_LINE, **environment) as running:
        running.wait()
    assert (tmp_path / "done.txt").exists(), running.output
    assert "Nobody looked at this failure" in running.output
    assert "nobody saw this" in running.output


OWN_TASK = {
    "dask": """
from distributed import Client
with Client(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as client:
    print("energy", client.submit(own).result(timeout=100))
""",
    "parsl": """
import parsl
with parsl.load(parsl.Config(executors=[parsl.ThreadPoolExecutor(max_threads=1)], initialize_logging=False)):
    print("energy", parsl.python_app(own)().result(timeout=100))
""",
    "prefect": """
from prefect import flow as prefect_flow, task
from prefect.task_runners import ThreadPoolTaskRunner

@prefect_flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
def outer():
    return task(own).submit().result(timeout=100)

print("energy", outer())
""",
}
OWN = """
from ase.build import bulk
from adatom import flow
from adatom.recipes.emt import relax_job, static_job

@flow
def inner(atoms):
    return static_job(relax_job(atoms)["atoms"])["results"]["energy"]

def own():
    return round(inner(bulk("Cu")), 4), round(relax_job(bulk("Cu"))["results"]["energy"], 4)
"""


def test_jobs_in_a_task_of_the_users_own_run_in_place(environment, tmp_path):
    if environment["ADATOM_WORKFLOW_ENGINE"] not in OWN_TASK:
        pytest.skip("it has no tasks of its own that a script can wait for")
    with script(tmp_path, OWN + OWN_TASK[environment["ADATOM_WORKFLOW_ENGINE"]], **environment) as running:
        assert running.wait() == 0, running.output
    assert "energy (-0.0057, -0.0057)" in running.output
    assert len(list((tmp_path / "adatom_results").rglob("JOB-*"))) == 3
