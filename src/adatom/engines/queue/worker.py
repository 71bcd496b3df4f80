"""Workers of a batch job: they take tasks from a directory, and put answers there.

This file is copied beside the tasks and runs on its own. It needs Python and cloudpickle, and adatom only for tasks
that need adatom themselves.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

TAG = 16  # bytes of a signature
LOSSES = 10  # deaths of a worker, in a row and without a task, after which it is not replaced
GRACE = 3.0  # seconds that a job has after SIGTERM to mark its directory
NO_MEMORY = 75  # exit status of a batch job one of whose workers the kernel has killed for want of memory
# First byte of an answer: bytes of the task; why a worker died, cannot read the task, or nobody is to do it.
ANSWER, DIED, UNREADABLE, CANCELLED = b"a", b"d", b"u", b"c"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)  # errors of a disk that is full
_LISTED = 100  # tasks that a worker knows of before it looks again
_PAUSES = (0.01, 1.0, 1.3)  # seconds between two looks for tasks: first, at most; their growth
_LOOK = 0.5  # seconds between two looks at the whole spool


def sign(data: bytes, key: bytes) -> bytes:
    """Return data with a signature in front."""
    return hashlib.blake2b(data, digest_size=TAG, key=key).digest() + data


def verify(data: bytes, key: bytes) -> bytes:
    """Return data without the signature in front; a ``ValueError`` says that it is not ours."""
    if not hmac.compare_digest(sign(data[TAG:], key)[:TAG], data[:TAG]):
        raise ValueError("it is damaged, or somebody else wrote it")
    return data[TAG:]


def put(path: Path, data: bytes) -> None:
    """Write a file that appears whole."""
    part = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.rename(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def put_when_there_is_room(path: Path, data: bytes, given_up: Callable[[], bool] = bool) -> bool:
    """Write a file that appears whole, once its disk is not full; return whether that was before it was given up."""
    pause, told = _PAUSES[0], False
    while not given_up():
        try:
            put(path, data)
            return True
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            told = told or _tell(f"adatom: {path.parent}: {error.strerror}. It is tried again.")
        time.sleep(pause)
        pause = min(_PAUSES[1], pause * _PAUSES[2])
    return False


def _tell(words: str) -> bool:
    try:
        print(words, file=sys.stderr, flush=True)
    except (OSError, ValueError):  # that disk may be the full one; a job may have closed the stream
        pass
    return True


def names(directory: Path) -> list[str]:
    """Return the names of the whole files of a directory, in their order."""
    try:
        return sorted(name for name in os.listdir(directory) if not name.startswith("."))
    except FileNotFoundError:
        return []


class Slot:
    """One worker: a process that does one task at a time.

    Parameters
    ----------
    spool
        Directory with the tasks.
    name
        Name of the slot, unique in the spool.
    until
        Time, in seconds since the epoch, from which no task is begun; 0: no limit.
    first
        Whether the worker may begin a task as it starts, however late that is: else a walltime that is too short would
        be the end of one batch job after the other, and none would have done anything.
    """

    def __init__(self, spool: Path, name: str, until: float, first: bool) -> None:
        self.spool, self.until, self.first = spool, until, first
        self.taken = spool / "taken" / name
        self.taken.mkdir(0o700, exist_ok=True)
        self.key = (spool / "key").read_bytes()
        self.busy = self.told = False
        self.listed: list[str] = []
        self.session = ""
        self.parent = os.dup(0)  # the standard input ends with the parent; for jobs it is empty
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def run(self) -> None:
        """Do tasks until time is over, or the parent wants no more."""
        signal.signal(signal.SIGTERM, self._terminated)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        threading.Thread(target=_end_with_parent, args=(self.parent,), daemon=True).start()
        try:
            while name := next(iter(names(self.taken)), None) or self._next():
                self.busy = True
                answer = self._answer(self.taken / name)
                if (self.taken / name).exists():  # else it was cancelled, or given to another worker
                    self._give(name, sign(answer, self.key))
                    (self.taken / name).unlink(missing_ok=True)
                self.busy = False
        except KeyboardInterrupt:
            os._exit(1)

    def _give(self, name: str, answer: bytes) -> None:
        put_when_there_is_room(self.spool / "done" / name, answer, lambda: not (self.taken / name).exists())

    def _next(self) -> str | None:
        """Take a task, by renaming its file, which only one worker can."""
        pause = _PAUSES[0]
        at_once = self.first
        while not self.told and (at_once or self._has_time()) and not closing(self.taken).exists():
            at_once = False
            if not self.listed:
                self.listed = _oldest_last(self.spool / "waiting")
                if len(self.listed) == _LISTED:  # else all workers would try to take the same ones
                    random.shuffle(self.listed)
            while self.listed:
                name = self.listed.pop()
                try:
                    os.rename(self.spool / "waiting" / name, self.taken / name)
                except FileNotFoundError:  # another worker has it
                    continue
                return name
            time.sleep(pause)
            pause = min(_PAUSES[1], pause * _PAUSES[2])
        return None

    def _has_time(self, seconds: float = 0.0) -> bool:
        return not self.until or time.time() + seconds < self.until

    def _answer(self, path: Path) -> bytes:
        try:
            task = self._task(verify(path.read_bytes(), self.key))
        except Exception as error:
            return UNREADABLE + f"no worker can read it: {type(error).__name__}: {error}".encode()
        answer: bytes = task()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:  # a job may have closed it
                pass
        return ANSWER + answer

    def _task(self, data: bytes) -> Callable[[], bytes]:
        about, _, pickled = data.partition(b"\n")
        caller = json.loads(about)
        if self.session not in ("", caller["session"]):  # another script, or this one with other code
            os.dup2(self.parent, 0)
            os.execv(sys.executable, [sys.executable, *sys.argv[:-1], ""])  # it does the task that was taken
        self.session = caller["session"]
        sys.path += [folder for folder in caller["path"] if folder not in sys.path]
        if os.path.isdir(caller["directory"]):
            os.chdir(caller["directory"])
        import cloudpickle

        task: Callable[[], bytes] = cloudpickle.loads(pickled)
        deadline = sys.modules.get("adatom.execution.deadline")
        if self.first and deadline and not self._has_time(deadline.LEAST):
            deadline.lift()  # the job may take longer than that, and then is ended with the batch job
            self.until = time.time()
        self.first = False
        return task

    def _terminated(self, number: int, frame: object) -> None:
        """Stop after the current step of a job that has steps; any other ends when this is asked again."""
        deadline = sys.modules.get("adatom.execution.deadline")
        if not self.busy or self.told or deadline is None:
            raise KeyboardInterrupt("the worker was told to stop")
        self.told = True
        deadline.request_stop("the worker was told to stop")
        again = threading.Timer(GRACE / 2, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        again.start()


def closing(taken: Path) -> Path:
    """Return the file by which a worker is told to take no further task."""
    return taken / ".closing"


def _oldest_last(directory: Path) -> list[str]:
    """Return the names of the oldest whole files of a directory, the oldest at the end."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                try:
                    found.append((entry.stat().st_mtime_ns, entry.name))
                except FileNotFoundError:
                    pass
    return [name for _, name in sorted(found, reverse=True)[-_LISTED:]]


