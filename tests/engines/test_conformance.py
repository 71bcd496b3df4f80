"""What every engine must do, as observable behaviour; one suite for all of them.

Where an engine cannot do a thing by its nature its capability flags say so, and the clear error is asserted.
"""

import gc
import json
import math
import os
import re
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from adatom import (
    Failure,
    FlowFailure,
    Future,
    JobFailure,
    change_settings,
    configs,
    gather,
    job,
    make_runner,
    subflow,
    wait,
)
from adatom.configs import AutoparaInfo
from adatom.errors import EngineError, InputError, UnknownNameError
from adatom.execution.observer import observed
from adatom.execution.registry import drop_engine, get_engine
from adatom.workflow.options import UnusedResourceWarning
from tests.engines import jobs
from tests.engines.conftest import THREADS, one_on
from tests.engines.jobs import Box, Pair, add, fail, mult, same

# --- Composition ------------------------------------------------------------------------------------------------------


def test_calls_compose(engine):
    @engine.flow
    def workflow():
        return {
            "chain": mult(add(1, 2), 3),
            "default": add(1),
            "keyword": add(b=5, a=1),
            "variadic": jobs.collect(1, add(1), key=add(2), other=None),
            "parentheses": jobs.with_parentheses(add(1)),
            "inline": job(jobs.plain)(add(1)),
        }

    assert workflow() == {
        "chain": 9,
        "default": 2,
        "keyword": 6,
        "variadic": {"args": (1, 2), "kwargs": {"key": 3, "other": None}},
        "parentheses": -2,
        "inline": 102,
    }


def test_a_job_outside_a_flow_gives_its_result(engine):
    assert add(1, b=2) == 3


def test_a_job_in_a_job_is_a_plain_call(engine):
    assert jobs.call_inside(1) == 20


def test_futures_nested_in_arguments_arrive_as_values(engine):
    @engine.flow
    def workflow():
        one, two = add(0), add(1)
        return [
            same([one, (two, {"deep": [{"deeper": one}]})]),
            same({"list": [one, two], "tuple": (one, 5), "plain": "text"}),
            same(Pair(left=[one], right={"x": (two,)})),
        ]

    first, second, third = workflow()
    assert first == [1, (2, {"deep": [{"deeper": 1}]})]
    assert second == {"list": [1, 2], "tuple": (1, 5), "plain": "text"}
    assert third == Pair(left=[1], right={"x": (2,)})


def test_a_path_of_a_future_is_a_future_and_costs_no_task(engine):
    events = []

    @engine.flow
    def workflow():
        deep = jobs.deep()
        assert isinstance(deep["a"][0]["b"], Future)
        passed_on = add(deep["a"][0]["b"])
        return [deep["a"][1]["b"], passed_on, [deep["box"].content["x"][1]], {"pair": deep["pair"].left}]

    with observed(lambda name, event, count: events.append((name, event))):
        assert workflow() == [8, 8, [2], {"pair": 3}]
    assert sorted(name for name, event in events if event == "added") == ["add", "deep"]


@pytest.mark.parametrize(
    "returned",
    one_on(
        ("prefect", "prefect-threads", "covalent"),
        [
            (lambda one, two: ({"x": (one, [two])}, "plain", 3.5, None), ({"x": (1, [2])}, "plain", 3.5, None)),
            (lambda one, two: one, 1),
            (lambda one, two: [one, two], [1, 2]),
            (lambda one, two: {"a": [one], "b": [two, one]}, {"a": [1], "b": [2, 1]}),
            (lambda one, two: Pair(one, [two]), Pair(1, [2])),
            (lambda one, two: [], []),
            (lambda one, two: None, None),
        ],
        "the graph keeps it, which no engine sees",
    ),
)
def test_what_a_flow_returns_keeps_its_shape(engine, returned):
    shape, expected = returned

    @engine.flow
    def workflow():
        return shape(add(0), add(1))

    assert workflow() == expected


