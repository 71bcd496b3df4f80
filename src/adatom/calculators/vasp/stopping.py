"""Files by which one can tell how VASP ended, and with which it stops before the time of its job is over."""

from __future__ import annotations

import time
from pathlib import Path

from adatom.calculators.time_limit import time_limit
from adatom.errors import IncompleteError
from adatom.execution.deadline import is_limited, stop_reason, stop_requested

__all__ = ["InTime", "check_stopped", "in_time", "remove_output"]

_SAID = ("soft stop encountered", "hard stop encountered")


class InTime:
    """Function that writes STOPCAR when VASP has to stop.

    A relaxation is asked to stop after a step of its own, while there is time for that, and then after one of the SCF.

    Parameters
    ----------
    program
        Name of the program.
    directory
        Directory in which it runs.
    relaxes
        Whether it takes steps.

    Raises
    ------
    IncompleteError
        Too little time is left to start VASP.
    """

    def __init__(self, program: str, directory: Path, relaxes: bool) -> None:
        self._file, self._wants = directory / "STOPCAR", ""
        seconds = time_limit(program)
        self._last = None if seconds is None else time.monotonic() + seconds
        self._first = self._last and self._last - (0.1 * seconds if relaxes and seconds else 0)

    def __call__(self) -> None:
        """Write STOPCAR if it is time."""
        now = time.monotonic()
        wants = ""
        if stop_requested() or (self._last and now > self._last):
            wants = "LABORT"
        elif self._first and now > self._first:
            wants = "LSTOP"
        if wants and wants != self._wants:
            self._file.write_text(f"{wants} = .TRUE.\n")
            self._wants = wants


def in_time(program: str, directory: Path, relaxes: bool) -> InTime | None:
    """Return a function to call while VASP runs, which lets it stop in time; None if nothing limits the time.

    Parameters
    ----------
    program, directory, relaxes
        Same as in `InTime`.

    Raises
    ------
    IncompleteError
        Too little time is left to start VASP, or the process was asked to stop.
    """
    if stop_requested():
        raise IncompleteError(f"{program} was not started: {stop_reason()}. Run the same job again.")
    return InTime(program, directory, relaxes) if is_limited() else None


def remove_output(directory: Path) -> None:
    """Remove what would be taken for the output of the next run until VASP writes it anew.

    Parameters
    ----------
    directory
        Directory in which VASP will run.
    """
    for name in ("OUTCAR", "OSZICAR", "STOPCAR", "vasprun.xml"):
        (directory / name).unlink(missing_ok=True)


def check_stopped(directory: Path) -> None:
    """Refuse the output of a run that STOPCAR has stopped.

    Parameters
    ----------
    directory
        Directory in which VASP ran.

    Raises
    ------
    IncompleteError
        VASP was stopped.
    """
    outcar = directory / "OUTCAR"
    text = outcar.read_text(errors="replace") if outcar.exists() else ""
    if any(words in text for words in _SAID):
        raise IncompleteError(
            "VASP was stopped by STOPCAR before its end, as the time of its job was over. Go on from the structure in "
            "its CONTCAR, with copy_files for its WAVECAR, or give it more time, by ADATOM_WALLTIME or the walltime of "
            "its batch job."
        )
