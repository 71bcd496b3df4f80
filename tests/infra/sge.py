"""A Grid Engine of one machine, for tests: real daemons, one queue and two parallel environments.

python -m tests.infra.sge start [--slots 4]
python -m tests.infra.sge status
python -m tests.infra.sge stop

A Grid Engine that the machine may have is left alone: this one has its own directory, cell and ports. Commands find it
by variables that `sge()` sets and `start` prints.
"""

import argparse
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.infra import machine
from tests.infra.machine import daemon, end, processes, run, wait_for

COMMANDS = ("sge_qmaster", "sge_execd", "qsub", "qstat")
PACKAGES = ("gridengine-master", "gridengine-exec", "gridengine-client")

ROOT = machine.STATE / "sge"
_PARAMETERS = ROOT / "parameters.json"  # of the cluster that runs
_COMMON, _SPOOL, _CONF, _LOG = ROOT / "tests/common", ROOT / "spool", ROOT / "conf", ROOT / "start.log"
_DEBIAN, _SHARE, _BIN = Path("/var/lib/gridengine"), Path("/usr/share/gridengine"), Path("/usr/lib/gridengine")
_MASTER_PORT, _NODE_PORT = 16444, 16445
ENVIRONMENT = {
    "SGE_ROOT": str(ROOT),
    "SGE_CELL": "tests",
    "SGE_QMASTER_PORT": str(_MASTER_PORT),
    "SGE_EXECD_PORT": str(_NODE_PORT),
}


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs: a queue `main.q` of as many slots, and parallel environments `smp` and `mpi` for them."""

    slots: int = 4

    @property
    def ports(self) -> list[int]:
        return [_MASTER_PORT, _NODE_PORT]

    @property
    def environment(self) -> dict[str, str]:
        """With what in their environment, commands find the cluster."""
        return dict(ENVIRONMENT)

    def run(self, *command: object, check: bool = True) -> str:
        """What a command such as ``qstat`` prints."""
        return run(*command, check=check, **ENVIRONMENT)

    def finished(self, job_id: object) -> dict[str, str]:
        """The fields of a finished job as ``qacct`` has them; none until it is there."""
        lines = [line.split(None, 1) for line in self.run("qacct", "-j", job_id, check=False).splitlines()]
        fields = {line[0]: line[1].strip() for line in lines if len(line) == 2}
        return fields if "exit_status" in fields else {}


@contextmanager
def sge(slots: int = 4) -> Iterator[Cluster]:
    """Such a cluster, for this process and those it starts. It ends with the block, unless it ran before."""
    cluster = Cluster(slots)
    with machine.alone("sge"):
        before = running()
        start(cluster)
        outer = {name: os.environ.get(name) for name in ENVIRONMENT}
        os.environ.update(ENVIRONMENT)
        try:
            yield cluster
        finally:
            for name, value in outer.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value
            if before != cluster:
                stop()


def running() -> Cluster | None:
    """The cluster that runs, if all of it does."""
    try:
        cluster = Cluster(**json.loads(_PARAMETERS.read_text()))
    except (FileNotFoundError, TypeError):  # none, or one of an older version of this file
        return None
    return cluster if all(map(machine.listening, cluster.ports)) else None


def start(cluster: Cluster) -> None:
    """Start the cluster. If it runs, nothing is done; if another one does, that is stopped first."""
    if running() == cluster:
        return
    stop()
    machine.install(COMMANDS, PACKAGES)
    if busy := [port for port in cluster.ports if machine.listening(port)]:
        raise RuntimeError(f"something else listens on port {', '.join(map(str, busy))}")
    _write(cluster)
    try:
        _initialise()
        daemon("sge_qmaster", log=_LOG, **ENVIRONMENT)
        wait_for(lambda: machine.listening(_MASTER_PORT), "sge_qmaster")
        _configure(cluster)
        daemon("sge_execd", log=_LOG, **ENVIRONMENT)
        wait_for(lambda: _ready(cluster), "the queue")
    except BaseException:
        stop(keep=True)  # the logs
        raise
    _PARAMETERS.write_text(json.dumps(asdict(cluster)))


def stop(keep: bool = False) -> None:
    """End all that belongs to the cluster, its jobs included, and remove its directory, or ``keep`` it."""
    while pids := _processes():  # again, for what these have started meanwhile
        end(pids)
    if not keep:
        shutil.rmtree(ROOT, ignore_errors=True)


def _processes() -> list[int]:
    ours = f"SGE_ROOT={ROOT}"
    daemons = [pid for name in ("sge_qmaster", "sge_execd", "sge_shepherd") for pid in processes(name, [ours])]
    return daemons + processes(environ=[ours, "JOB_SCRIPT="])  # and jobs


def _write(cluster: Cluster) -> None:
    """The files of a cluster: programs are Debian's, all else is its own."""
    for directory in (_COMMON, _SPOOL / "qmaster/job_scripts", _SPOOL / "execd", _CONF):
        directory.mkdir(parents=True)
    for name in ("bin", "lib", "util", "utilbin"):
        (ROOT / name).symlink_to(_DEBIAN / name)
    host = socket.gethostname().split(".")[0]
    (_COMMON / "act_qmaster").write_text("localhost\n")
    # Both names are one host: a container's own has another address than the loopback's.
    (_COMMON / "host_aliases").write_text(f"localhost {host}\n")
    (_COMMON / "bootstrap").write_text(f"""\
admin_user none
default_domain none
ignore_fqdn true
spooling_method classic
spooling_lib libspoolc
spooling_params {_COMMON};{_SPOOL}/qmaster
binary_path /usr/sbin
qmaster_spool_dir {_SPOOL}/qmaster
security_mode none
listener_threads 2
worker_threads 2
scheduler_threads 1
""")
    changes = {
        "execd_spool_dir": f"{_SPOOL}/execd",
        "mailer": "/bin/true",
        "shell_start_mode": "unix_behavior",
        "min_uid": "0",  # root may run jobs
        "min_gid": "0",
        "load_report_time": "00:00:01",
        "reporting_params": "accounting=true reporting=false accounting_flush_time=00:00:00 joblog=false",
    }
    (_CONF / "global").write_text(_changed((_SHARE / "default-configuration").read_text(), changes))