def test_subflows(engine):
    @engine.flow
    def workflow():
        values = jobs.numbers(3)
        each = jobs.add_each(values)
        nested = jobs.nested_subflow(values)
        return {
            "each": each,
            "indexed": mult(each[2], 10),
            "whole": same(each),
            "empty": jobs.add_each(jobs.numbers(0)),
            "none": jobs.return_none(values),
            "nested": nested,
            "nested_indexed": add(nested["inner"][0], nested["count"]),
            "of_plain_values": jobs.add_each([5, 6], b=10),
            "job_as_argument": jobs.apply_each(add, values),
        }

    assert workflow() == {
        "each": [1, 2, 3],
        "indexed": 30,
        "whole": [1, 2, 3],
        "empty": [],
        "none": None,
        "nested": {"inner": [1, 2, 3], "count": 3},
        "nested_indexed": 4,
        "of_plain_values": [15, 16],
        "job_as_argument": {"first": 1, "all": [1, 2, 3]},
    }


def test_a_flow_in_a_flow_composes(engine):
    @engine.flow
    def workflow():
        inner = jobs.inner_flow(add(0), 5)
        return {"inner": inner, "used": mult(inner["sum"], inner["product"])}

    assert workflow() == {"inner": {"sum": 6, "product": 5}, "used": 30}


def test_jobs_and_subflows_overlap(engine, tmp_path):
    concurrent = engine.capabilities.concurrent
    patience = 20 if concurrent else 0.2

    @engine.flow
    def workflow():
        return [jobs.meet(tmp_path, "a", "b", patience), jobs.meet(tmp_path, "b", "a", patience)]

    @engine.flow
    def subflows():
        first, second = add(0), add(0)
        meet = jobs.meet_in_subflow
        return [meet(first, tmp_path, "c", "d", patience)[0], meet(second, tmp_path, "d", "c", patience)[0]]

    assert all(workflow()) == concurrent
    assert all(subflows()) == concurrent


def test_a_job_whose_result_nobody_uses_is_run_and_waited_for(engine, tmp_path):
    @subflow
    def unused_inside(value):
        jobs.write(str(tmp_path / "inside"))
        return value

    @engine.flow
    def workflow():
        jobs.write(str(tmp_path / "outside"))
        unused_inside(add(1))

    workflow()
    assert (tmp_path / "outside").read_text() == "done"
    assert (tmp_path / "inside").read_text() == "done"


def test_a_job_that_reads_the_files_of_another_comes_after_it(engine):
    @engine.flow
    def workflow():
        return [jobs.read_files(jobs.files(text)) for text in ("one", "two")]

    assert workflow() == ["one", "two"]


def test_map_keeps_the_order_of_its_items(engine):
    n = 60 if engine.capabilities.many_jobs else 4

    @engine.flow
    def workflow():
        futures = mult.map(range(n), b=2)
        return futures, add(futures[1])

    assert workflow() == ([2 * i for i in range(n)], 3)
    assert mult.map(range(n), b=3) == [3 * i for i in range(n)]
    assert add.map([]) == []


def test_map_of_items_that_are_futures(engine):
    @engine.flow
    def workflow():
        return add.map([add(1), 5], b=add(9))

    assert workflow() == [12, 15]


def test_items_of_a_map_run_together(engine):
    """As many as the option says, where the engine runs several items in one task."""
    able = engine.capabilities.waits_in_flow
    with nullcontext() if able else pytest.warns(UserWarning, match="one by one, not in lockstep, as .* sends each"):
        found = jobs.with_others.map(range(6))
    assert all(value in others for value, others in enumerate(found))
    assert {len(others) for others in found} == ({3} if able else {1})


def test_items_that_are_futures_do_not_run_together(engine):
    @engine.flow
    def workflow():
        return jobs.with_others.map([add(1, 1), 5])

    with pytest.warns(UserWarning, match="with_others: items of the map run one by one, not in lockstep, as"):
        assert workflow() == [[2], [5]]


def test_a_batch_function_serves_the_calls_of_a_map(engine):
    n = 100 if engine.capabilities.many_jobs else 4
    results = jobs.square.map(range(n))
    assert [value for _, value in results] == [i**2 for i in range(n)]
    how = {how for how, _ in results}
    assert ("together" in how) == (engine.capabilities.waits_in_flow and engine.capabilities.many_jobs)


def test_one_failing_item_of_a_map_costs_no_other(engine):
    @job
    def picky(item):
        if item == 2:
            raise ValueError("two")
        return item

    @engine.flow(on_failure="return")
    def workflow():
        return picky.map(range(5))

    results = workflow()
    assert [r for r in results if not isinstance(r, Failure)] == [0, 1, 3, 4]
    assert results[2].message == "two"


