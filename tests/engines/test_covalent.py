"""What only Covalent does."""

import os
import signal
import tarfile
from pathlib import Path

import pytest

from adatom import flow, job
from adatom.errors import EngineError
from adatom.execution.registry import engine_class, is_installed
from tests.engines.conftest import WANTED
from tests.engines.processes import script, wait_until

if WANTED and "covalent" not in WANTED:
    pytest.skip("another environment tests it", allow_module_level=True)
if not WANTED and not is_installed(engine_class("covalent")):
    pytest.skip("pip install 'adatom[covalent]'", allow_module_level=True)
pytestmark = pytest.mark.xdist_group("covalent")

# An interrupt in a finaliser is one that Python prints and forgets.
INTERRUPTED_IN_A_FINALISER = """
import os, signal, time
import requests
from adatom import flow, job

class Answer:
    def __init__(self, answer):
        self.answer = answer
    def __getattr__(self, name):
        return getattr(self.answer, name)
    def __del__(self):
        open("answered", "a").close()
        time.sleep(0.5)

get = requests.get
requests.get = lambda *args, **kwargs: Answer(get(*args, **kwargs))

@job
def long():
    time.sleep(300)

@flow
def workflow():
    return long()

workflow()
"""


@pytest.mark.parametrize("running", ["covalent"], indirect=True)
def test_ctrl_c_in_a_finaliser_is_not_lost(environment, tmp_path):
    with script(tmp_path, INTERRUPTED_IN_A_FINALISER, **environment) as running:
        seen = tmp_path / "answered"
        for _ in range(3):  # the first is of the check that a server is there
            wait_until(seen.exists, "nothing was asked")
            seen.unlink()
        wait_until(seen.exists, "nothing was asked")
        os.kill(running.process.pid, signal.SIGINT)
        assert running.wait(60) != 0
        assert "KeyboardInterrupt" in running.output


def test_a_python_on_which_its_server_fails_is_refused(monkeypatch):
    monkeypatch.delattr(tarfile, "tar_filter")  # which Debian's Python 3.11.2 does not have
    with pytest.raises(EngineError, match=r"Covalent needs Python 3\.11\.4 or later, and this is 3\."):
        engine_class("covalent")()


@job
def worker(previous=None):
    return os.getpid()


@flow
def one_after_the_other(number):
    pids = [worker()]
    while len(pids) < number:
        pids.append(worker(pids[-1]))
    return pids


@pytest.mark.parametrize("running", ["covalent"], indirect=True)
def test_jobs_of_a_dispatch_share_workers(engine):
    processes = os.cpu_count()  # of Covalent's local executor
    first, second = one_after_the_other(processes + 1), one_after_the_other(processes + 1)
    assert len(set(first)) <= processes
    assert not set(first) & set(second)  # a later dispatch may come with other code
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in first + second), "idle workers are left")
