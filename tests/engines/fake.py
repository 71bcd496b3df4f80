"""An engine of threads with deliberate faults, to show that the conformance suite can fail.

``FAKE_FAULT`` names the fault; without one the engine is right, and passes.
"""

import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from importlib.metadata import EntryPoint

import cloudpickle

from adatom.execution import registry
from adatom.execution.call import Batch, Call
from adatom.execution.engine import Capabilities, Engine
from adatom.execution.failure import Failure
from adatom.execution.worker import pack, unpack
from adatom.settings import Settings, travelling

LOCK = threading.Lock()


def twice(work):
    pack(work)
    return pack(work)


def swallow(work):
    outcome = unpack(pack(work))
    return None if isinstance(outcome, Failure) else cloudpickle.dumps(outcome)


def in_turn(work):
    with LOCK:
        return pack(work)


def forget_settings(work):
    header = cloudpickle.dumps((travelling(Settings(results_dir="elsewhere")), []))
    return pack(replace(work, header=header) if isinstance(work, Call) else work)


def flat_directories(work):
    if isinstance(work, Call):
        folder, name = os.path.split(work.directory)
        work = replace(work, directory=os.path.join(os.path.dirname(folder), name))
    return pack(work)


def ignore_timeout(work):
    return pack(replace(work, timeout=None) if isinstance(work, Call) else work)


def ignore_retries(work):
    return pack(replace(work, retries=0) if isinstance(work, Call) else work)


def lists_for_tuples(work):
    if isinstance(work, Batch):
        return pack(work)
    outcome = unpack(pack(work))
    return cloudpickle.dumps(list(outcome) if isinstance(outcome, tuple) else outcome)


def reverse_batches(work):
    packed = pack(work)
    if isinstance(work, Call):
        return packed
    results, elapsed = unpack(packed)
    return cloudpickle.dumps((results[::-1], elapsed))


def hide_cause(work):
    outcome = unpack(pack(work))
    return outcome if not isinstance(outcome, Failure) else replace(outcome, cause=None, traceback="", directory=None)


FAULTS = {
    fault.__name__: fault
    for fault in (
        twice,
        swallow,
        in_turn,
        forget_settings,
        flat_directories,
        ignore_timeout,
        ignore_retries,
        lists_for_tuples,
        reverse_batches,
        hide_cause,
    )
}


class FakeEngine(Engine):
    """Threads; nothing is started that needs ending but them."""

    name = "fake"
    runner_type = "a number of threads"
    capabilities = Capabilities(processes=False)

    def __init__(self, runner=None):
        super().__init__(runner)
        self._threads = ThreadPoolExecutor(runner or 4)
        self._run = FAULTS.get(os.environ.get("FAKE_FAULT", ""), pack)

    @property
    def slots(self):
        return 4

    def submit(self, work, options) -> Future:
        if options:
            raise TypeError(f"unknown options {options}")
        return self._threads.submit(self._run, work)

    def close(self):
        self._threads.shutdown()

    @classmethod
    def make_runner(cls, workers):
        return workers


def register() -> None:
    """Make it known, as an installed package would."""
    registry._entry_points()["fake"] = EntryPoint("fake", "tests.engines.fake:FakeEngine", "adatom.engines")
