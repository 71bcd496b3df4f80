"""pw.x as a program that takes structures over a socket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ase import Atoms

from adatom.calculators.espresso.running import PROGRAMS, check_scf
from adatom.calculators.over_socket import SocketClient
from adatom.calculators.running import failure_of
from adatom.errors import ConvergenceError
from adatom.utils.merge import merge

__all__ = ["CLIENT"]

_OUTPUT, _ERRORS = "espresso.pwo", "espresso.err"


def _write(calculator: Any, atoms: Atoms, properties: list[str], socket: str) -> Sequence[str]:
    # As much time as pw.x takes by default: a run that stops in time could not be continued.
    parameters = merge(calculator.parameters, {"input_data": {"control": {"max_seconds": 1e7}}})
    calculator.template.write_input(calculator.profile, Path(calculator.directory), atoms, parameters, properties)
    return [*PROGRAMS.command(), "-in", calculator.template.inputname, "--ipi", f"{socket}:UNIX"]


def _failure(directory: Path, said: str) -> Exception:
    text = (directory / _OUTPUT).read_text(errors="replace")
    try:
        if "convergence NOT achieved" in text:
            check_scf(text)
    except ConvergenceError as error:
        return error
    return failure_of(f"pw.x {said}, before its end", directory, _OUTPUT, "CRASH", _ERRORS)


def _forget(directory: Path) -> None:
    for file in directory.glob("*.save/charge-density.*"):  # pw.x reads one that is there
        file.unlink(missing_ok=True)


CLIENT = SocketClient(_write, _OUTPUT, _ERRORS, check_scf, _failure, forget=_forget)
