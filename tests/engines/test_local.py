"""What is the embedded engine's own."""

import threading
import time
from concurrent.futures import wait

import pytest

from adatom.engines.local import LocalPool


def sleep():
    time.sleep(300)


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.003, 0.01, 0.03])
def test_a_pool_that_is_stopped_ends_also_the_workers_that_are_about_to_start(delay):
    for _ in range(10):
        pool = LocalPool(2)
        futures = [pool.submit(sleep) for _ in range(4)]
        time.sleep(delay)
        closing = threading.Thread(target=pool.close, kwargs={"at_once": True}, daemon=True)
        closing.start()
        closing.join(30)
        assert not closing.is_alive(), f"{pool.pids()} still run"
        assert not pool.pids()
        assert not wait(futures, 0).not_done