def test_submit_gives_a_future_anywhere(engine):
    future = add.submit(1, b=2)
    assert isinstance(future, Future)
    assert future.result(timeout=120) == 3
    assert future.done()
    assert future.exception() is None

    failed = fail.submit(1)
    assert isinstance(failed.exception(timeout=120), JobFailure)
    assert isinstance(failed.result(raise_on_failure=False), Failure)
    with pytest.raises(JobFailure, match="deliberate 1"):
        failed.result()

    done, not_done = wait([future, failed])
    assert (done, not_done) == ({future, failed}, set())
    assert gather({"a": [future]}) == {"a": [3]}


def test_waiting_in_the_body_of_a_flow(engine):
    @engine.flow
    def workflow():
        first = add(1)
        return mult(add(first.result()), gather([first])[0])

    if engine.capabilities.waits_in_flow:
        assert workflow() == 6
    else:
        with pytest.raises(EngineError, match="builds its graph before it runs"):
            workflow()


def test_async_jobs_and_flows(engine):
    import asyncio

    @engine.flow
    async def workflow(value):
        first = jobs.add_async(value, 1)
        if engine.capabilities.waits_in_flow:
            assert await first == value + 1
        return jobs.add_async(first, 10)

    assert jobs.add_async(1, 2) == 3
    assert workflow(1) == 12

    async def main():
        return await workflow(5), await jobs.add_async(1, 1)

    assert asyncio.run(main()) == (16, 2)


def test_jobs_of_a_flow_take_other_parameters_and_decorators(engine):
    workflow = jobs.flow_with_jobs.with_options(runner=engine.runner)
    assert workflow(1) == -2
    assert workflow(1, job_params={"first": {"b": 5}}) == -6
    assert workflow(1, job_params={"all": {"b": 7}}) == -8
    assert workflow(1, first=jobs.plain) == -101
    assert workflow(1, job_decorators={"first": lambda known: job(lambda value: known.fn(value) * 2)}) == -4
    with pytest.raises(UnknownNameError, match="Valid: all, first, second"):
        workflow(1, job_params={"frist": {}})
    with pytest.raises(UnknownNameError, match="Valid: all, first, second"):
        workflow(1, job_decorators={"third": job})


# --- Running ----------------------------------------------------------------------------------------------------------


@pytest.mark.deep_on(*THREADS, reason="each starts a cluster, as the same engines without threads do")
def test_the_runner_runs_all_jobs_of_a_flow(engine):
    runner = make_runner(workers=2)

    @subflow
    def inside(value):
        return [jobs.where() for _ in range(3)]

    @engine.flow
    def workflow():
        return jobs.where(), inside(add(1)), [jobs.where() for _ in range(3)]

    def places(result):
        first, second, third = result
        return {tuple(place) for place in [first, *second, *third]}

    try:
        usual = places(workflow.with_options(runner=None)())
        on_runner = places(workflow.with_options(runner=runner)())
    finally:
        drop_engine(get_engine(runner))
        if hasattr(runner, "close"):
            runner.close()
    # Another process, or with Covalent's executors another working directory.
    assert not usual & on_runner


def test_functions_of_scripts_and_closures_run_by_value(engine):
    offset = 7

    @dataclass
    class Local:
        value: int

    @job
    def closure(item):
        return Local(item.value + offset)

    @engine.flow
    def workflow():
        return closure(Local(1)).value, job(lambda x: x * 3)(add(1))

    assert workflow() == (8, 6)


def test_retries(engine, tmp_path):
    @engine.flow(on_failure="return")
    def workflow():
        flaky = jobs.fail_until.with_options(retries=2, retry_delay=0.01)
        return flaky(str(tmp_path / "a"), 2), flaky(str(tmp_path / "b"), 9)

    third_time, never = workflow()
    assert third_time == 3
    assert never.message == "try 3"
    assert (tmp_path / "b").read_text() == "xxx"


def test_bad_input_is_not_tried_again(engine, tmp_path):
    @job(retries=3)
    def refuse(path):
        with open(path, "a") as file:
            file.write("x")
        raise InputError("bad")

    with pytest.raises(JobFailure, match="bad"):
        refuse(str(tmp_path / "tries"))
    assert (tmp_path / "tries").read_text() == "x"


