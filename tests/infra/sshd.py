"""An sshd of this machine, for tests: on loopback, with keys of its own, as a login node that one reaches over SSH.

python -m tests.infra.sshd start [NAME=VALUE ...]
python -m tests.infra.sshd status
python -m tests.infra.sshd stop

An sshd that the machine may have is left alone, and so is the user's `~/.ssh`: `ssh` finds this one's keys through a
command of that name, which `sshd()` puts on PATH and `start` prints. Sessions have the variables that are given.
"""

import argparse
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.infra import machine
from tests.infra.machine import daemon, end, processes, run, wait_for

COMMANDS = ("sshd", "ssh", "ssh-keygen")
PACKAGES = ("openssh-server", "openssh-client")

ROOT = machine.STATE / "sshd"
BIN = ROOT / "bin"
_PARAMETERS = ROOT / "parameters.json"  # of the one that runs
_LOG = ROOT / "log"
_DEVICE = "adatom-tests"  # of a cable, at both ends
_NEAR, _FAR = "198.18.0.1", "198.18.0.2"  # its addresses, of a network that is only for tests of networks
_PRIVILEGES = Path("/run/sshd")  # every sshd wants it, and Debian's service makes it


@dataclass(frozen=True)
class Login:
    """An sshd that runs, by several names.

    It is called ``login``; as ``stranger`` its key is unknown; at ``closed`` nothing answers; ``shared`` lets nobody in
    for whom `log_in` has not opened a connection, as where a second factor is asked for; ``away`` is at the other end
    of a `cable`.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    port: int = 0

    def log_in(self) -> None:
        """Open a connection to ``shared`` by hand."""
        daemon(BIN / "ssh", "-i", ROOT / "id", "-o", "ControlMaster=yes", "-N", "shared", log=_LOG)
        wait_for((ROOT / "shared").exists, "the connection")

    def disconnect(self) -> None:
        """Let all connections break."""
        end([pid for pid in processes("sshd", opened=ROOT) if not _listens(pid)])

    @contextmanager
    def cable(self) -> Iterator["Cable"]:
        """A network of its own for some commands, from which only ``away`` can be reached, by a cable."""
        cable = Cable()
        cable.lay()
        try:
            text = (ROOT / "sshd_config").read_text()
            (ROOT / "away_config").write_text(text.replace("ListenAddress 127.0.0.1", f"ListenAddress {_NEAR}"))
            daemon(_daemon(), "-D", "-e", "-f", ROOT / "away_config", log=_LOG)
            wait_for(lambda: not run(BIN / "ssh", "away", "true", check=False), "sshd at the cable")
            yield cable
        finally:
            cable.remove()


class Cable:
    """A pair of network devices, the far one in a network namespace. A namespace has no other way out."""

    def __init__(self) -> None:
        self._namespace = f"adatom-{os.getpid()}"
        self.before = ("ip", "netns", "exec", self._namespace)  # a command that runs another one in that network

    def lay(self) -> None:
        """Connect this machine with the namespace."""
        try:
            run("ip", "netns", "add", self._namespace)
        except (FileNotFoundError, RuntimeError) as error:
            raise machine.Unavailable(f"no network namespaces: {error}") from error
        run("ip", "link", "delete", _DEVICE, check=False)  # one that a killed process has left
        run("ip", "link", "add", _DEVICE, "type", "veth", "peer", "name", _DEVICE, "netns", self._namespace)
        for namespace, address, _ in self._ends():
            run("ip", *namespace, "address", "add", f"{address}/30", "dev", _DEVICE)
            run("ip", *namespace, "link", "set", _DEVICE, "up")

    def remove(self) -> None:
        """Remove the namespace and, with it, the devices."""
        run("ip", "netns", "delete", self._namespace)
        run("ip", "link", "delete", _DEVICE, check=False)

    @contextmanager
    def dropping(self) -> Iterator[None]:
        """Lose all packets, in both directions and without a word: they are sent to a device that does not exist."""
        for namespace, _, other in self._ends():
            nobody = ("lladdr", "02:00:00:00:00:99", "nud", "permanent")
            run("ip", *namespace, "neighbour", "replace", other, "dev", _DEVICE, *nobody)
        try:
            yield
        finally:
            for namespace, _, other in self._ends():
                run("ip", *namespace, "neighbour", "delete", other, "dev", _DEVICE)

    @contextmanager
    def unplugged(self) -> Iterator[None]:
        """Leave the far end without a network, which its commands are told at once."""
        far = ("-n", self._namespace)
        run("ip", *far, "link", "set", _DEVICE, "down")
        try:
            yield
        finally:
            run("ip", *far, "link", "set", _DEVICE, "up")

    def _ends(self) -> list[tuple[tuple[str, ...], str, str]]:
        return [((), _NEAR, _FAR), (("-n", self._namespace), _FAR, _NEAR)]


@contextmanager
def sshd(**environment: str) -> Iterator[Login]:
    """Such an sshd, for this process and those it starts. It ends with the block, unless it ran before."""
    with machine.alone("sshd"):
        before = running()
        login = start(environment)
        outer = os.environ["PATH"]
        os.environ["PATH"] = f"{BIN}:{outer}"
        try:
            yield login
        finally:
            os.environ["PATH"] = outer
            if before != login:
                stop()


def running() -> Login | None:
    """The sshd that runs, if one does."""
    try:
        login = Login(**json.loads(_PARAMETERS.read_text()))
    except (FileNotFoundError, TypeError):  # none, or one of an older version of this file
        return None
    return login if machine.listening(login.port) else None


def start(environment: Mapping[str, str]) -> Login:
    """Start it. If it runs, nothing is done; if one with another environment does, that is stopped first."""
    before = running()
    if before and before.environment == environment:
        return before
    stop()
    machine.install(COMMANDS, PACKAGES)
    login = Login(dict(environment), _free_port())
    BIN.mkdir(parents=True)
    _PRIVILEGES.mkdir(mode=0o755, exist_ok=True)
    try:
        _write(login)
        daemon(_daemon(), "-D", "-e", "-f", ROOT / "sshd_config", log=_LOG)
        wait_for(lambda: machine.listening(login.port), "sshd")
        run(BIN / "ssh", "login", "true")
    except BaseException:
        stop(keep=True)  # the log
        raise
    _PARAMETERS.write_text(json.dumps(asdict(login)))
    return login


def _daemon() -> str | None:
    return shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")  # it wants its whole path


def stop(keep: bool = False) -> None:
    """End it and its sessions, and remove its directory, or ``keep`` it."""
    while pids := processes("sshd", opened=ROOT):  # again, for what these have started meanwhile
        end(pids)
    if not keep:
        shutil.rmtree(ROOT, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def _write(login: Login) -> None:
    for name in ("host_key", "id"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", ROOT / name)
    ROOT.chmod(0o755)
    shutil.copy(ROOT / "id.pub", ROOT / "authorized_keys")
    variables = " ".join(f'"{name}={value}"' for name, value in login.environment.items())
    (ROOT / "sshd_config").write_text(f"""\
