"""What all fake batch systems share: the spool, how a script is started and ended, and what spoils it.

A command (`qsub`, `pjstat`, ...) is a process that reads and writes the spool and ends. Each job has one more process,
its supervisor, which outlives the command that submitted it: it waits for the job's turn, starts the script as the
leader of a session of its own, ends it when it must and writes down what became of it. There is no server.

    spool/settings.json     which dialect, and what `installed` was told
    spool/orders.json       what is to go wrong; every order is used up
    spool/calls.jsonl       every command line, for tests that count them
    spool/jobs/KEY.json     one job (KEY is its number, or `12345[0]` in an array); KEY.lock: its supervisor lives
    spool/scripts/KEY       the script as it was when submitted, which later edits do not change
    spool/errors.log        what went wrong with the fake itself
"""

import argparse
import contextlib
import fcntl
import importlib
import io
import json
import os
import pwd
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Job = dict[str, Any]

GRACE = 0.3  # s between the signal that asks and the one that ends; 10 and more on real systems


class Refused(Exception):
    """What a command says on standard error before it ends with a status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Spool:
    """The files of one fake batch system."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    @property
    def settings(self) -> dict[str, Any]:
        return json.loads((self.path / "settings.json").read_text())

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else changes the spool meanwhile. Not to be nested."""
        with (self.path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def write(self, name: str, data: Any) -> None:
        """Readers need no lock: they see the old file or the new one."""
        new = self.path / f"{name}.{os.getpid()}.new"
        new.write_text(json.dumps(data, indent=1))
        new.replace(self.path / name)

    def job(self, key: str) -> Job | None:
        try:
            job = json.loads((self.path / "jobs" / f"{key}.json").read_text())
        except FileNotFoundError:
            return None
        return None if job["forgotten"] else job

    def jobs(self) -> list[Job]:
        keys = sorted((path.stem for path in (self.path / "jobs").glob("*.json")), key=lambda key: (len(key), key))
        return [job for key in keys if (job := self.job(key))]

    def save(self, job: Job) -> None:
        self.write(f"jobs/{job['key']}.json", job)

    def change(self, key: str, **fields: Any) -> None:
        with self.locked():
            if job := self.job(key):
                self.save(job | fields)

    def number(self) -> int:
        with self.locked():
            number = int((self.path / "number").read_text())
            (self.path / "number").write_text(str(number + 1))
            return number

    def order(self, **order: Any) -> None:
        with self.locked():
            self.write("orders.json", [*json.loads((self.path / "orders.json").read_text()), order])

    def take(self, kind: str, command: str) -> dict[str, Any] | None:
        """The first order of this kind that is meant for this command, if any: it counts as carried out."""
        with self.locked():
            orders = json.loads((self.path / "orders.json").read_text())
            for place, order in enumerate(orders):
                if order["kind"] == kind and order.get("command") in (None, command):
                    order["times"] -= 1
                    if not order["times"]:
                        del orders[place]
                    self.write("orders.json", orders)
                    return order
        return None

    def log(self, command: str, arguments: list[str]) -> None:
        with (self.path / "calls.jsonl").open("a") as log:  # one short write: lines of two processes do not mix
            log.write(json.dumps([command, *arguments]) + "\n")


def run(spool_path: str, command: str, arguments: list[str]) -> int:
    """One command line; the spool is the environment's, else the one that the command was installed with."""
    spool = Spool(os.environ.get("FAKE_SPOOL", spool_path))
    dialect = importlib.import_module(f".{spool.settings['dialect']}", __package__)
    submits = command == dialect.SUBMIT
    spool.log(command, arguments)
    late, failing = spool.take("late", command), spool.take("fail", command)
    answer = io.StringIO()
    status = 0
    try:
        if late and not submits:
            time.sleep(late["seconds"])
        if failing and not failing["accepted"]:
            raise dialect.unreachable(spool, command)
        if submits and (no := spool.take("reject", command)):
            refusal = dialect.refusal(no["message"])
            raise refusal if no["status"] is None else Refused(str(refusal), no["status"])
        with contextlib.redirect_stdout(answer):
            status = dialect.COMMANDS[command](spool, arguments)
        if late and submits:
            time.sleep(late["seconds"])  # it is the answer that is late: the job is in the queue
        if failing:
            answer = io.StringIO()
            raise dialect.unreachable(spool, command)
    except Refused as error:
        sys.stdout.write(answer.getvalue())
        print(error, file=sys.stderr)
        return error.status
    sys.stdout.write(answer.getvalue())
    return status


