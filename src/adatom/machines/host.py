"""Host that one logs in to with ``ssh``, as the place that a scheduler's commands run on."""

from __future__ import annotations

import os
import shlex
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TypeVar

from adatom.errors import InputError, SchedulerError
from adatom.machines.archive import pack, unpack
from adatom.machines.here import Here
from adatom.machines.model import checked_line
from adatom.machines.script import quoted_path
from adatom.machines.ssh import Connection, checked_host, connection

__all__ = ["Host", "checked_place"]

T = TypeVar("T")

_FAILED = 255  # exit status with which ssh reports its own errors
_NO_COMMAND = 127
_SENT = ".adatom-sent"  # list of the files that were sent, beside them on the host
# A file is changed if its size or its time differs from this list: a comparison with the clock would fail where clocks
# differ or are coarse.
_LIST = rf"find . ! -type d ! -path ./{_SENT} -printf '%s %C@ %p\0'"
# A login shell has the scheduler on its PATH. What its start files print is dropped.
_LOGIN = 'exec 3>&1 4>&2 >/dev/null 2>&1; exec bash -lc "$0"'
_THEN = "exec >&3 2>&4 3>&- 4>&-; "


def checked_place(path: str) -> str:
    """Return the path of a directory on a host below which files may be written and removed.

    Parameters
    ----------
    path
        Proposed path: absolute, or below the home with ``~/``.

    Raises
    ------
    InputError
        The path is relative, leads upwards, or is more than one line.
    """
    try:
        parts = checked_line(path).split("/")
    except ValueError:
        parts = []
    if not parts[1:] or parts[0] not in ("", "~") or ".." in parts:
        raise InputError(
            f"{path!r} is no directory of a host: give an absolute path, or ~/ and a path, and no step upwards."
        )
    return path


