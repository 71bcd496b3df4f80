"""Programs that stop in time, and go on from their own files when the same job is run again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from adatom.errors import IncompleteError, ProgramError
from adatom.execution.context import current_job
from adatom.execution.deadline import stop_reason, stop_requested, time_left

__all__ = ["STOPPED", "stopped", "take_over", "time_limit"]

STOPPED = "Maximum CPU time exceeded"

# Programs look at the clock between k points, and then write their files: both take longer where there is more to do.
# What MPI needs to start and to end is not on their clock.
_LEAST, _SHARE, _MOST = 5.0, 0.05, 600.0  # seconds; part of the time that is left; seconds
_START = 1.0  # seconds without which starting makes no sense

# Keywords that are others where the same run goes on.
_OF_ONE_START = ("max_seconds", "restart_mode", "recover", "nstep")


def time_limit(program: str) -> dict[str, float]:
    """Keywords with which a program stops before this process has to.

    Parameters
    ----------
    program
        Its name, such as ``"pw.x"``.

    Returns
    -------
    dict
        ``max_seconds``, or nothing where nothing limits this process.

    Raises
    ------
    IncompleteError
        The time is over already.
    """
    left = time_left()
    if left is None:
        return {}
    spare = min(_MOST, max(_LEAST, _SHARE * left))
    if why := stop_reason(spare + _START):
        if not stop_requested():
            # An engine gives the job to the next free worker: this one, which is given none in its last second.
            time.sleep(max(0.0, left - _START))
        raise IncompleteError(f"{program} was not started: {why}. Run the same job again where there is more time.")
    return {"max_seconds": round(left - spare, 1)}


def stopped(program: str, directory: Path, limited: bool) -> Exception:
    """The error of a program that stopped at its ``max_seconds``, whose files are kept to go on from.

    Parameters
    ----------
    program
        Its name.
    directory
        Where it ran.
    limited
        Whether `time_limit` said when, and not the user, whose limit is the same the next time.
    """
    if not limited:
        return ProgramError(
            f"{program} stopped before its end, at the max_seconds that it was given. Give more, or none: it then "
            "stops where the time of its job is over."
        )
    run = current_job().directory
    if run and run.path == directory:
        run.left()
    return IncompleteError(
        f"{program} stopped before its end, as the time of its job was over. Run the same job again: with the cache on "
        "it goes on from there. Without, it begins anew: give it more time, by ADATOM_WALLTIME or the walltime of its "
        "batch job."
    )


def take_over(directory: Path, input: str, output: str, files: Sequence[str]) -> Path | None:
    """Bring the files of an earlier run of the same job here, if it was stopped in time and had the same input.

    Parameters
    ----------
    directory
        Where the program is to run. The input is there already.
    input, output
        Names of the program's files.
    files
        Patterns of the names of those that it needs to go on, and directories.

    Returns
    -------
    Path or None
        The directory of the earlier run, which stays as it is; None where there is nothing to go on from.
    """
    run = current_job().directory
    earlier = run.previous if run and run.path == directory else None
    if earlier is None or not all((earlier / name).exists() for name in (input, output)):
        return None
    # A program that goes on believes its files, not its input.
    if _lasting(earlier / input) != _lasting(directory / input) or STOPPED not in _text(earlier / output):
        return None
    for pattern in files:
        for path in earlier.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, directory / path.name, dirs_exist_ok=True)
            else:
                shutil.copy2(path, directory)
    return earlier


def _lasting(file: Path) -> list[str]:
    return [line for line in _text(file).splitlines() if not line.strip().startswith(_OF_ONE_START)]


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
