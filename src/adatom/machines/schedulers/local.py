"""Stand-in for a scheduler on this machine, which runs scripts at once, for a rehearsal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from adatom.machines.outcome import Outcome, State
from adatom.machines.schedulers.base import Scheduler, Submitted
from adatom.machines.script import BatchJob
from adatom.utils.files import whole_file
from adatom.utils.processes import Process, this_process

__all__ = ["Local"]

_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class Local(Scheduler):
    """Scheduler that starts each script at once on this machine, and ends it at its walltime.

    A separate process waits for the script and writes the outcome to a file beside it, so that the process that
    submitted the script may end.
    """

    name: ClassVar[str] = "local"
    suffix: ClassVar[str] = ".sh"
    prefix: ClassVar[str] = "#adatom"

    def directives(self, job: BatchJob) -> list[str]:
        """Return the walltime. A machine without a scheduler divides no other resource."""
        if job.resources.nodes > 1:
            raise self.cannot(f"nodes={job.resources.nodes}", "This is one machine.")
        if job.resources.memory is not None:
            warnings.warn(f"{job.name}: nothing here keeps a job to its memory.", stacklevel=2)
        walltime = job.resources.walltime
        return [] if walltime is None else [f"walltime {walltime}"]

    def submit(self, script: Path) -> str:
        """Start the script, and return the id of the process that waits for it."""
        state = _state(script)
        state.unlink(missing_ok=True)
        # The search path is in the code, because the variable PYTHONPATH belongs to the script's own programs.
        code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import wait_for; wait_for(*sys.argv[1:])"
        child = subprocess.Popen(
            [sys.executable, "-c", code, script.name, state.name],
            cwd=script.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        _started.append(child)
        return str(child.pid)

    def poll(self, jobs: Sequence[Submitted]) -> Mapping[str, Outcome]:
        """Read the outcomes from the files beside the scripts."""
        for child in _started[:]:
            if child.poll() is not None:  # a call of poll removes the zombie
                _started.remove(child)
        found = {}
        for job in jobs:
            state = _read(job.script)
            if state is None:
                found[job.id] = Outcome(State.QUEUED)
            elif state["state"] is not None:
                found[job.id] = Outcome(**{**state["outcome"], "state": State(state["state"])})
            elif Process(*state["process"]).is_gone:
                found[job.id] = Outcome(State.LOST, "the process that waited for the script is gone")
            else:
                found[job.id] = Outcome(State.RUNNING, native="running")
        return found

    def cancel(self, jobs: Sequence[Submitted]) -> None:
        """Ask the processes that wait for the scripts to end them."""
        for job in jobs:
            state = _read(job.script)
            if state is None:  # the process that waits has not begun
                with suppress(ProcessLookupError):
                    os.kill(int(job.id), signal.SIGKILL)
                _write(_state(job.script), State.CANCELLED)
            elif state["state"] is None and not Process(*state["process"]).is_gone:
                os.kill(state["process"][1], signal.SIGTERM)


_started: list[subprocess.Popen[bytes]] = []


def _state(script: Path) -> Path:
    return script.with_name(f".{script.stem}.local")


def _read(script: Path) -> Any:
    try:
        return json.loads(_state(script).read_bytes())
    except (OSError, ValueError):
        return None


def _write(path: Path | str, name: str | None, **outcome: Any) -> None:
    with whole_file(path) as file:
        file.write(json.dumps({"process": this_process(), "state": name, "outcome": outcome}).encode())


def wait_for(script: str, state: str) -> None:
    """Run a script to its end, and write its outcome to a file. The process that waits does nothing else.

    Parameters
    ----------
    script, state
        Names of the script and of the file for the outcome, in the current directory.
    """
    stem, limit = Path(script).stem, _limit(Path(script))
    cancelled = False

    def terminated(number: int, frame: Any) -> None:
        nonlocal cancelled
        cancelled = True

    signal.signal(signal.SIGTERM, terminated)
    start = time.monotonic()
    with open(f"{stem}.out", "wb") as out, open(f"{stem}.err", "wb") as err:
        child = subprocess.Popen(["bash", script], stdout=out, stderr=err, stdin=subprocess.DEVNULL, process_group=0)
    _write(state, None)
    over = False
    while child.poll() is None:
        over = limit is not None and time.monotonic() - start > limit
        if over or cancelled:
            _end(child)
            break
        time.sleep(0.02)
    code = child.returncode
    name = State.CANCELLED if cancelled else State.TIMEOUT if over else State.FAILED if code else State.SUCCEEDED
    cause = f"it ran longer than {limit} s" if over else ""
    _write(
        state,
        name,
        cause=cause,
        native=f"exit status {code}",
        exit_code=max(code, 0),
        signal=max(-code, 0),
        elapsed=time.monotonic() - start,
        nodes=os.uname().nodename,
    )


def _limit(script: Path) -> float | None:
    lines = script.read_text().splitlines()
    return next((float(line.split()[2]) for line in lines if line.startswith("#adatom walltime ")), None)


def _end(child: subprocess.Popen[bytes]) -> None:
    os.killpg(child.pid, signal.SIGTERM)
    try:
        child.wait(_GRACE)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(child.pid, signal.SIGKILL)  # also ends processes that the script left behind
    except ProcessLookupError:
        pass
    child.wait()
