"""Scripts in processes of their own, and what they leave behind."""

import contextvars
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def _as_from_a_shell() -> None:
    """Signals as a shell hands them on, whatever an engine that was tested before did to those of this process."""
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.default_int_handler)


_EXITING = 0x4  # PF_EXITING among the flags in /proc/PID/stat


class Script:
    """A user's script that runs. All processes that it starts inherit a mark."""

    def __init__(self, path: Path, output: str, environment: dict[str, str], before: Sequence[str] = ()) -> None:
        self._output = path.parent / output
        self._mark = uuid.uuid4().hex
        self.process = subprocess.Popen(
            [*before, sys.executable, str(path)],
            cwd=path.parent,
            env={**os.environ, "MARK_OF_TEST": self._mark, **environment},
            stdout=self._output.open("w"),
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_as_from_a_shell,
        )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def wait(self, timeout: float = 180) -> int:
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            raise AssertionError(f"still runs after {timeout} s:\n{self.output}\n{status}") from None

    def alive(self) -> dict[int, str]:
        """The processes with the mark, or in the script's session, by id."""
        found = {}
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self._owns(entry):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                    found[int(entry.name)] = command[:150]
            except OSError:
                pass  # it ended meanwhile, or is not ours
        return found

    def _owns(self, entry: Path) -> bool:
        state, *rest = (entry / "stat").read_text().rpartition(")")[2].split()
        if state in "ZX":
            return False  # it has ended, and nobody has waited for it
        if int(rest[5]) & _EXITING:
            return True  # or may: its mark is given back first, and it ends a moment later
        return rest[2] == str(self.process.pid) or self._mark.encode() in (entry / "environ").read_bytes()

    def kill_all(self) -> None:
        for pid in self.alive():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()


@contextmanager
def script(
    directory: Path, text: str, output: str = "stdout", before: Sequence[str] = (), **environment: str
) -> Iterator[Script]:
    """Run a script, by a command `before` its own, and end whatever is left of it with the block."""
    path = directory / "script.py"
    path.write_text(text)
    running = Script(path, output, environment, before)
    try:
        yield running
    finally:
        running.kill_all()


def wait_until(condition: Callable[[], object], what: str, timeout: float = 120) -> None:
    """Wait for a condition; a test that waits in vain says what for."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"after {timeout} s: {what}")
        time.sleep(0.1)


class Beside(threading.Thread):
    """A call that runs, with the settings of its maker, while the test goes on."""

    def __init__(self, call: Callable[..., object], *args: object) -> None:
        # A daemon, as what a failed test does not wait for would keep the process that tests.
        super().__init__(daemon=True)
        self._call, self._context = (call, *args), contextvars.copy_context()
        self.start()

    def run(self) -> None:
        self._found = self._context.run(*self._call)

    def result(self) -> object:
        """Return what the call returns, after up to four minutes."""
        self.join(240)
        return self._found

    def wait_for(self, file: Path, what: str) -> str:
        """Return the text of a file that the call writes, as soon as there is some."""
        wait_until(lambda: (file.exists() and file.stat().st_size) or not self.is_alive(), what)
        return file.read_text()


def listening(pids):
    """Addresses and ports on which processes take connections, from the kernel's tables."""
    sockets = set()
    for pid in pids:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                sockets.add(os.readlink(entry))
            except OSError:
                pass
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                address, port = fields[1].split(":")
                found.add((address, int(port, 16)))
    return found
