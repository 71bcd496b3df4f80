"""What is the embedded engine's own."""

import os
import pickle
import threading
import time
from concurrent.futures import wait

import pytest
from ase import Atoms

from adatom.configs import AutoparaInfo, map
from adatom.execution.pool import LocalPool
from adatom.execution.registry import close_engines


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


def test_each_worker_sees_one_gpu(monkeypatch):
    def seen(atoms):
        time.sleep(0.05)
        atoms.info["worker"], atoms.info["gpu"] = os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES", "all")
        return atoms

    def spread():
        close_engines()  # workers that are there keep theirs
        found = map(seen, [Atoms("H")] * 40, autopara_info=AutoparaInfo(workers=4, batch=1))
        workers = {atoms.info["worker"]: atoms.info["gpu"] for atoms in found}
        return sorted(workers.values())

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-5f")
    assert set(spread()) == {"2", "GPU-5f"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert set(spread()) == {""}
    close_engines()


def test_a_worker_that_is_killed_before_it_is_up_is_replaced():
    with LocalPool(1) as pool:
        future = pool.submit(os.getpid)
        killed = set()
        while len(killed) < 3 and not future.done():
            for pid in pool.pids() - killed:
                os.kill(pid, 9)  # while Python starts
                killed.add(pid)
        assert pickle.loads(future.result(60)) not in killed
    assert len(killed) == 3


def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_replaced():
    with LocalPool(1) as pool:
        first = pickle.loads(pool.submit(os.getpid).result(60))
        os.kill(first, 9)
        os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # until it is dead with all of its threads
        assert pickle.loads(pool.submit(os.getpid).result(60)) != first
