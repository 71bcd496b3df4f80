"""A connection to another machine, by the user's own ``ssh``."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import cache

from adatom.errors import SchedulerError

__all__ = ["Connection", "connection"]

_OPTIONS = {
    "IgnoreUnknown": "RemoteCommand",  # OpenSSH before 7.6
    "BatchMode": "yes",  # nobody is there who could type a password
    "ConnectTimeout": "15",
    "ServerAliveInterval": "15",
    "LogLevel": "ERROR",  # no banner among a command's errors
    # What the user's configuration may ask for, and only one session at a time can have.
    "ClearAllForwardings": "yes",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}
_PATIENCE = 60.0  # seconds for logging in
_IDLE = "60"  # seconds for which a connection is kept that nobody uses


class Connection:
    """What the commands of one process share to a host: the user's own connection if there is one, or else one more.

    Parameters
    ----------
    name
        Of the host, as ``ssh`` takes it.
    """

    def __init__(self, name: str) -> None:
        self._name, self._process = name, os.getpid()
        # The path of a socket must be short, which the user's directory for temporary files may not be.
        self._directory = tempfile.mkdtemp(prefix="adatom-", dir="/tmp")
        self._own = ["-o", f"ControlPath={self._directory}/ssh"]
        self._lock = threading.Lock()
        atexit.register(self._close)

    def options(self) -> list[str]:
        """Those of an ``ssh`` that does not log in again.

        Raises
        ------
        SchedulerError
            The host does not answer.
        """
        settings = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
        with self._lock:
            # Where a second factor is asked for, the user has logged in and shares that.
            own = [] if self._master("check") else self._own
            if own and not self._master("check", *own):
                self._open([*settings, *own])
        return [*settings, *own, "-o", "ControlMaster=no"]

    def _master(self, command: str, *options: str) -> bool:
        try:
            done = subprocess.run(
                ["ssh", *options, "-O", command, self._name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except FileNotFoundError:
            raise SchedulerError(f"host={self._name!r} needs the command 'ssh' here: install OpenSSH.") from None
        return done.returncode == 0

    def _open(self, options: Sequence[str]) -> None:
        with tempfile.TemporaryFile() as errors:  # a pipe could be open as long as the connection is
            try:
                done = subprocess.run(
                    ["ssh", *options, "-o", "ControlMaster=yes", "-o", f"ControlPersist={_IDLE}", self._name, "true"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    timeout=_PATIENCE,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise self.error(f"no answer in {_PATIENCE:.0f} s.") from None
            errors.seek(0)
            if done.returncode:
                raise self.error(errors.read().decode(errors="replace"))

    def error(self, words: str) -> SchedulerError:
        """The error of a host that one cannot log in to.

        Parameters
        ----------
        words
            What ``ssh`` says.
        """
        return SchedulerError(
            f"host={self._name!r} of the machine's profile does not answer: {' '.join(words.split()) or 'no message'}\n"
            f"See that `ssh {self._name} true` works here without a question, or name another host."
        )

    def _close(self) -> None:
        if os.getpid() == self._process:  # not a fork of it
            self._master("exit", *self._own)
            shutil.rmtree(self._directory, ignore_errors=True)


@cache
def connection(name: str, process: int) -> Connection:
    """The connection of a process to a host: a fork does not share its parent's.

    Parameters
    ----------
    name
        As in `Connection`.
    process
        The id of this process.
    """
    return Connection(name)
