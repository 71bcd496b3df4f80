"""A future is a handle on what is not there yet."""

import asyncio
import copy
import pickle
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from adatom import Failure, FlowFailure, Future, JobFailure, change_settings, flow, gather, job, subflow, wait
from adatom.errors import EngineError
from adatom.workflow.future import Node


def pending(name="relax_job"):
    return Future(Node(name))


def done(value):
    future = pending()
    future._node.set_result(value)
    return future


FAILURE = Failure("relax_job", None, "ValueError", "wrong", cause=ValueError("wrong"))


# --- Paths ------------------------------------------------------------------------------------------------------------


def test_a_path_is_followed_in_the_value():
    value = SimpleNamespace(a=[{"b": 7}], name="x")
    future = pending()
    paths = future.a[0]["b"], future.name, future.a[-1]
    future._node.set_result(value)
    assert [path.result() for path in paths] == [7, "x", {"b": 7}]
    assert all(path.done() for path in paths)


def test_a_path_makes_no_new_node():
    future = pending()
    assert future["x"].y[1]._node is future._node
    assert type(future["x"]) is Future


def test_a_kind_of_future_keeps_its_kind_along_a_path():
    class Own(Future):
        pass

    assert type(Own(Node("x"))["a"].b) is Own


def test_the_path_is_shown():
    assert repr(pending()) == "<Future relax_job>"
    assert repr(pending()["results"][0].energy) == "<Future relax_job['results'][0].energy>"


def test_a_path_that_is_not_there_is_an_error_where_it_is_asked_for():
    with pytest.raises(KeyError, match="nothing"):
        done({})["nothing"].result()
    with pytest.raises(AttributeError, match="nothing"):
        done({}).nothing.result()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_path_that_is_not_there_in_what_a_subflow_returns_is_its_failure(workers):
    @subflow
    def inside(value):
        return {"x": job(dict)(a=value)["nothing"]}

    @flow
    def workflow():
        return inside(job(int)(1))

    with change_settings(local_workers=workers), pytest.raises(FlowFailure, match="inside: KeyError: 'nothing'"):
        workflow()


def test_a_failure_ends_a_path():
    assert done(FAILURE)["x"].y.result(raise_on_failure=False) is FAILURE
    assert done({"x": FAILURE})["x"]["deeper"].result(raise_on_failure=False) is FAILURE


@pytest.mark.parametrize("name", ["__array__", "__len_hint__", "_repr_html_", "_node_"])
def test_private_attributes_are_not_paths(name):
    with pytest.raises(AttributeError):
        getattr(pending(), name)


def test_a_copy_is_the_same_future():
    future = pending()
    assert copy.deepcopy([future]) == [future]


def test_others_do_not_take_a_future_for_a_value():
    future = pending()["x"]
    assert copy.copy(future) is future
    with pytest.raises(TypeError):
        pickle.dumps(future)
    array = np.array([future, None], dtype=object)
    assert array[0] is future
    assert not callable(future)
    assert not isinstance(future, dict | str)


@pytest.mark.parametrize("mistake", [bool, len, list, float, lambda future: future + 1, lambda future: 1 in future])
def test_using_a_future_as_a_value_is_an_error(mistake):
    with pytest.raises(TypeError):
        mistake(pending())


# --- Waiting ----------------------------------------------------------------------------------------------------------


def test_a_result_that_is_not_there_in_time():
    future = pending()
    with pytest.raises(TimeoutError, match=r"relax_job is not done after 0\.01 s"):
        future["x"].result(timeout=0.01)
    with pytest.raises(TimeoutError):
        future.exception(timeout=0.01)
    assert not future.done()
    future._node.set_result({"x": 1})
    assert future["x"].result(timeout=0.01) == 1


def test_results_from_another_thread():
    future = pending()
    threading.Timer(0.05, future._node.set_result, [5]).start()
    future.wait()
    assert future.done()
    assert future.result() == 5


