"""One exchange of a spool with its counterpart on a host."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from adatom.engines.queue import far_end, run_files, task_files, worker
from adatom.machines.host import Host

__all__ = ["exchange_with"]

_LONGEST = 600.0  # seconds for one exchange
# Sources of the far end, each by the name by which the others import it.
_PARTS = (worker, task_files, run_files, far_end)
_MODULES = {module.__name__: Path(module.__file__ or "").read_bytes() for module in _PARTS}
_BOOT = """
import sys, types
def load(name, source):
    module = sys.modules[name] = types.ModuleType(name)
    parent, _, child = name.rpartition(".")
    parent and setattr(sys.modules[parent], child, module)
    exec(compile(source, name, "exec"), module.__dict__)
    return module
given = sys.stdin.buffer
for name in ("adatom", "adatom.engines", "adatom.engines.queue"):
    load(name, "")
while size := int(given.readline()):
    last = load(given.readline().decode().strip(), given.read(size))
last.exchange(sys.argv[1], given, sys.stdout.buffer)
"""


def exchange_with(
    host: Host,
    python: str,
    place: str,
    about: dict[str, Any],
    files: dict[str, bytes],
    keep: Callable[[dict[str, Any], dict[str, bytes]], None],
) -> None:
    """Put files there, and receive the state of the counterpart, answers, and files of jobs.

    Parameters
    ----------
    host
        Host to log in to.
    python
        Interpreter there; it needs no package.
    place
        Directory of the counterpart there.
    about, files
        Message to the far end.
    keep
        Function of the reply. The far end gives up what it has sent when the function has returned.

    Raises
    ------
    SchedulerError
        The host does not answer, or not in full.
    """

    def talk(given: IO[bytes], printed: IO[bytes]) -> None:
        for name, source in _MODULES.items():
            given.write(b"%d\n%b\n%b" % (len(source), name.encode(), source))
        given.write(b"0\n")
        far_end.write_message(given, about, files)
        keep(*far_end.read_message(printed))
        given.write(b"received\n")

    host.talk(f"exchange tasks with {place}", [python, "-c", _BOOT, place], talk, _LONGEST)
