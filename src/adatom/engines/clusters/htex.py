"""Command lines of Parsl's high-throughput executor, and its end without an interchange."""

from __future__ import annotations

import atexit
import shlex
import sys
from typing import Any

from parsl.dataflow.dflow import DataFlowKernel, DataFlowKernelLoader
from parsl.executors.high_throughput.executor import DEFAULT_LAUNCH_CMD

__all__ = ["abandon", "interchange_command", "limit_waits", "worker_command"]

_PATIENCE = 5000  # ms that a task may wait to be sent; with an interchange it does not wait at all

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


def limit_waits(executor: Any) -> None:
    """Have tasks that are sent to an interchange that died fail after seconds; else their thread waits forever.

    Parameters
    ----------
    executor
        High-throughput executor that was started.
    """
    executor.outgoing_q.zmq_socket.sndtimeo = _PATIENCE
    executor.outgoing_q.zmq_socket.linger = 0


def abandon(kernel: DataFlowKernel) -> None:
    """End the workers of a kernel whose interchange died. `cleanup` would ask the interchange first, and wait forever.

    Parameters
    ----------
    kernel
        Kernel that is not used any more.
    """
    kernel.cleanup_called = True
    atexit.unregister(kernel.atexit_cleanup)
    for executor in kernel.executors.values():
        provider = getattr(executor, "provider", None)
        if provider and provider.resources:
            provider.cancel(list(provider.resources))
    if DataFlowKernelLoader._dfk is kernel:
        DataFlowKernelLoader.clear()
