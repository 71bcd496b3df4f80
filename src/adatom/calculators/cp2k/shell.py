"""A process of CP2K that takes commands."""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, cast

from adatom.calculators.cp2k.data import PROGRAMS, data_directory
from adatom.calculators.running import ending, failure_of, started
from adatom.errors import ConvergenceError

__all__ = ["Shell"]

_OUTPUT, _ERRORS, _LOG = "cp2k.out", "cp2k.err", "cp2k.log"
_UNCONVERGED = "SCF run NOT converged"
_POSITIONS_BY_FILE = 7  # the first version of CP2K's shell that has SET_POS_FILE


class Shell:
    """A process of CP2K that takes commands on standard input."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self._ended, self._read = directory, ExitStack(), 0
        data = data_directory()
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "errors": "replace"}
        with ExitStack() as ended:
            errors = ended.enter_context((directory / _ERRORS).open("wb"))
            env = {"CP2K_DATA_DIR": str(data)} if data else {}
            command = [*PROGRAMS.command(), "-s"]
            self._process = ended.enter_context(started(command, directory, env=env, stderr=errors, **pipes))
            self._stdin, self._stdout = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
            self._answer()
            self.ask("HARSH")  # CP2K then ends at an error
            said = "".join(self.ask("VERSION"))
            self.version = float(said.rpartition(":")[2])
            self._ended = ended.pop_all()

    def close(self) -> None:
        """End the process: at once if it computes, or else by its own command."""
        with self._ended, suppress(OSError, subprocess.TimeoutExpired):
            if self._idle:
                self._send("EXIT")
                self._process.wait(10)
        for pipe in (self._stdin, self._stdout):
            with suppress(OSError):
                pipe.close()

    def ask(self, *lines: str) -> list[str]:
        """Send a command, and return the lines of the answer."""
        self._idle = False
        try:
            self._send(*lines)
        except OSError:  # the process has ended, and the answer says so
            pass
        return self._answer()

    def set_cell(self, loaded: str, cell: Any) -> None:
        """Set the cell vectors, in Å, of a structure that is loaded."""
        self.ask(f"SET_CELL {loaded}", *_rows(cell))

    def set_positions(self, loaded: str, positions: Any) -> None:
        """Set the positions, in Å, of all atoms of a structure that is loaded."""
        rows = [str(3 * len(positions)), *_rows(positions)]
        if self.version >= _POSITIONS_BY_FILE:  # MPI may not forward a long text
            (self.directory / "cp2k.pos").write_text("\n".join([*rows, ""]))
            self.ask(f"SET_POS_FILE cp2k.pos {loaded}")
        else:
            self.ask(f"SET_POS {loaded}", *rows, "*END")

    def evaluate(self, loaded: str) -> None:
        """Compute the energy and forces of a structure that is loaded."""
        self.ask(f"EVAL_EF {loaded}")
        if _UNCONVERGED in self._printed():
            raise _unconverged()

    def _printed(self) -> str:
        """Return what CP2K has written to its output since the last call."""
        with (self.directory / _OUTPUT).open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        return text.decode(errors="replace")

    def _send(self, *lines: str) -> None:
        self._stdin.write("".join(f"{line}\n" for line in lines))
        self._stdin.flush()

    def _answer(self) -> list[str]:
        lines: list[str] = []
        for line in self._stdout:
            if line.strip() == "* READY":
                self._idle = True
                return lines
            lines.append(line)
        (self.directory / _LOG).write_text("".join(lines))
        said = f"CP2K {ending(self._process.wait())}"
        if (self.directory / _OUTPUT).exists() and _UNCONVERGED in self._printed():
            raise _unconverged()
        raise failure_of(said, self.directory, _OUTPUT, _LOG, _ERRORS)


def _rows(rows: Any) -> list[str]:
    return [" ".join(f"{value:.18e}" for value in row) for row in rows]


def _unconverged() -> ConvergenceError:
    return ConvergenceError(
        "The SCF of CP2K did not converge. Give a larger max_scf, which is 50, or in `inp` a section of "
        "FORCE_EVAL/DFT/SCF: &OT, &OUTER_SCF, &MIXING, or &SMEAR with ADDED_MOS for a metal."
    )