# --- what a submission says -------------------------------------------------------------------------------------------


def parser(command: str) -> argparse.ArgumentParser:
    """Options it does not have are errors: a script for another dialect does not pass."""
    return argparse.ArgumentParser(prog=command, add_help=False, allow_abbrev=False)


def with_directives(
    options: argparse.ArgumentParser, arguments: list[str], text: str, prefix: str, to_the_end: bool = False
) -> argparse.Namespace:
    """The script's directives, which end where its commands begin; the command line wins over them."""
    found: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"{prefix} "):
            found += shlex.split(line.removeprefix(prefix), comments=True)
        elif line.strip() and not line.startswith("#") and not to_the_end:
            break
    return options.parse_args(arguments, namespace=options.parse_args(found))


def resources(lists: list[str]) -> dict[str, str]:
    """`a=1,b=2` and `c`, as given with one or several `-l`."""
    pairs = (item.partition("=") for text in lists for item in text.split(","))
    return {name.strip(): value.strip() for name, _, value in pairs}


def seconds(text: str) -> float:
    """`30`, `10:00`, `1:00:00` or `1:00:00:00`."""
    total = 0.0
    parts = text.split(":")
    for part, unit in zip(reversed(parts), (1, 60, 3600, 86400), strict=False):
        total += float(part) * unit
    return total


def clock(elapsed: float, hour_digits: int = 2) -> str:
    whole = int(elapsed)
    return f"{whole // 3600:0{hour_digits}d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return str(os.getuid())


def login_environment(spool: Spool) -> dict[str, str]:
    """What a job starts with where it does not get the environment of its submission."""
    name = user()
    home = spool.path / "home"
    return {
        "HOME": str(home),
        "USER": name,
        "LOGNAME": name,
        "SHELL": "/bin/bash",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }


def submit(spool: Spool, key: str, text: str, **fields: Any) -> Job:
    """Put a script in the queue. Needed are name, queue, workdir, environment, stdout, stderr and what `job` below has
    no value for; all that a dialect adds stays in the job.
    """
    plan, wait = spool.take("next", ""), spool.take("queue", "")
    now = time.time()
    job: Job = {
        "key": key,
        "state": "queued",  # running, ended
        "held": bool(wait and wait["held"]),
        "start_at": now if wait is None else None if wait["seconds"] is None else now + wait["seconds"],
        "submitted": now,
        "started": None,
        "ended": None,
        "pid": None,  # of the script, and of its process group
        "outcome": None,  # done, timeout, out_of_memory, node_failure, cancelled
        "status": None,  # as of subprocess: negative is a signal; None where nobody can know
        "cancelled_by": None,
        "walltime": None,
        "direct": True,  # else output is moved to its place when the job ends
        "join": False,
        "shell": "/bin/bash",
        "memory_kb": 0,
        "cpu": 0.0,
        "forgotten": False,
        "plan": plan,
        "report": plan["report"] if plan else {},
        **fields,
    }
    script = spool.path / "scripts" / key
    script.write_text(text)
    script.chmod(0o755)
    with (spool.path / "jobs" / f"{key}.lock").open("w") as alive, (spool.path / "errors.log").open("a") as errors:
        fcntl.flock(alive, fcntl.LOCK_EX)  # the supervisor inherits the lock and the kernel drops it when that ends
        with spool.locked():
            spool.save(job)
        process = subprocess.Popen(
            [sys.executable, "-IS", "-c", _SUPERVISE, str(Path(__file__).parents[3]), str(spool.path), key],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            pass_fds=[alive.fileno()],
            cwd="/",
        )
        spool.change(key, supervisor=process.pid)
        process.returncode = 0  # it is not waited for: no warning about that
    return job


_SUPERVISE = """
import sys
sys.path.insert(0, sys.argv[1])
from tests.infra.fakes.core import supervise
supervise(sys.argv[2], sys.argv[3])
"""


def cancel(spool: Spool, job: Job) -> None:
    with spool.locked():
        now = spool.job(job["key"])
        if now is None or now["state"] == "ended":
            return
        now["cancelled_by"] = "owner"
        if now["state"] == "queued":
            now |= {"state": "ended", "outcome": "cancelled", "ended": time.time()}
        spool.save(now)


# --- a job's own process ----------------------------------------------------------------------------------------------