def test_a_failure_is_raised_with_its_cause_or_returned():
    future = done(FAILURE)
    with pytest.raises(JobFailure, match="relax_job: ValueError: wrong") as raised:
        future.result()
    assert raised.value.failure is FAILURE
    assert raised.value.__cause__ is FAILURE.cause
    assert future.result(raise_on_failure=False) is FAILURE
    assert future.exception().failure is FAILURE
    assert done(1).exception() is None


def test_a_failure_in_the_value_is_raised_too():
    future = done({"good": 1, "bad": [FAILURE]})
    with pytest.raises(JobFailure):
        future.result()
    assert future["good"].result() == 1
    assert future.result(raise_on_failure=False) == {"good": 1, "bad": [FAILURE]}


def test_wait_tells_what_is_done():
    one, other = done(1), pending()
    assert wait([one, {"x": other["path"]}, one, "text"], timeout=0.01).done == {one}
    finished, left = wait({"a": one, "b": (other,)}, timeout=0.01)
    assert (finished, left) == ({one}, {other})
    other._node.set_result(FAILURE)
    assert wait([one, other]) == ({one, other}, set())
    assert wait([]) == (set(), set())


def test_gather_keeps_the_shape():
    one, two = done({"x": 1}), done([2])
    structure = {"a": [one["x"], "text"], "b": (two[0], None), 3: two}
    assert gather(structure) == {"a": [1, "text"], "b": (2, None), 3: [2]}
    assert gather(one) == {"x": 1}
    assert gather([]) == []


def test_gather_raises_all_failures_at_once_or_leaves_them_in_place():
    structure = [done(1), done(FAILURE), {"x": done([FAILURE])}]
    with pytest.raises(FlowFailure) as raised:
        gather(structure)
    assert raised.value.failures == [FAILURE, FAILURE]
    assert raised.value.value == [1, FAILURE, {"x": [FAILURE]}]
    assert gather(structure, on_failure="return") == [1, FAILURE, {"x": [FAILURE]}]


def test_gather_that_is_not_done_in_time():
    with pytest.raises(TimeoutError, match="relax_job is not done"):
        gather([done(1), pending()], timeout=0.01)
    assert gather([done(1)], timeout=0) == [1]


def test_callbacks_get_the_future():
    future, seen = pending()["x"], []
    future.add_done_callback(seen.append)
    assert seen == []
    future._node.set_result({"x": 1})
    future.add_done_callback(seen.append)
    assert seen == [future, future]


def test_await():
    async def main():
        future = pending()
        threading.Timer(0.05, future._node.set_result, [{"x": 3}]).start()
        with pytest.raises(JobFailure):
            await done(FAILURE)
        return await future["x"], await done(4), await asyncio.gather(future["x"], done(5))

    assert asyncio.run(main()) == (3, 4, [3, 5])


def test_who_stops_waiting_does_not_stop_the_job():
    future = pending()

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(future, 0.01)
        assert not future.done()
        future._node.set_result(7)
        return await future

    assert asyncio.run(main()) == 7


def test_a_future_that_cannot_be_waited_for_says_so():
    future = pending()
    future._node.no_waiting = "the graph is built first"
    for ask in (future.result, future.wait, future.exception, lambda: wait([future]), lambda: gather([future])):
        with pytest.raises(EngineError, match="the graph is built first"):
            ask()

    async def main():
        await future

    with pytest.raises(EngineError, match="the graph is built first"):
        asyncio.run(main())


def test_a_failure_that_came_after_the_wait_was_given_up_is_still_raised(tmp_path):
    """Only who has seen a failure has dealt with it."""

    @job
    def fail_once_told(path):
        import time

        while not path.exists():
            time.sleep(0.01)
        raise ValueError("late")

    @flow
    def workflow():
        future = fail_once_told(tmp_path / "go")
        with pytest.raises(TimeoutError):
            future.result(timeout=0.01, raise_on_failure=False)
        (tmp_path / "go").touch()
        return future

    with change_settings(local_workers=2), pytest.raises(FlowFailure, match="late"):
        workflow()
