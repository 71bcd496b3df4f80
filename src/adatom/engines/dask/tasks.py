"""Tasks of a Dask client: sent, watched, and sent again when the connection is lost."""

from __future__ import annotations

import os
import queue
import socket
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from typing import Any

from adatom.errors import EngineError, WorkerDiedError
from adatom.execution.call import Batch, Call
from adatom.execution.light_future import LightFuture
from adatom.execution.worker import pack

__all__ = ["Tasks"]

_SECONDS = 10  # in which a scheduler that runs takes a new connection
_Submit = Callable[[Any], Any]  # from a client to the future of its task


class Tasks:
    """Sends work to a Dask scheduler, and hands its outcomes to futures of ours.

    Parameters
    ----------
    client
        Dask's client.
    connect
        Function that makes another client of the same scheduler, with its `timeout` in seconds; None: the client is
        the user's, and is never replaced.
    ledger
        Directory in which workers note the task they run; None: they do not.
    give_up
        Function that ends the engine, of the reason.
    """

    def __init__(
        self, client: Any, connect: Callable[..., Any] | None, ledger: str | None, give_up: Callable[[str], None]
    ) -> None:
        self.client = client
        self.unreachable = f"The Dask scheduler at {client.scheduler.address} cannot be reached. Does it run?"
        self._connect, self._ledger, self._give_up = connect, ledger, give_up
        self._lock = threading.Lock()  # of the client, and of the tasks that it has
        self._sent: dict[str, tuple[Future[Any], _Submit]] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()  # Dask's futures; None: the end
        threading.Thread(target=self._collect, daemon=True).start()

    def submit(self, work: Call | Batch, **options: Any) -> Future[Any]:
        """Start a call or batch; `options` go to ``Client.submit``."""
        # The dashboard shows the part of the key before the last dash.
        key = f"{work.name}-{os.urandom(8).hex()}"
        ledger, future = self._ledger, LightFuture[Any]()
        with self._lock:
            self._sent[key] = (
                future,
                lambda client: client.submit(_pack, work, key, ledger, key=key, pure=False, **options),
            )
            try:
                self._send(key)
            except BaseException:
                del self._sent[key]
                raise
        return future

    def close(self) -> None:
        """Watch no task any more."""
        self._ended.put(None)

    def _send(self, key: str) -> None:
        from distributed.client import done_callback

        task = self._sent[key][1](self.client)
        # `Future.add_done_callback` does the same in a thread pool, which has ended before the script's last jobs.
        self.client.loop.add_callback(done_callback, task, self._ended.put)

    def _collect(self) -> None:
        """Fetch results in groups: one at a time would cost a round trip to the scheduler each."""
        while (first := self._ended.get()) is not None:
            ended = [first]
            while not self._ended.empty():
                more = self._ended.get()
                if more is None:
                    break
                ended.append(more)
            self._fetch([task for task in ended if task.client is self.client])  # others were sent again
            del first, ended  # Dask keeps a result that somebody holds, and computes it again after a worker's death
            more = None

    def _fetch(self, ended: list[Any]) -> None:
        good = [task for task in ended if task.status == "finished"]
        try:
            values = dict(zip((task.key for task in good), self.client.gather(good), strict=True))
        except Exception:  # a worker died while it held a result: one by one, so that only those are lost
            values = {}
        for task in ended:
            if task.client is not self.client:
                return  # the rest was sent again by now
            if task.key in values:
                self._settle(task.key, values[task.key])
            else:
                self._look(task)

    def _look(self, task: Any) -> None:
        """Settle a task of which there may be no result."""
        from distributed import KilledWorker

        try:
            self._settle(task.key, task.result())
        except KilledWorker as error:
            if self._ledger and not _was_running(task.key, self._ledger):
                task.release()
                with self._lock:
                    self._send(task.key)
            else:
                self._settle(task.key, WorkerDiedError(f"the Dask worker {error.last_worker.address} died"))
        except CancelledError as error:
            if getattr(error, "reason", "") != "scheduler-connection-lost":
                self._settle(task.key, EngineError(f"Dask cancelled the job: {error}"))
            elif self._connect is None:
                self._settle(task.key, EngineError(self.unreachable))
            else:
                self._connect_again(self._connect)
        except BaseException as error:
            self._settle(task.key, error)

    def _settle(self, key: str, value: Any) -> None:
        future, _ = self._sent.pop(key)
        with suppress(InvalidStateError):  # the engine was given up meanwhile
            if isinstance(value, BaseException):
                future.set_exception(value)
            else:
                future.set_result(value)

    def _connect_again(self, connect: Callable[..., Any]) -> None:
        """Send all tasks through a new client.

        A client of Dask connects again by itself, but without its tasks, and the scheduler may take the end of the
        first connection for that of the second. Tasks keep their keys: what still runs, runs on.
        """
        with self._lock:
            lost = self.client
            try:
                self.client = connect(timeout=_SECONDS)
            except Exception:
                self._give_up(self.unreachable)
                return
            for key in self._sent:
                self._send(key)
        with suppress(Exception):  # it has nothing left to lose
            lost.close(timeout=1)


def _pack(work: Call | Batch, key: str, ledger: str | None) -> bytes:
    """Run `pack`, with a note of the task that this worker runs.

    When a worker dies, Dask also blames the tasks that waited in its queue. The note tells which one was running.
    """
    if ledger is None:
        return pack(work)
    note = f"{ledger}/{socket.gethostname()}-{os.getpid()}.running"
    with open(note, "w") as file:
        file.write(key)
    packed = pack(work)
    os.truncate(note, 0)
    return packed


def _was_running(key: str, ledger: str) -> bool:
    return any(note.read_text() == key for note in Path(ledger).glob("*.running"))