def supervise(spool_path: str, key: str) -> None:
    spool = Spool(spool_path)
    settings = spool.settings
    dialect = importlib.import_module(f".{settings['dialect']}", __package__)
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a script must not inherit that it is ignored
    while True:
        job = spool.job(key)
        if stopped or job is None or job["state"] == "ended":
            return
        if not job["held"] and job["start_at"] is not None and time.time() >= job["start_at"]:
            break
        time.sleep(0.03)
    (spool.path / "output").mkdir(exist_ok=True)
    out = Path(job["stdout"]) if job["direct"] else spool.path / "output" / f"{key}.OU"
    err = Path(job["stderr"]) if job["direct"] else spool.path / "output" / f"{key}.ER"
    process = None
    with spool.locked():  # a cancellation comes before this or finds the script running
        job = spool.job(key)
        if job is None or job["state"] == "ended":
            return
        with contextlib.suppress(OSError):  # no such interpreter, directory or place for the output
            process = _start(spool, job, out, err)
        job |= {"state": "running", "started": time.time(), "pid": process and process.pid}
        spool.save(job)
    outcome, status = ("done", 127) if process is None else _wait(spool, job, process, dialect, settings, stopped)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    end = {
        "state": "ended",
        "outcome": outcome,
        "status": None if outcome == "node_failure" else status,
        "ended": time.time(),
        "memory_kb": used.ru_maxrss,
        "cpu": used.ru_utime + used.ru_stime,
    }
    job = (spool.job(key) or job) | end
    with contextlib.suppress(OSError):
        if outcome != "node_failure":  # what a lost node has not delivered stays there
            dialect.finish(spool, job, out, err)
            if not job["direct"]:
                shutil.move(out, job["stdout"])
                if not job["join"]:
                    shutil.move(err, job["stderr"])
    spool.change(key, **end)


def _start(spool: Spool, job: Job, out: Path, err: Path) -> subprocess.Popen[bytes]:
    script = spool.path / "scripts" / job["key"]
    own = script.read_text().startswith("#!")
    with contextlib.ExitStack() as files:
        stdout = files.enter_context(out.open("ab"))
        stderr = subprocess.STDOUT if job["join"] else files.enter_context(err.open("ab"))
        return subprocess.Popen(
            [script] if own else [job["shell"], script],
            cwd=job["workdir"],
            env=job["environment"],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )


def _wait(
    spool: Spool, job: Job, process: subprocess.Popen[bytes], dialect: Any, settings: dict[str, Any], stopped: list[int]
) -> tuple[str, int]:
    """How the script ended. What was ordered for it comes true even where it was done before: a test is not to
    depend on which was faster.
    """
    plan = job["plan"] if job["plan"] and job["plan"]["outcome"] else None
    limit = job["walltime"] and job["started"] + job["walltime"] / settings["speed"]
    outcome = ""
    while not outcome:
        try:
            process.wait(0.03)
        except subprocess.TimeoutExpired:
            now = time.time()
            if stopped:
                outcome = "stopped"
            elif (spool.job(job["key"]) or job)["cancelled_by"]:
                outcome = "cancelled"
            elif plan and now >= job["started"] + plan["after"]:
                outcome = plan["outcome"]
            elif limit and now >= limit:
                outcome = "timeout"
        else:
            break
    if outcome:
        for number in (*dialect.SIGNALS.get(outcome, []), signal.SIGKILL):
            _kill(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
                break
    _kill(process.pid, signal.SIGKILL)  # what the script left behind goes with it
    status = process.wait()
    while alive(process.pid):
        time.sleep(0.01)
    if plan and not outcome:
        outcome, status = plan["outcome"], -(*dialect.SIGNALS.get(plan["outcome"], []), signal.SIGKILL)[0]
    return outcome or "done", status


def _kill(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def alive(group: int) -> bool:
    """Whether a process of the group runs. The dead that nobody has waited for do not count: an init that does not
    reap is not ours to mend.
    """
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(process_group) == group and state not in "ZX":
                return True
    return False


def elapsed(spool: Spool, job: Job) -> float:
    """In the job's own time: where its walltime passes faster, so does all of it."""
    if job["started"] is None:
        return 0.0
    passed = ((job["ended"] or time.time()) - job["started"]) * spool.settings["speed"]
    return max(passed, job["walltime"] or 0) if job["outcome"] == "timeout" else passed