Port {login.port}
ListenAddress 127.0.0.1
HostKey {ROOT}/host_key
PidFile none
AuthorizedKeysFile {ROOT}/authorized_keys
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
UsePAM no
MaxStartups 100
{f"SetEnv {variables}" if variables else ""}
""")
    key = (ROOT / "host_key.pub").read_text()
    (ROOT / "known_hosts").write_text(f"[127.0.0.1]:{login.port},[{_NEAR}]:{login.port} {key}")
    (ROOT / "ssh_config").write_text(f"""\
Host stranger
  UserKnownHostsFile /dev/null

Host closed
  Port 1

Host shared
  ControlPath {ROOT}/shared

Host away
  HostName {_NEAR}

Host login away stranger closed
  IdentityFile {ROOT}/id

Host *
  HostName 127.0.0.1
  Port {login.port}
  IdentitiesOnly yes
  UserKnownHostsFile {ROOT}/known_hosts
  GlobalKnownHostsFile /dev/null
""")
    ssh = shutil.which("ssh", path=os.environ["PATH"].replace(str(BIN), ""))  # not this very script
    (BIN / "ssh").write_text(f'#!/bin/sh\nexec {ssh} -F {ROOT}/ssh_config "$@"\n')
    (BIN / "ssh").chmod(0o755)


def _listens(pid: int) -> bool:
    return "[listener]" in Path(f"/proc/{pid}/cmdline").read_text()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.infra.sshd", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("start").add_argument("environment", nargs="*", metavar="NAME=VALUE")
    actions.add_parser("stop")
    actions.add_parser("status")
    options = parser.parse_args(arguments)
    try:
        if options.action == "start":
            start(dict(text.split("=", 1) for text in options.environment))
        elif options.action == "stop":
            stop()
    except machine.Unavailable as error:
        sys.exit(str(error))
    login = running()
    print(login or "not running")
    if login:
        print(f"{BIN}/ssh login", f"export PATH={BIN}:$PATH", sep="\n")
    elif options.action == "status":
        sys.exit(1)


if __name__ == "__main__":
    main()