def test_timeout_kills_the_work(engine, tmp_path):
    @engine.flow(on_failure="return")
    def workflow():
        quick = add.with_options(timeout=60)(1)
        return jobs.sleep_in_child.with_options(timeout=0.5)(1.5, tmp_path / "late"), quick

    start = time.time()
    failure, quick = workflow()
    assert quick == 2
    assert failure.kind == "JobTimeoutError"
    assert Path(failure.directory).name.startswith("failed-")
    time.sleep(max(0.0, start + 3.0 - time.time()))  # when the child, had it lived, would have written
    assert not (tmp_path / "late").exists()


def test_options_are_checked(engine):
    with pytest.raises(UnknownNameError, match="Did you mean 'retries'"):
        add.with_options(retrys=1)
    with pytest.raises(InputError, match="timeout=-1"):
        add.with_options(timeout=-1)
    with pytest.raises(UnknownNameError, match="walltime"):
        add.with_options(resources={"wall_time": 1})


def test_a_resource_that_cannot_be_honoured_is_warned_about(engine):
    unused = {"gpus_per_node", "memory"} - engine.capabilities.resources
    assert unused, "no engine honours all of them yet"
    with pytest.warns(UnusedResourceWarning, match=next(iter(unused))):
        assert add.with_options(resources={"gpus_per_node": 1, "memory": "2 GB"})(1) == 2


def test_engine_options_reach_the_engine(engine):
    @engine.flow
    def workflow():
        return add.with_options(engine_options={"no_such_option": 1})(1)

    with pytest.raises(Exception, match="no_such_option"):
        workflow()


def test_names_are_the_recipes(engine):
    seen = []
    with observed(lambda name, event, count: seen.append(name)):
        add(1)
        job(jobs.plain, name="custom name")(1)
        job(jobs.plain, name="tests.engines.not_for_import")(1)
    assert {"add", "custom name"} <= set(seen)
    assert not [name for name in seen if "wrapper" in name]


def test_settings_travel_and_do_not_leak(engine, tmp_path):
    n = 25 if engine.capabilities.many_jobs else 3

    @subflow
    def inside(value):
        return jobs.seen_settings()

    @engine.flow
    def workflow():
        results = []
        for i in range(n):
            with change_settings({"results_dir": tmp_path / f"dir{i}", "gzip": bool(i % 2)}):
                results.append(jobs.seen_settings(0.01))
        with change_settings(results_dir=tmp_path / "sub", gzip=True):
            results.append(inside(add(1)))
        return results

    assert workflow() == [*[(f"dir{i}", bool(i % 2)) for i in range(n)], ("sub", True)]


def test_run_directories_are_a_readable_tree(engine, tmp_path):
    @subflow
    def inside(values):
        return [jobs.files(str(value)) for value in values]

    @engine.flow
    def workflow():
        return {"in": inside(jobs.numbers(3)), "out": [jobs.files("a") for _ in range(3)]}

    result = workflow()
    results = tmp_path / "results"
    directories = [Path(r["dir_name"]) for r in [*result["in"], *result["out"]]]
    assert len(set(directories)) == 6
    assert all((directory / "data.txt").is_file() for directory in directories)
    parts = [[part.split("-")[0] for part in d.relative_to(results).parts] for d in directories]
    assert parts == [["FLOW", "SUBFLOW", "JOB"]] * 3 + [["FLOW", "JOB"]] * 3
    assert [d.name.split("-")[1] for d in directories] == ["files"] * 6
    assert sorted(path.name.split("-")[0] for path in results.iterdir()) == [".journal", "FLOW"]
    assert not list(results.rglob("running-*"))


def test_what_a_job_says_is_kept(engine):
    @engine.flow
    def workflow():
        return [jobs.speak(word) for word in ("first", "second")]

    for directory, word, other in zip(workflow(), ("first", "second"), ("second", "first"), strict=True):
        log = (Path(directory) / "job.log").read_text()
        for kind in ("printed", "to stderr", "logged", "warned"):
            assert log.count(f"{word} {kind}") >= 1, log
        assert other not in log


# --- Failing ----------------------------------------------------------------------------------------------------------


