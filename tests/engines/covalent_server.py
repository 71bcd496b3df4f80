"""A real Covalent server, for as long as tests need one."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

START = "import sys; from covalent_dispatcher._cli.cli import cli; sys.exit(cli())"
OPTIONS = ["start", "--no-triggers", "--no-cluster", "--no-header"]


@contextmanager
def covalent_server(home: Path) -> Iterator[str]:
    """Start a server that keeps all its state in `home`, give its address, and end it with all that it started."""
    assert "covalent" not in sys.modules, "it has read where its server is when it was imported"
    address = f"http://localhost:{_free_port()}"
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("COVALENT_", "XDG_")):
                patch.delenv(name)
        patch.setenv("HOME", str(home))  # here too, and for good: a client finds the server by what stands in there
        environment = home / "environment"  # Covalent does not start where the path of its interpreter has spaces
        environment.symlink_to(sys.prefix)
        python = environment / Path(sys.executable).relative_to(sys.prefix)
        with (home / "server.log").open("w") as log:
            starter = subprocess.Popen(
                [python, "-c", START, *OPTIONS, "--port", address.rpartition(":")[2]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": str(home)},  # where it would leave a database behind
                start_new_session=True,  # the server leaves its starter, but not this session
            )
        try:
            _wait(address, starter, home / "server.log")
            yield address
        finally:
            _kill(starter)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])


def _wait(address: str, starter: subprocess.Popen, log: Path, patience: float = 120) -> None:
    """Until the server answers and its starter, which writes down where the server is, has ended."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not starter.poll():
        try:
            with urllib.request.urlopen(f"{address}/api/v2/dispatches", timeout=5):
                pass
        except OSError:
            time.sleep(0.1)
        else:
            if starter.wait(30) == 0:
                return
    raise RuntimeError(f"The Covalent server did not start:\n{log.read_text()}")


def _kill(starter: subprocess.Popen) -> None:
    """The server, its workers and, as these watch them, the processes of jobs."""
    deadline = time.monotonic() + 10
    try:
        while time.monotonic() < deadline:
            os.killpg(starter.pid, signal.SIGKILL)
            time.sleep(0.05)
    except (ProcessLookupError, PermissionError):
        pass  # all are gone
    starter.wait()