class Host(Here):
    """Machine to log in to by the user's own ``ssh``, with its keys, its configuration and its known hosts.

    Paths are those of the host, absolute or below its home with ``~/``. Connections are shared, and end with the
    process.

    Parameters
    ----------
    name
        Name of the host as ``ssh`` takes it, or an alias of ``~/.ssh/config``, with or without ``USER@`` before it.
    """

    def __init__(self, name: str) -> None:
        self.name = checked_host(name)

    def __str__(self) -> str:
        return f"on {self.name}"

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
        """Run a command in a login shell on the host, which has no variables of the environment here.

        Parameters
        ----------
        command, cwd, stdin, environment, without, timeout
            Same as in `Here.run`; there is nothing to remove for `without`.

        Raises
        ------
        FileNotFoundError
            The command does not exist.
        SchedulerError
            The host does not answer.
        subprocess.TimeoutExpired
            The command took longer than `timeout`.
        """
        line = shlex.join(["env", *(f"{name}={value}" for name, value in (environment or {}).items()), *command])
        line = f"{line} < {shlex.quote(stdin) if stdin else '/dev/null'}"
        line = f"cd {quoted_path(cwd)} && {line}" if cwd else line
        done = self._run(timeout, "bash", "-c", _LOGIN, _THEN + line)
        if done.returncode == _NO_COMMAND and done.stderr.startswith("env:"):
            raise FileNotFoundError(command[0])
        return done

    def find(self, program: str) -> str | None:
        """Return the path of a program on the host, or None if it does not exist.

        Parameters
        ----------
        program
            Same as in `Here.find`.
        """
        return self.run(["bash", "-c", 'type -P -- "$0"', program]).stdout.strip() or None

    def tail(self, file: Path, size: int) -> str:
        """Return the end of a file on the host, or nothing if the file cannot be read.

        Parameters
        ----------
        file, size
            Same as in `Here.tail`.
        """
        return self._run(None, "bash", "-c", f"tail -c {size} -- {quoted_path(file)} 2>/dev/null").stdout

    def check(self) -> None:
        """Log in to the host, unless a connection is open.

        Raises
        ------
        SchedulerError
            The host does not answer.
        """
        self._connection.options()

    def send(self, here: Path, there: Path, *leave_out: str) -> None:
        """Copy the files of a directory into a new one on the host. Links are followed.

        Parameters
        ----------
        here, there
            Directory on this machine to copy, and the new one on the host.
        *leave_out
            Names in the directory that are not copied.

        Raises
        ------
        SchedulerError
            The files cannot be written on the host.
        StorageError
            A file cannot be read here.
        """
        place = quoted_path(there)
        line = f"mkdir -p {place} && cd {place} && : > {_SENT} && tar -xof - && {_LIST} > {_SENT}"
        with self._stream(f"copy {here} to {there}", line, stdin=subprocess.PIPE) as (given, _):
            assert given
            pack(here, leave_out, given)

    def fetch(self, there: Path, here: Path) -> None:
        """Copy the files back that were made or changed in a directory which `send` made.

        Parameters
        ----------
        there, here
            Directory on the host, and the one on this machine that gets the files.

        Raises
        ------
        SchedulerError
            The files cannot be read on the host.
        StorageError
            A file cannot be written here.
        """
        what, place = f"copy {there} to {here}", quoted_path(there)
        with self._stream(what, rf"cd {place} && cat {_SENT} && printf '\0' && {_LIST}") as (_, printed):
            before, _, after = printed.read().partition(b"\0\0")
        changed = set(after.split(b"\0")) - {*before.split(b"\0"), b""}
        if not changed:
            return
        with tempfile.TemporaryFile() as names:
            names.writelines(entry.split(b" ", 2)[2] + b"\0" for entry in sorted(changed))
            names.seek(0)
            # A file that a job in its last moments writes or removes meanwhile (status 1 of tar) is no error.
            line = f"cd {place} && {{ tar --no-recursion --null -T - -cf - || [ $? = 1 ]; }}"
            with self._stream(what, line, stdin=names) as (_, printed):
                unpack(printed, here)

    def remove(self, there: Path) -> None:
        """Remove a directory on the host that `send` made, and no other one.

        Parameters
        ----------
        there
            Directory on the host, with all its files.

        Raises
        ------
        InputError
            The path is not absolute, leads upwards, or is the top of the file system or the home itself.
        SchedulerError
            The host does not answer.
        """
        place = quoted_path(Path(checked_place(str(there))))
        if len(there.parts) < 2:
            raise InputError(f"{str(there)!r} is no directory of a job on {self.name}.")
        self._run(
            None, "bash", "-c", f"[ ! -L {place} ] && [ -O {place} ] && [ -f {place}/{_SENT} ] && rm -rf -- {place}"
        )

    def talk(
        self, what: str, command: Sequence[str], conversation: Callable[[IO[bytes], IO[bytes]], T], timeout: float
    ) -> T:
        """Run a command in a login shell on the host, and talk to it.

        Parameters
        ----------
        what
            Purpose, for error messages.
        command
            Program, which may begin with ``~/``, and its arguments, one string for each word.
        conversation
            Function of the standard input of the program and its standard output, whose value is returned.
        timeout
            Longest run time, in s.

        Raises
        ------
        SchedulerError
            The host does not answer, the program fails, or what it prints is cut short.
        """
        line = f"{_THEN}exec {quoted_path(Path(command[0]))} {shlex.join(command[1:])}"
        with self._stream(what, _LOGIN, line, stdin=subprocess.PIPE, timeout=timeout) as (given, printed):
            assert given
            return conversation(given, printed)

    @property
    def _connection(self) -> Connection:
        return connection(self.name, os.getpid())

    def _ssh(self, *command: str) -> list[str]:
        # `exec` and `bash` mean the same in every shell that the user may have on the host.
        return ["ssh", *self._connection.options(), "--", self.name, shlex.join(["exec", *command])]

    def _run(self, timeout: float | None, *command: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self._ssh(*command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
        if done.returncode == _FAILED:
            raise self._connection.error(done.stderr)
        return done

    @contextmanager
    def _stream(
        self, what: str, *line: str, stdin: int | IO[bytes] = subprocess.DEVNULL, timeout: float | None = None
    ) -> Iterator[tuple[IO[bytes] | None, IO[bytes]]]:
        """Run a line of bash on the host, and yield its standard input, if that is a pipe, and its standard output."""
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                self._ssh("bash", "-c", *line), stdin=stdin, stdout=subprocess.PIPE, stderr=errors
            )
            assert process.stdout
            watchdog = threading.Timer(timeout or threading.TIMEOUT_MAX, process.kill)
            watchdog.daemon = True
            watchdog.start()
            broken: Exception | None = None
            try:
                with process:
                    yield process.stdin, process.stdout
                    if process.stdin:
                        process.stdin.close()
                    process.stdout.read()  # the padding after an archive
            except (BrokenPipeError, EOFError, ValueError, tarfile.TarError) as error:  # the process ended early
                broken = error
            finally:
                watchdog.cancel()
            errors.seek(0)
            if broken or process.returncode:
                words = " ".join(errors.read().decode(errors="replace").split())
                if not words:
                    words = "the connection broke" if process.returncode == _FAILED else str(broken or "no message")
                raise SchedulerError(f"Cannot {what} on {self.name}: {words}") from broken