def test_one_failing_job_of_four(engine):
    @engine.flow
    def workflow():
        return [add(1), add(2), fail(7), add(3)]

    with pytest.raises(FlowFailure) as raised:
        workflow()
    [failure] = raised.value.failures
    assert (failure.job, failure.kind, failure.message) == ("fail", "ValueError", "deliberate 7")
    assert isinstance(failure.cause, ValueError)
    assert "in fail" in failure.traceback
    directory = Path(failure.directory)
    assert directory.name.startswith("failed-JOB-fail-")
    assert (directory / "error.txt").read_text() == failure.traceback
    assert "before the end" in (directory / "job.log").read_text()
    for part in ("workflow", "fail", "deliberate 7", str(directory), "raise ValueError"):
        assert part in str(raised.value)

    first, second, failure, fourth = workflow.with_options(on_failure="return")()
    assert (first, second, fourth) == (2, 3, 4)
    assert isinstance(failure, Failure)


def test_a_failing_job_alone_raises(engine):
    with pytest.raises(JobFailure, match="deliberate 1") as raised:
        fail(1)
    assert isinstance(raised.value.__cause__, ValueError)
    assert raised.value.failure.job == "fail"


def test_what_depends_on_a_failed_job_is_skipped(engine, tmp_path):
    @engine.flow(on_failure="return")
    def workflow():
        failed = fail(1)
        skipped = jobs.write(failed, text=str(tmp_path))
        further = add(skipped["x"])
        return [failed, skipped, further, jobs.add_each(failed), add(1)]

    failed, *skipped, good = workflow()
    assert failed.skipped_because is None
    assert [s.skipped_because for s in skipped] == ["fail"] * 3
    assert good == 2
    assert "fail" in skipped[0].message


@pytest.mark.parametrize("failed_inputs", ["take", "tolerate"])
def test_a_job_can_be_given_the_failures_of_those_it_needs(engine, failed_inputs):
    look = jobs.messages.with_options(failed_inputs=failed_inputs)

    @engine.flow
    def workflow():
        values = [add(1), fail(1), add(fail(2))]
        return {"values": values, "seen": look(values)}

    if not engine.capabilities.failed_inputs:
        with pytest.raises(FlowFailure, match="needs fail, which failed"):
            workflow()
        return
    seen = ["", "deliberate 1", "needs fail, which failed"]
    if failed_inputs == "tolerate":
        result = workflow()
        assert result["seen"] == seen
        assert [value.message for value in result["values"][1:]] == seen[1:]
    else:
        with pytest.raises(FlowFailure) as raised:
            workflow()
        assert [failure.message for failure in raised.value.failures] == ["deliberate 1", "deliberate 2", seen[2]]
        assert raised.value.value["seen"] == seen


def test_failures_that_a_failing_job_was_given_are_raised(engine):
    look = jobs.messages.with_options(failed_inputs="tolerate")

    @engine.flow
    def workflow():
        return look([fail(1)], least=1)

    with pytest.raises(FlowFailure) as raised:
        workflow()
    assert [failure.job for failure in raised.value.failures] == ["fail", "messages"]


def test_a_failure_in_a_subflow_stays_in_its_place(engine):
    @subflow
    def some(values):
        return {"bad": fail(values[0]), "good": [add(value) for value in values]}

    @engine.flow
    def workflow():
        result = some(jobs.numbers(2))
        return {"result": result, "goes_on": add(result["good"][1]), "skipped": add(result["bad"])}

    result = workflow.with_options(on_failure="return")()
    assert result["result"]["good"] == [1, 2]
    assert result["result"]["bad"].message == "deliberate 0"
    assert result["goes_on"] == 3
    assert result["skipped"].skipped_because == "fail"
    with pytest.raises(FlowFailure) as raised:
        workflow()
    assert [failure.job for failure in raised.value.failures] == ["fail", "add"]


def test_a_subflow_that_raises_is_a_failure(engine):
    @subflow
    def broken(values):
        raise KeyError("no such thing")

    @engine.flow(on_failure="return")
    def workflow():
        return [broken(jobs.numbers(2)), add(1)]

    failure, good = workflow()
    assert good == 2
    assert (failure.job, failure.kind) == ("broken", "KeyError")


def test_a_path_that_is_not_there_is_a_failure(engine):
    @engine.flow(on_failure="return")
    def workflow():
        return [add(jobs.deep()["nothing"]), add(1)]

    failure, good = workflow()
    assert good == 2
    assert failure.kind == "KeyError"


