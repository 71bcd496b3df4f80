"""Programs that stop in time, and continue from their own files when the same job is run again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from adatom.errors import IncompleteError, ProgramError
from adatom.execution.context import current_job

__all__ = ["STOPPED", "stopped", "take_over"]

STOPPED = "Maximum CPU time exceeded"

# Keywords that differ between a run and its continuation.
_OF_ONE_START = ("max_seconds", "restart_mode", "recover", "nstep")


def stopped(program: str, directory: Path, limited: bool) -> Exception:
    """Return the error for a program that stopped at its ``max_seconds``; its files are kept to continue from.

    Parameters
    ----------
    program
        Name of the program, such as ``"pw.x"``.
    directory
        Working directory of the program.
    limited
        Whether `time_limit` set the limit. A limit of the user would be the same in the next run.

    Returns
    -------
    IncompleteError or ProgramError
        The former if the next run can continue.
    """
    if not limited:
        return ProgramError(
            f"{program} stopped before its end, at the max_seconds that it was given. Give more, or none: it then "
            "stops where the time of its job is over."
        )
    run = current_job().directory
    if run and run.path == directory:
        run.mark_resumable()
    return IncompleteError(
        f"{program} stopped before its end, as the time of its job was over. Run the same job again: with the cache on "
        "it goes on from there. Without, it begins anew: give it more time, by ADATOM_WALLTIME or the walltime of its "
        "batch job."
    )


def take_over(directory: Path, input: str, output: str, files: Sequence[str]) -> Path | None:
    """Copy the files of an earlier run of the same job, if it was stopped in time and had the same input.

    Parameters
    ----------
    directory
        Working directory of the program, which has its input already.
    input, output
        Names of the program's input and output file.
    files
        Patterns of the names of files and directories that the program needs to continue.

    Returns
    -------
    Path or None
        Directory of the earlier run, which stays as it is; None if there is no run to continue.
    """
    run = current_job().directory
    earlier = run.previous if run and run.path == directory else None
    if earlier is None or not _can_continue(earlier, directory, input, output):
        return None
    for pattern in files:
        for path in earlier.glob(pattern):
            if path.is_dir():
                shutil.copytree(path, directory / path.name, dirs_exist_ok=True)
            else:
                shutil.copy2(path, directory)
    return earlier


def _can_continue(earlier: Path, directory: Path, input: str, output: str) -> bool:
    """Return whether the program in `earlier` stopped in time, with the same input as the one in `directory`."""
    if not all((earlier / name).exists() for name in (input, output)):
        return False
    # A program that continues takes its files for granted, and not its input.
    return _lasting(earlier / input) == _lasting(directory / input) and STOPPED in _text(earlier / output)


def _lasting(file: Path) -> list[str]:
    return [line for line in _text(file).splitlines() if not line.strip().startswith(_OF_ONE_START)]


def _text(file: Path) -> str:
    return file.read_text(errors="replace")
