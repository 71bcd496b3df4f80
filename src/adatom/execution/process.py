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
from io import BytesIO
from multiprocessing.connection import Connection, Pipe
from typing import Any

import cloudpickle

from adatom.errors import JobTimeoutError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.deadline import request_stop, stop_requested
from adatom.execution.worker import pack

__all__ = ["GRACE", "Child"]

GRACE = 6.0  # seconds that a worker has after SIGTERM to mark the directory of its job
# The search path is handed over in place of an environment variable, so that the user's own PYTHONPATH stays as it is.
_START = "import sys; sys.path[:] = {path!r}; from adatom.execution.process import main; main({fd})"


class Child:
    """A worker process, in a session of its own so that it can be killed with all processes that it started.

    The worker is a clean interpreter and never imports the user's ``__main__``, so a script needs no guard.

    Parameters
    ----------
    beside_others
        Whether the worker is one of several that work at the same time. Then numerical libraries use one thread in
        each, unless ``OMP_NUM_THREADS`` is set: with a thread for each core, the workers would slow one another down.
    gpu
        Only GPU that the worker is to see, in the words of ``CUDA_VISIBLE_DEVICES``; None: all that this process sees.
    """

    def __init__(self, beside_others: bool = False, gpu: str | None = None) -> None:
        self._pipe, theirs = Pipe()
        self._ending = threading.Lock()
        self._told_to_stop = False
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
        """Process id of the worker."""
        return self.process.pid

    def send(self, work: Any) -> None:
        """Give the worker a `Call` or `Batch` to `pack`, or a function to call.

        Parameters
        ----------
        work
            Call, batch or function without parameters. The worker first ends the work that it was given before.
        """
        try:
            self._pipe.send_bytes(cloudpickle.dumps(work))
        except OSError:
            pass  # the worker is dead, which `receive` reports

    def wait_until_up(self, *pickled: bytes) -> None:
        """Wait until the interpreter is up and has imported the modules that it is about to need: that takes seconds.

        Parameters
        ----------
        *pickled
            Pickled objects, whose modules are imported.

        Raises
        ------
        WorkerDiedError
            The process has ended.
        """
        self.send(partial(_unpickle, pickled))
        self.receive()

    @property
    def was_killed(self) -> bool:
        """Return whether the worker ended by SIGKILL, which comes from outside and not from its own work."""
        return self.process.poll() == -signal.SIGKILL

    def receive(self, timeout: float | None = None) -> bytes:
        """Wait for the next answer.

        Parameters
        ----------
        timeout
            Longest wait in seconds; None: no limit.

        Raises
        ------
        WorkerDiedError
            The process has ended.
        JobTimeoutError
            No answer came in time.
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
        """Ask the worker, once, to stop after the step of its job, or now, and to mark the directory of the job."""
        if not self._told_to_stop:  # a second signal would end the job in the middle of its step
            self._told_to_stop = True
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the worker and all processes that it started; any thread may call this, at any time."""
        self._signal(signal.SIGKILL)
        self.process.wait()
        with self._ending:
            self._pipe.close()

    def stop(self, grace: float = GRACE) -> None:
        """Let the worker mark the directory of its job, then end it and all processes that it started.

        Parameters
        ----------
        grace
            Longest time in seconds for the worker to end by itself.
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


def _unpickle(pickled: Sequence[bytes]) -> None:
    """Import the modules that a call needs, before its clock starts."""
    try:
        for data in map(BytesIO, pickled):
            while data.tell() < len(data.getbuffer()):
                cloudpickle.load(data)
    except Exception:
        pass  # `execute` reports the same error


def main(descriptor: int) -> None:
    """Do the work that comes through the pipe, and answer, until the pipe closes: the worker's side.

    Parameters
    ----------
    descriptor
        File descriptor of the pipe.
    """
    pipe = Connection(descriptor)
    work: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def read() -> None:
        try:
            while True:
                work.put(pipe.recv_bytes())
        except (EOFError, OSError):
            # The parent is gone, or has no more use for this process: end it, and the processes that a job started.
            os.killpg(os.getpid(), signal.SIGKILL)

    busy = False

    def terminated(number: int, frame: Any) -> None:
        if not busy or stop_requested():
            raise KeyboardInterrupt("the worker was told to stop")
        request_stop("the worker was told to stop")  # a job with steps stops after the current one,
        again = threading.Timer(GRACE / 2, os.kill, (os.getpid(), signal.SIGTERM))  # any other when this asks again
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
            # Text that jobs print to a file is held in a buffer, and would be lost when this process is killed.
            with suppress(Exception):  # a job may have closed the stream
                sys.stdout.flush()
            pipe.send_bytes(answer)
            busy = False
    except (KeyboardInterrupt, OSError):
        os._exit(1)