def test_a_failure_that_the_body_looks_at_is_not_raised_again(engine):
    if not engine.capabilities.waits_in_flow:
        pytest.skip("asserted by test_waiting_in_the_body_of_a_flow")

    @engine.flow
    def workflow():
        return [f.result(raise_on_failure=False) for f in [add(1), fail(2)]]

    good, failure = workflow()
    assert good == 2
    assert isinstance(failure, Failure)


def test_a_bug_in_a_body_waits_for_its_jobs_and_is_raised(engine, tmp_path):
    @engine.flow
    def workflow():
        jobs.write(str(tmp_path / "file"))
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        workflow()
    assert (tmp_path / "file").exists() == engine.capabilities.waits_in_flow


def test_a_killed_worker(engine, tmp_path):
    if not engine.capabilities.processes:
        pytest.skip("its jobs share this process, which is what would be killed")

    @engine.flow(on_failure="return")
    def workflow():
        return [
            jobs.die_until(str(tmp_path / "a"), 9),
            jobs.die_until.with_options(retries=1)(str(tmp_path / "b"), 1),
            add(1),
        ]

    failure, retried, good = workflow()
    assert good == 2
    assert retried == "alive"
    assert failure.kind == "WorkerDiedError"
    assert (tmp_path / "a").read_text() == "x"
    assert Path(failure.directory).name.startswith("failed-")
    assert add(1) == 2


def test_a_job_whose_time_was_over_goes_on_where_there_is_more(engine, tmp_path):
    """In another process, and that uses no retry: the flow has all the time it needs."""

    @engine.flow(on_failure="return")
    def workflow():
        return jobs.incomplete_until(str(tmp_path / "a"), 3)

    found = workflow()
    if engine.capabilities.processes and engine.capabilities.waits_in_flow:
        assert found == 4
    else:
        assert found.in_short == "IncompleteError: try 1"


def test_a_job_whose_time_is_never_enough_ends(engine, tmp_path):
    @engine.flow(on_failure="return")
    def workflow():
        return jobs.incomplete_until(str(tmp_path / "a"), 10**6)

    assert re.fullmatch(r"IncompleteError: try \d+", workflow().in_short)
    goes_on = engine.capabilities.processes and engine.capabilities.waits_in_flow
    assert len((tmp_path / "a").read_text()) == (11 if goes_on else 1)


def test_a_flow_whose_own_time_ends_uses_retries_for_what_was_not_done(engine, tmp_path):
    @engine.flow(on_failure="return")
    def workflow():
        again = jobs.incomplete_until.with_options(retries=1)
        return again(str(tmp_path / "a"), 1), jobs.incomplete_until(str(tmp_path / "b"), 1)

    with change_settings(walltime=10**6):
        retried, reported = workflow()
    if engine.capabilities.processes and engine.capabilities.waits_in_flow:
        assert retried == 2
    else:
        assert retried.in_short == "IncompleteError: try 1"
    assert reported.in_short == "IncompleteError: try 1"


@pytest.mark.parametrize("lockstep", [None, 8])
def test_a_worker_killed_by_an_item_of_a_map_costs_no_other_item(engine, tmp_path, lockstep):
    if not engine.capabilities.processes or not engine.capabilities.many_jobs:
        pytest.skip("no workers, or no batches")

    @job(lockstep=lockstep)
    def item(i):
        return jobs.die_until.fn(str(tmp_path / "x"), 9) if i == 35 else i

    @engine.flow(on_failure="return")
    def workflow():
        return item.map(range(40))

    results = workflow()
    assert results[35].kind == "WorkerDiedError"
    assert [r for r in results if not isinstance(r, Failure)] == [i for i in range(40) if i != 35]


ONCE = pytest.mark.deep_but_on("local-processes", reason="with a retry the same worker dies, and one more is needed")


