"""What all tests share: no server of the user's is touched, and nothing is sent to anyone."""

import faulthandler
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from tests.codes import interpreters

# How long a test takes says nothing on a busy machine.
hypothesis.settings.register_profile("adatom", hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("adatom")

# Begun by `nohup`, or with `&` in a script, a process ignores Ctrl-C, and so would all scripts that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Before any engine is imported.
_HOME = tempfile.TemporaryDirectory(prefix="adatom-tests-")
os.environ.update(
    PREFECT_HOME=f"{_HOME.name}/prefect",
    PREFECT_SERVER_ANALYTICS_ENABLED="false",
    PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="180",  # of users' own flows: it takes more than 20 s under load
    PREFECT_LOGGING_LEVEL="WARNING",
    DO_NOT_TRACK="1",
    ADATOM_CONFIG_FILE=os.devnull,
    ADATOM_CACHE_DIR=f"{_HOME.name}/cache",
    XDG_STATE_HOME=f"{_HOME.name}/state",  # where the key of the user's is
    **interpreters(),
)


def pytest_unconfigure() -> None:
    """A thread that never ends must not keep the process: after two minutes it fails, and tells where each is.

    One of several processes may wait for the last test of another.
    """
    seconds = 1200 if "PYTEST_XDIST_WORKER" in os.environ else 120
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def prefect_server() -> dict[str, str]:
    """Variables that name the server of this process, with its key, to scripts: one of its own costs each 10 s."""
    from adatom import change_settings
    from adatom.execution.registry import get_engine
    from tests.engines.prefect_runs import server_variables

    with change_settings(workflow_engine="prefect"):
        get_engine()
    return server_variables()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that 256 kB fill."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", disk], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small disk: {mounted.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)  # an MPI daemon may be there for a moment longer


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """No room on a small disk."""
    filler = disk / "filler"
    with pytest.raises(OSError, match="No space left"), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def own_rows(tmp_path: Path) -> Iterator[Path]:
    """Models of the user's, and the file of their weights."""
    from adatom import change_settings
    from tests.calculators import own_model

    table, weights = tmp_path / "models.yaml", tmp_path / "weights.txt"
    table.write_text(own_model.TABLE)
    weights.write_text("0.3")
    own_model.loads.clear()
    with change_settings(models=table, results_dir=tmp_path / "results"):
        yield weights
