"""This machine, as the place that a scheduler's commands run on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["HERE", "Here"]


class Here:
    """This machine, as the place that commands run on."""

    def __str__(self) -> str:
        return "here"

    def run(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        stdin: str | None = None,
        environment: Mapping[str, str] | None = None,
        without: str = "",
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, and capture its output.

        Parameters
        ----------
        command
            Program and its arguments, one string for each word.
        cwd
            Directory that the command runs in. None: the current one.
        stdin
            Name of the file in `cwd` that the command reads. None: the command reads nothing.
        environment
            Variables to add to the environment.
        without
            Regular expression that the names of removed variables begin with. Empty: no variable is removed.
        timeout
            Longest run time, in s. None: no limit.

        Raises
        ------
        FileNotFoundError
            The command does not exist.
        subprocess.TimeoutExpired
            The command took longer than `timeout`.
        """
        outer = re.compile(without) if without else None
        kept = {name: value for name, value in os.environ.items() if not (outer and outer.match(name))}
        with open(Path(cwd or "", stdin) if stdin else os.devnull, "rb") as file:
            return subprocess.run(
                command,
                cwd=cwd,
                env={**kept, **(environment or {})},
                stdin=file,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )

    def find(self, program: str) -> str | None:
        """Return the path of a program, or None if it does not exist.

        Parameters
        ----------
        program
            Name of the program on PATH, or a path.
        """
        return shutil.which(os.path.expanduser(program))

    def tail(self, file: Path, size: int) -> str:
        """Return the end of a file, or nothing if the file cannot be read.

        Parameters
        ----------
        file
            Path of the text file to read.
        size
            Number of bytes to read at most.
        """
        try:
            with open(file, "rb") as opened:
                opened.seek(max(0, opened.seek(0, 2) - size))
                return opened.read().decode(errors="replace")
        except OSError:
            return ""


HERE = Here()
