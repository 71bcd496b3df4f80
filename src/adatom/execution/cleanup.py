"""The end of the processes that an engine started on this machine, also if this process is killed before.

Clusters and servers outlive the script that started them if it gets no chance to end them. A process that is started
under `guarded` carries a mark in its environment, which its own children inherit. A small process, the guardian, waits
for this one to end, then ends all processes that carry the mark. The guardian imports nothing of adatom, as it is
started at every use of such an engine.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

__all__ = ["guarded"]

_MARK = "STARTED_BY_ADATOM"
_PROC = Path("/proc")  # missing on macOS, where psutil is used


@contextmanager
def guarded(directory: str | None = None) -> Iterator[Callable[[int], None]]:
    """Have the processes that are started in the block end with this process, however it ends, and not before.

    Ctrl-C in a terminal goes to all processes of a script. An engine whose server is gone cannot end in order, so the
    signal is blocked in the block; processes that are started there inherit that.

    Parameters
    ----------
    directory
        Directory to remove when this process has ended; None: none.

    Yields
    ------
    callable
        Function to call with the id of a process that writes over its environment, and so loses the mark.
    """
    mark, guardian = _guardian()

    def tell(*words: object) -> None:
        assert guardian.stdin
        print(*words, sep="\t", file=guardian.stdin, flush=True)

    if directory:
        tell("directory", directory)
    before = os.environ.get(_MARK)
    os.environ[_MARK] = mark
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield lambda pid: tell("process", pid, _born(pid))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)
        if before is None:
            del os.environ[_MARK]
        else:
            os.environ[_MARK] = before


@cache
def _guardian() -> tuple[str, subprocess.Popen[str]]:
    mark = f"{os.getpid()}-{os.urandom(8).hex()}"
    command = [sys.executable, "-I", __file__, mark, str(os.getpid())]
    # The guardian has a session of its own, so that Ctrl-C does not reach it.
    return mark, subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)


def _marked(mark: str) -> list[int]:
    """Return the processes that carry the mark, and their descendants, which may have written over it."""
    found: list[int] = []
    if _PROC.exists():
        children: dict[int, list[int]] = {}
        for entry in _PROC.iterdir():
            try:
                if entry.name.isdigit():
                    children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
                    if f"{_MARK}={mark}".encode() in (entry / "environ").read_bytes():
                        found.append(int(entry.name))
            except OSError:
                pass  # the process has ended, or is another user's
        for pid in found:  # the list grows meanwhile
            found += [child for child in children.get(pid, []) if child not in found]
    else:
        import psutil

        for process in psutil.process_iter():
            try:
                if process.environ().get(_MARK) == mark:
                    found.append(process.pid)
            except psutil.Error:
                pass
    return found


def _born(pid: int) -> str:
    """Return the start time of a process, as its id may be used again; empty if there is no such process."""
    try:
        if _PROC.exists():
            return _stat(pid)[19]
        import psutil

        return str(psutil.Process(pid).create_time())
    except Exception:  # the process has ended
        return ""


def _stat(pid: int) -> list[str]:
    """Return the fields of the kernel's record of a process, from its state on."""
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _main(mark: str, parent: int) -> None:
    directories: list[str] = []
    processes: list[tuple[int, str]] = []
    # The end of the pipe is no proof of the parent's end: processes that an engine forks hold the pipe open, too.
    while os.getppid() == parent:
        if select.select([sys.stdin], [], [], 0.5)[0]:
            match sys.stdin.readline().rstrip("\n").split("\t"):
                case ["directory", path]:
                    directories.append(path)
                case ["process", pid, born]:
                    processes.append((int(pid), born))
                case _:
                    break
    for _ in range(50):  # some processes are started anew by others, until those have ended too
        pids = _marked(mark) + [pid for pid, born in processes if _born(pid) == born]
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.1)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