def _end_with_parent(pipe: int) -> None:
    """End this process, and those that a job started, when the parent has ended."""
    os.read(pipe, 1)
    os.killpg(os.getpid(), signal.SIGKILL)


class Workers:
    """The workers of one batch job, which replace one another when they die.

    Parameters
    ----------
    spool
        Directory with the tasks.
    name
        Name of the batch job.
    count
        Number of workers.
    idle
        Seconds without a task after which all workers end.
    seconds
        Seconds from now on in which tasks are begun; 0: no limit.
    script
        Name of the file of the batch job, which is there as long as somebody knows of the batch job: not any more, if
        the answer of the scheduler was lost.
    """

    def __init__(self, spool: Path, name: str, count: int, idle: float, seconds: float, script: str) -> None:
        self.spool, self.name, self.idle, self.script = spool, name, idle, spool / script
        self.until = time.time() + seconds if seconds else 0.0
        self.count, self.losses = count, [0] * count
        self.kills, self.short = oom_kills(), -1  # the second: number of a worker that was killed for want of memory
        self.gpus = [gpu for gpu in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if gpu]
        self.told = False
        signal.signal(signal.SIGTERM, self._terminated)
        if not self.script.exists():
            sys.exit(f"adatom: nobody looks after {name}.")
        self.running = {number: self._start(number, first=True) for number in range(count)}

    def _start(self, number: int, first: bool = False) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[number % len(self.gpus)]
        if self.until:
            environment["ADATOM_WALLTIME"] = str(max(1.0, self.until - time.time()))
        words = [self.spool, self._slot(number), self.until, "first" * first]
        command = [sys.executable, os.path.abspath(__file__), "slot", *map(str, words)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, env=environment)

    def _slot(self, number: int) -> str:
        return f"{self.name}.{number}"

    def _terminated(self, signal_number: int, frame: object) -> None:
        self.told = True

    def run(self) -> None:
        """Look after the workers until all have ended."""
        busy = looked = time.monotonic()
        while self.running and not self.told:
            now = time.monotonic()
            if now > looked + _LOOK:
                looked = now
                if self._has_tasks():
                    busy = now
                if now > busy + self.idle or not self.script.exists():
                    self._close()
            for number, process in list(self.running.items()):
                code = process.poll()
                if code is not None:
                    del self.running[number]
                    end(process)
                    if self._was_lost(number, code):
                        self.running[number] = self._start(number)
            time.sleep(0.05)
        self._stop()
        # Else tasks stay for who asks the scheduler why: what a walltime cuts runs again, not what was cancelled.
        for number in range(0 if self.told else self.count):
            if number != self.short:  # its task is for a batch job with more memory, if there is one
                self._put_back(number)
        if self.short >= 0:
            sys.exit(NO_MEMORY)

    def _has_tasks(self) -> bool:
        slots = (self.spool / "taken" / self._slot(number) for number in range(self.count))
        return any(map(names, [self.spool / "waiting", *slots]))

    def _close(self) -> None:
        """Let each worker end, with the task that it may be about to take. A worker alone would be missed."""
        for number in self.running:
            closing(self.spool / "taken" / self._slot(number)).touch()

    def _was_lost(self, number: int, code: int) -> bool:
        """Answer for the task of a worker that has ended, and return whether the worker is to be replaced."""
        if self.short < 0 and code == -signal.SIGKILL and oom_kills() > self.kills:
            self.short = number
            self._close()
            return False
        if self._tell_of_death(number, code):
            self.losses[number] = 0
        elif code == 0:
            return False
        else:
            self.losses[number] += 1
        return not self.told and self.losses[number] < LOSSES and (not self.until or time.time() < self.until)

    def _tell_of_death(self, number: int, code: int) -> bool:
        how = f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with exit status {code}"
        key = (self.spool / "key").read_bytes()
        taken = self.spool / "taken" / self._slot(number)
        lost = names(taken)
        for name in lost:
            answer = self.spool / "done" / name
            if not answer.exists() and not put_when_there_is_room(
                answer, sign(DIED + f"the worker {how}".encode(), key), lambda: self.told
            ):
                continue
            (taken / name).unlink(missing_ok=True)
        return bool(lost)

    def _stop(self) -> None:
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + GRACE
        for process in self.running.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
            end(process)

    def _put_back(self, number: int) -> None:
        taken = self.spool / "taken" / self._slot(number)
        for name in names(taken):
            try:
                if not (self.spool / "done" / name).exists():
                    os.rename(taken / name, self.spool / "waiting" / name)
            except FileNotFoundError:  # it was cancelled
                pass


def oom_kills() -> int:
    """Return how many processes of this one's control group the kernel has killed for want of memory."""
    found = 0
    for line in _lines("/proc/self/cgroup"):
        _, kinds, path = line.split(":", 2)
        if not kinds:
            file = f"/sys/fs/cgroup{path}/memory.events"
        elif "memory" in kinds.split(","):
            file = f"/sys/fs/cgroup/memory{path}/memory.oom_control"
        else:
            continue
        found += sum(int(entry.split()[1]) for entry in _lines(file) if entry.startswith("oom_kill "))
    return found


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text().splitlines()
    except OSError:
        return []


def end(process: subprocess.Popen[bytes]) -> None:
    """End a worker and all processes that its job started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def main(kind: str, spool: str, name: str, *words: str) -> None:
    """Run the workers of a batch job (``workers``), or one of them (``slot``)."""
    path = Path(os.path.abspath(spool))
    if kind == "slot":
        Slot(path, name, float(words[0]), first=bool(words[1])).run()
    else:
        Workers(path, name, int(words[0]), float(words[1]), float(words[2]), words[3]).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