@pytest.mark.parametrize("retries", [pytest.param(0, marks=ONCE), 1])
@pytest.mark.parametrize("way", ["call", "map", "stream"])
def test_one_rule_for_a_worker_that_is_killed(engine, tmp_path, way, retries):
    """The item that the worker had begun is to blame, and tried again as often as its `retries` say."""
    if not engine.capabilities.processes:
        pytest.skip("its jobs share this process, which is what would be killed")
    step = jobs.die_once_at_5.with_options(retries=retries)

    @engine.flow(on_failure="return")
    def workflow():
        if way == "map":
            return step.map(range(9), folder=str(tmp_path))
        return [step(number, str(tmp_path)) for number in range(4, 7)]

    if way == "stream":
        info = AutoparaInfo(runner=engine.runner, batch=9)
        found = configs.map(step, range(9), on_error="skip", folder=str(tmp_path), autopara_info=info)
        sizes, failed = [round(atoms.cell[0, 1] * 2, 2) for atoms in found], list(found.failures)
    else:
        outcomes = dict(zip(range(9) if way == "map" else range(4, 7), workflow(), strict=True))
        failed = [number for number, outcome in outcomes.items() if isinstance(outcome, Failure)]
        assert {outcomes[number].kind for number in failed} <= {"WorkerDiedError"}
        sizes = [round(outcome.cell[0, 1] * 2, 2) for number, outcome in outcomes.items() if number not in failed]
    numbers = [number for number in (range(4, 7) if way == "call" else range(9)) if retries or number != 5]
    assert sizes == [3.5 + number / 100 for number in numbers]
    assert failed == ([] if retries else [5])


def test_sys_exit_in_a_job_is_a_failure(engine):
    with pytest.raises(JobFailure, match="SystemExit"):
        jobs.exit_interpreter()
    assert add(1) == 2


def test_an_argument_that_cannot_be_sent_is_named(engine):
    @engine.flow
    def workflow():
        return jobs.collect(1, key=(i for i in range(3)))

    with pytest.raises(InputError, match=r"'kwargs'.*collect.*generator|'key'.*collect.*generator"):
        workflow()


def test_a_result_that_cannot_be_sent_is_said(engine):
    @engine.flow(on_failure="return")
    def workflow():
        return jobs.make_generator(3)

    result = workflow()  # in one process it may work
    assert "generator" in result.message if isinstance(result, Failure) else list(result) == [0, 1, 2]


# --- Cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.deep_on("prefect-threads", reason="what costs is Prefect's server, as without threads")
def test_a_thousand_jobs_in_one_flow(engine):
    if not engine.capabilities.many_jobs:
        pytest.skip("it is for few, long jobs")

    @engine.flow
    def workflow(n):
        return [same(i) for i in range(n)]

    workflow(10)
    gc.collect()
    before = _memory()
    n = 1000
    assert workflow(n) == list(range(n))
    assert (_memory() - before) / n < 20_000 + engine.own_memory


def _memory() -> int:
    """Bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_results_are_plain(engine):
    """What comes back has nothing of the engine's."""
    value = add(1)
    assert type(value) is int
    assert json.dumps(same({"a": [1, 2.5, None, "x"]})) == '{"a": [1, 2.5, null, "x"]}'
    assert isinstance(same(Box(1)), Box)
    for value in (b"bytes", b"", None, (), "text"):  # a result that looks as if it were pickled is none
        assert same(value) == value
    assert same.map([b"bytes", b""]) == [b"bytes", b""]


TAKEN_FOR_VALUES = {
    "compared": ["it == 1", "1 != it", "it == None", "it < 1", "1 >= it", "max(it, it)", "it in [1]", "[1].index(it)"],
    "tested for truth": ["bool(it)", "1 if it else 2", "not it"],
    "iterated over": ["list(it)", "1 in it", "[*it]", "first, second = it"],
    "measured": ["len(it)"],
    "made a number": [
        "int(it)",
        "float(it)",
        "round(it, 2)",
        "range(it)",
        "[1][it]",
        "math.sqrt(it)",
        "math.floor(it)",
    ],
    "computed with": ["it + 1", "1 - it", "2 * it", "it ** 2", "-it", "abs(it)", "sum([it])", "np.float64(1) / it"],
    "formatted": ["f'{it}'", "f'{it:.3f}'", "format(it)"],
    "asked for its keys": ["dict(**it)", "it.get('energy')"],
}


def test_futures_say_that_they_have_no_value(engine):
    @engine.flow
    def workflow():
        future = add(1)
        for verb, mistakes in TAKEN_FOR_VALUES.items():
            for mistake in mistakes:
                with pytest.raises(TypeError, match=f"has no value yet and cannot be {verb}"):
                    exec(mistake, {"it": future, "math": math, "np": np})
        assert future == future
        assert len({future, future, future["a"]}) == 2
        assert future != future["a"]
        return future

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert workflow() == 2
