"""What the tests' schedulers share: Debian packages, processes, and waiting for something."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

# Not the user's directory for temporary files: the command line and all tests have to find the same cluster.
STATE = Path("/var/tmp/adatom-infra")
WANTED = [name.strip() for name in os.environ.get("TEST_SCHEDULERS", "").split(",") if name.strip()]
_NO_SERVICES = Path("/usr/sbin/policy-rc.d")
_PATH = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"  # where daemons are, if not on the user's
T = TypeVar("T")


class Unavailable(RuntimeError):
    """This machine cannot have a scheduler; the message says what to do."""


# ---------------------------------------------------------------------------------------------------------- packages


def find(name: str) -> str | None:
    """Where a command is, or a directory whose path this is; None: nowhere."""
    return (name if Path(name).is_dir() else None) if name.startswith("/") else shutil.which(name, path=_PATH)


def require(commands: Sequence[str], packages: Sequence[str]) -> None:
    """Raise `Unavailable` unless this process is root's and has the commands of these Debian packages."""
    if os.geteuid():
        raise Unavailable("its daemons run as root: use sudo, or a container of Debian 12")
    if missing := [command for command in commands if not find(command)]:
        how = f"apt-get install {' '.join(packages)}" if shutil.which("apt-get") else "use a container of Debian 12"
        raise Unavailable(f"no {', '.join(missing)}: {how}")


def install(commands: Sequence[str], packages: Sequence[str], tries: int = 3, pause: float = 10) -> None:
    """Install Debian packages, unless their commands are there. A mirror may fail for a moment, hence the tries."""
    try:
        return require(commands, packages)
    except Unavailable:
        if os.geteuid() or not shutil.which("apt-get"):
            raise
    with alone("packages", seconds=1200), _no_services():
        with suppress(Unavailable):  # another process has done so meanwhile
            return require(commands, packages)
        for left in reversed(range(tries)):
            try:
                run("apt-get", "-qq", "update", seconds=300)
                run("apt-get", "-qq", "--yes", "--no-install-recommends", "install", *packages, seconds=600,
                    DEBIAN_FRONTEND="noninteractive")  # fmt: skip
                break
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                if not left:
                    raise Unavailable(
                        f"{' '.join(packages)} could not be installed in {tries} tries: {error}"
                    ) from error
                time.sleep(pause)
    require(commands, packages)


@contextmanager
def _no_services() -> Iterator[None]:
    """Keep Debian's packages from starting their daemons. Images of Debian do that themselves."""
    if _NO_SERVICES.exists():
        yield
        return
    _NO_SERVICES.write_text("#!/bin/sh\nexit 101\n")
    _NO_SERVICES.chmod(0o755)
    try:
        yield
    finally:
        _NO_SERVICES.unlink()


def skip_or_install(name: str, commands: Sequence[str], packages: Sequence[str]) -> None:
    """For a test: what TEST_SCHEDULERS names is installed, or the test fails; otherwise, without it, it is skipped."""
    import pytest  # the command lines do without

    if name in WANTED:
        return install(commands, packages)
    try:
        require(commands, packages)
    except Unavailable as error:
        pytest.skip(f"{name}: {error}. With TEST_SCHEDULERS={name}, root's tests install it.")
    if WANTED:
        pytest.skip(f"TEST_SCHEDULERS does not name {name}")


# --------------------------------------------------------------------------------------------------------- processes


def run(*command: object, check: bool = True, seconds: float = 60, **environment: object) -> str:
    """What a command prints, errors included; with ``check``, its failure is an error that tells it."""
    done = subprocess.run(
        list(map(str, command)),
        env=_environment(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    if check and done.returncode:
        raise RuntimeError(f"`{' '.join(map(str, command))}` ended with {done.returncode}: {done.stdout[-2000:]}")
    return done.stdout


def daemon(*command: object, log: Path, **environment: object) -> None:
    """Start what goes on in the background: not as a child, so that none is left as a zombie of a test's process."""
    with log.open("ab") as output:  # a pipe would be open as long as the daemon is
        done = subprocess.run(
            ["setsid", "--fork", *map(str, command)],
            env=_environment(environment),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            timeout=60,
        )
    if done.returncode:
        raise RuntimeError(f"`{' '.join(map(str, command))}` did not start: {log.read_text()[-2000:]}")


def _environment(extra: dict[str, object]) -> dict[str, str]:
    return {**os.environ, "PATH": _PATH, **{name: str(value) for name, value in extra.items()}}


def alive(pid: int) -> bool:
    """Whether a process runs. A zombie does not: the first process of a container may never reap it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def processes(name: str = "", environ: Sequence[str] = (), opened: Path | None = None) -> list[int]:
    """Running processes: of this name; started with these ``NAME=value``, or ``NAME=`` of any; with a file here open.

    A daemon is known by its log: that holds without a pid file, and does not take another user's for ours.
    """
    found = []
    for directory in Path("/proc").glob("[1-9]*"):
        try:
            if name and (directory / "comm").read_text().strip() != name[:15]:
                continue
            if environ:
                variables = (directory / "environ").read_text(errors="replace").split("\0")
                names = [variable.partition("=")[0] + "=" for variable in variables]
                if not set(environ) <= {*variables, *names}:
                    continue
            if opened and not any(opened in [path, *path.parents] for path in _opened(directory)):
                continue
        except OSError:  # it has ended
            continue
        if alive(int(directory.name)):
            found.append(int(directory.name))
    return found


def _opened(process: Path) -> Iterator[Path]:
    for descriptor in (process / "fd").iterdir():
        try:
            yield descriptor.readlink()
        except OSError:  # closed meanwhile
            pass


def end(pids: Sequence[int]) -> None:
    """Kill processes, and wait until they are gone. Asked politely, some take 10 s, for what is then removed."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_for(lambda: not any(map(alive, pids)), f"the end of processes {pids}")


def listening(port: int) -> bool:
    """Whether something on this machine answers at a port."""
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0


# ----------------------------------------------------------------------------------------------------------- waiting


def wait_for(condition: Callable[[], T], what: str, seconds: float = 30, pause: float = 0.05) -> T:
    """Wait until a condition holds, and return what it is then; `TimeoutError` after the seconds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}, which is {value!r}")
        time.sleep(pause)
    return value


@contextmanager
def alone(name: str, seconds: float = 240) -> Iterator[None]:
    """Only one process at a time: the ports are the machine's, and pytest-xdist may run tests in several processes."""
    STATE.mkdir(parents=True, exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as file:

        def locked() -> bool:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                return False

        wait_for(locked, f"another process's {name} ({file.name})", seconds)
        yield
