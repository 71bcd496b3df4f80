"""Command lines of Parsl's high-throughput executor."""

from __future__ import annotations

import shlex
import sys

from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

__all__ = ["interchange_command", "worker_command"]

_MODULES = "parsl.executors.high_throughput"


def worker_command(python: str = sys.executable) -> str:
    """Return the template from which the executor makes the command line of its workers.

    The default of Parsl looks for its programs on PATH, and breaks at a space in the directory of the logs.

    Parameters
    ----------
    python
        Interpreter that runs the workers.
    """
    program, _, options = DEFAULT_LAUNCH_CMD.partition(".py ")
    interpreter = shlex.quote(python).replace("{", "{{").replace("}", "}}")
    # Without -P, a file `queue.py` of the user's would be imported in place of Python's own.
    return f"{interpreter} -P -m {_MODULES}.{program} " + options.replace("{logdir}", '"{logdir}"')


def interchange_command() -> list[str]:
    """Return the command line of the process that passes tasks to workers."""
    return [sys.executable, "-P", "-m", f"{_MODULES}.interchange"]
