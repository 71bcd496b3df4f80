import concurrent.futures
import threading
import tracemalloc

import pytest

from adatom.execution.light_future import LightFuture


def soon(function):
    timer = threading.Timer(0.05, function)
    timer.start()
    return timer


def test_a_thread_waits_for_the_result():
    future = LightFuture()
    soon(lambda: future.set_result(3))
    assert future.result(timeout=10) == 3
    failed = LightFuture()
    soon(lambda: failed.set_exception(ValueError("no such luck")))
    with pytest.raises(ValueError, match="no such luck"):
        failed.result(timeout=10)
    with pytest.raises(concurrent.futures.TimeoutError):
        LightFuture().result(timeout=0.01)


def test_many_threads_wait_for_one_result():
    future, seen = LightFuture(), []
    threads = [threading.Thread(target=lambda: seen.append(future.result(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    future.set_result("all")
    for thread in threads:
        thread.join()
    assert seen == ["all"] * 8


@pytest.mark.parametrize("when", ["ALL_COMPLETED", "FIRST_COMPLETED"])
def test_the_functions_of_the_library_wait_for_it(when):
    futures = [LightFuture() for _ in range(4)]
    for number, future in enumerate(futures[1:]):
        soon(lambda future=future, number=number: future.set_result(number))
    futures[0].set_result("first")
    done, _ = concurrent.futures.wait(futures, timeout=10, return_when=when)
    assert futures[0] in done
    assert (len(done) == 4) or when == "FIRST_COMPLETED"
    assert {future.result() for future in concurrent.futures.as_completed(futures, timeout=10)} == {"first", 0, 1, 2}


def test_callbacks_and_cancellation():
    future, seen = LightFuture(), []
    future.add_done_callback(seen.append)
    assert future.cancel()
    assert seen == [future]
    with pytest.raises(concurrent.futures.CancelledError):
        future.result()
    with pytest.raises(concurrent.futures.InvalidStateError):
        future.set_result(1)


def size_of(kind):
    tracemalloc.start()
    try:
        kept = [kind() for _ in range(1000)]
        return tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()


def test_it_is_light():
    assert size_of(LightFuture) < 0.5 * size_of(concurrent.futures.Future)