def _changed(text: str, changes: dict[str, str]) -> str:
    """A configuration with some of its lines replaced."""
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    values = dict(lines) | changes
    return "".join(f"{name} {value}\n" for name, value in values.items())


def _initialise() -> None:
    """The spooled objects that a master needs to start."""
    spooling = {"LD_LIBRARY_PATH": _BIN, **ENVIRONMENT}
    run(_BIN / "spoolinit", "classic", "libspoolc", f"{_COMMON};{_SPOOL}/qmaster", "init", **spooling)
    for kind, what in {
        "configuration": _CONF / "global",
        "complexes": _SHARE / "util/resources/centry",
        "usersets": _SHARE / "util/resources/usersets",
        "managers": "root",
    }.items():
        run(_BIN / "spooldefaults", kind, what, **spooling)


def _configure(cluster: Cluster) -> None:
    """Schedule at once rather than every 15 s; one host, one queue, two parallel environments."""

    def change(option: str, text: str, changes: dict[str, str]) -> None:
        (_CONF / "new").write_text(_changed(text, changes))
        cluster.run("qconf", option, _CONF / "new")

    cluster.run("qconf", "-as", "localhost")
    soon = {"schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1"}
    change("-Msconf", cluster.run("qconf", "-ssconf"), soon)
    smp = (_SHARE / "util/resources/pe/smp").read_text()
    change("-Ap", smp, {})
    change("-Ap", smp, {"pe_name": "mpi", "allocation_rule": "$fill_up"})
    queue = {
        "qname": "main.q",
        "hostlist": "localhost",
        "slots": str(cluster.slots),
        "pe_list": "smp mpi",
        "load_thresholds": "NONE",  # the machine may be busy with other tests
        "shell": "/bin/bash",
        "shell_start_mode": "unix_behavior",
    }
    change("-Aq", cluster.run("qconf", "-sq"), queue)


def _ready(cluster: Cluster) -> bool:
    """Whether the queue has a host that reports, which a state `u` would deny."""
    lines = [line.split() for line in cluster.run("qstat", "-f").splitlines() if line.startswith("main.q")]
    return bool(lines) and len(lines[0]) == 5


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.infra.sge", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("start").add_argument("--slots", type=int, default=Cluster.slots)
    actions.add_parser("stop")
    actions.add_parser("status")
    options = vars(parser.parse_args(arguments))
    action = options.pop("action")
    try:
        if action == "start":
            start(Cluster(**options))
        elif action == "stop":
            stop()
    except machine.Unavailable as error:
        sys.exit(str(error))
    cluster = running()
    print(cluster or "not running")
    if cluster:
        print(cluster.run("qstat", "-f"), *(f"export {name}={value}" for name, value in ENVIRONMENT.items()), sep="\n")
    elif action == "status":
        sys.exit(1)


if __name__ == "__main__":
    main()
