"""A worker process: a clean interpreter that runs calls and ends with the process that started it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

import cloudpickle

from adatom.errors import JobTimeoutError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.deadline import request_stop, stop_requested
from adatom.execution.directories import mark_interrupted
from adatom.execution.worker import pack, unpack

__all__ = ["GRACE", "Child", "execute_in_child"]

GRACE = 3.0  # seconds to mark its directory after SIGTERM
# The search path is handed over in place of an environment variable, so that the user's own PYTHONPATH stays as it is.
_START = "import sys; sys.path[:] = {path!r}; from adatom.execution.process import main; main({fd})"


class Child:
    """A worker process, in a session of its own so that it can be killed with all that it started.

    It starts a clean interpreter and never imports the user's ``__main__``, so a script needs no guard.

    Parameters
    ----------
    beside_others
        Whether it is one of several that work at the same time. Then numerical libraries use one thread each, unless
        ``OMP_NUM_THREADS`` is set: with a thread for each core in each worker they would slow one another down.
    gpu
        The only one that it is to see, as in ``CUDA_VISIBLE_DEVICES``; None: those that this process sees.
    """

    def __init__(self, beside_others: bool = False, gpu: str | None = None) -> None:
        self._pipe, theirs = Pipe()
        self._ending = threading.Lock()
        try:
            command = _START.format(path=[os.path.abspath(folder) for folder in sys.path], fd=theirs.fileno())
            self.process = subprocess.Popen(
                [sys.executable, "-c", command],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={
                    **({"OMP_NUM_THREADS": "1"} if beside_others else {}),
                    **os.environ,
                    **({} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}),
                },
            )
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def send(self, work: Any) -> None:
        """Give it something to do: a `Call` or `Batch` to `pack`, or a function to call.

        Parameters
        ----------
        work
            What to do. What was given before is done first.
        """
        try:
            self._pipe.send_bytes(cloudpickle.dumps(work))
        except OSError:
            pass  # it is dead, which `receive` says

    def wait_until_up(self, *pickled: bytes) -> None:
        """Wait until its interpreter is up and has imported what it is about to need, which takes seconds.

        Parameters
        ----------
        *pickled
            What needs it.

        Raises
        ------
        WorkerDiedError
            The process is gone.
        """
        self.send(partial(_unpickle, pickled))
        self.receive()

    @property
    def was_killed(self) -> bool:
        """Whether it ended by SIGKILL, which comes from outside, not from what it did."""
        return self.process.poll() == -signal.SIGKILL

    def receive(self, timeout: float | None = None) -> bytes:
        """Wait for the next answer.

        Parameters
        ----------
        timeout
            Longest wait in seconds.

        Raises
        ------
        WorkerDiedError
            The process is gone.
        JobTimeoutError
            There is no answer in time.
        """
        try:
            if timeout is not None and not self._pipe.poll(timeout):
                raise JobTimeoutError(f"stopped after {timeout} s, its timeout")
            return self._pipe.recv_bytes()
        except (EOFError, OSError) as error:
            if isinstance(error, JobTimeoutError):
                raise
            raise WorkerDiedError(f"the worker process {self.pid} {self._end()}") from None

    def _end(self) -> str:
        code = self.process.wait()
        return f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"

    def terminate(self) -> None:
        """Ask it to stop now: the job's directory is marked."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it, and all that it started; any thread may, at any time."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        with self._ending:
            self._pipe.close()

    def stop(self, grace: float = GRACE) -> None:
        """Let it mark its job's directory, then end it, and all that it started.

        Parameters
        ----------
        grace
            How long (s) it may take.
        """
        self.terminate()
        try:
            self.process.wait(grace)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def _signal(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass


def execute_in_child(call: Call, upstream: Sequence[Any], timeout: float) -> Any:
    """Run a call in a process of its own, so that it can be killed wherever the engine runs jobs.

    Parameters
    ----------
    call
        The call.
    upstream
        The results that fill its slots.
    timeout
        After how many seconds to kill it. The start of the interpreter does not count.
    """
    child = Child()
    try:
        child.wait_until_up(call.function, call.arguments)
        child.send(lambda: pack(call, upstream))  # not `execute`: a result that cannot be pickled is a failure too
        return unpack(unpack(child.receive(timeout)))
    except (JobTimeoutError, WorkerDiedError) as error:
        child.kill()
        marked = mark_interrupted(Path(call.directory_of(call.attempt)), str(error), make=True)
        return call.failure(error, marked)
    finally:
        child.kill()


def _unpickle(pickled: Sequence[bytes]) -> None:
    """Imports what a call needs, before its clock starts."""
    try:
        for data in pickled:
            cloudpickle.loads(data)
    except Exception:
        pass  # `execute` says so


def main(descriptor: int) -> None:
    """The worker's side: answer what comes through the pipe until it closes.

    Parameters
    ----------
    descriptor
        The file descriptor of the pipe.
    """
    pipe = Connection(descriptor)
    work: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                work.put(pipe.recv_bytes())
        except (EOFError, OSError):
            # The parent is gone, or has no more use for this process: end it, and what a job started.
            os.killpg(os.getpid(), signal.SIGKILL)

    busy = False

    def terminated(number: int, frame: Any) -> None:
        if not busy or stop_requested():
            raise KeyboardInterrupt("the worker was told to stop")
        request_stop("the worker was told to stop")  # a job that knows steps stops after this one,
        again = threading.Timer(GRACE / 2, os.kill, (os.getpid(), signal.SIGTERM))  # and any other then
        again.daemon = True
        again.start()

    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=read, daemon=True).start()
    try:
        while not stop_requested():
            data = work.get()
            busy = True
            todo = cloudpickle.loads(data)
            answer = pack(todo) if isinstance(todo, Call | Batch) else cloudpickle.dumps(todo())
            # What jobs print is kept back where it goes to a file, and lost when this process is ended.
            with suppress(Exception):  # a job may have closed it
                sys.stdout.flush()
            pipe.send_bytes(answer)
            busy = False
    except (KeyboardInterrupt, OSError):
        os._exit(1)
