"""Connection to another machine, by the user's own ``ssh``."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Sequence
from functools import cache

from adatom.errors import InputError, SchedulerError

__all__ = ["Connection", "checked_host", "connection"]

# The user and the name may not begin as an option does. ``ssh`` puts both into the commands of its configuration, such
# as ProxyCommand, which a shell reads: so they may hold no character that is special there.
_HOST = re.compile(r"([\w+.][\w+.-]*@)?\[?[\w:.][\w:.%+/-]*\]?")

_OPTIONS = {
    "IgnoreUnknown": "RemoteCommand",  # OpenSSH before 7.6
    "BatchMode": "yes",  # nobody could type a password
    "ConnectTimeout": "15",
    "ServerAliveInterval": "15",
    "LogLevel": "ERROR",  # keep the banner out of a command's errors
    # Refuse what the user's configuration may ask for and only one session at a time can have.
    "ClearAllForwardings": "yes",
    "RemoteCommand": "none",
    "RequestTTY": "no",
}
_PATIENCE = 60.0  # seconds for logging in
_KEPT_OPEN = ("-o", "ControlMaster=yes", "-o", "ControlPersist=60")  # seconds for which it may be unused


def checked_host(name: str) -> str:
    """Return the name of a host that can be given to ``ssh``.

    Parameters
    ----------
    name
        Proposed name, as ``ssh`` takes it: a name, or ``USER@NAME``.

    Raises
    ------
    InputError
        The name would be an option of ``ssh``, or holds characters that a shell would obey.
    """
    if not _HOST.fullmatch(name):
        raise InputError(
            f"host={name!r} is nothing that ssh takes: give a name, or USER@NAME, of letters, digits and . _ - : %. "
            "An alias of ~/.ssh/config can stand for any other."
        )
    return name


class Connection:
    """Connection to a host that the commands of one process share: the user's open one, or else a new one.

    Parameters
    ----------
    name
        Name of the host, as ``ssh`` takes it.
    """

    def __init__(self, name: str) -> None:
        self._name, self._process = checked_host(name), os.getpid()
        # The path of a socket must be short, which the user's directory for temporary files may not be.
        self._directory = tempfile.mkdtemp(prefix="adatom-", dir="/tmp")
        self._own = ["-o", f"ControlPath={self._directory}/ssh"]
        self._lock = threading.Lock()
        atexit.register(self._close)

    def options(self) -> list[str]:
        """Return the options of an ``ssh`` that uses the shared connection, which is opened if needed.

        Raises
        ------
        SchedulerError
            The host does not answer.
        """
        settings = [word for name, value in _OPTIONS.items() for word in ("-o", f"{name}={value}")]
        with self._lock:
            # If the host asks for a second factor, the user has logged in before and shares that connection.
            own = [] if self._master("check") else self._own
            if own and not self._master("check", *own):
                self._open([*settings, *own])
        return [*settings, *own, "-o", "ControlMaster=no"]

    def _master(self, command: str, *options: str) -> bool:
        try:
            done = subprocess.run(
                ["ssh", *options, "-O", command, "--", self._name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )
        except FileNotFoundError:
            raise SchedulerError(f"host={self._name!r} needs the command 'ssh' here: install OpenSSH.") from None
        return done.returncode == 0

    def _open(self, options: Sequence[str]) -> None:
        with tempfile.TemporaryFile() as errors:  # the connection could keep a pipe open
            try:
                done = subprocess.run(
                    ["ssh", *options, *_KEPT_OPEN, "--", self._name, "true"],
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
        """Return the error for a host that does not let the user log in.

        Parameters
        ----------
        words
            Message that ``ssh`` prints, or nothing.
        """
        return SchedulerError(
            f"host={self._name!r} of the machine's profile does not answer: {' '.join(words.split()) or 'no message'}\n"
            f"See that `ssh {self._name} true` works here without a question, or name another host."
        )

    def _close(self) -> None:
        if os.getpid() == self._process:  # a fork must not close the connection
            self._master("exit", *self._own)
            shutil.rmtree(self._directory, ignore_errors=True)


@cache
def connection(name: str, process: int) -> Connection:
    """Return the connection of a process to a host. A fork does not share the connection of its parent.

    Parameters
    ----------
    name
        Name of the host, as ``ssh`` takes it.
    process
        Process id of the caller.
    """
    return Connection(name)
