"""A Slurm of one machine, for tests: real daemons on loopback, several nodes, with accounting or without.

python -m tests.infra.slurm start [--nodes 2] [--cpus 4] [--memory 2000] [--accounting] [--cgroups]
python -m tests.infra.slurm status
python -m tests.infra.slurm stop

A Slurm that the machine may have is left alone: this one has its own directory, key, ports and database. Commands find
it by SLURM_CONF, which `slurm()` sets and `start` prints.
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

COMMANDS = ("slurmctld", "slurmd", "sbatch", "munged")
PACKAGES = ("slurm-wlm", "munge")
ACCOUNTING_COMMANDS = (*COMMANDS, "slurmdbd", "mariadbd")
ACCOUNTING_PACKAGES = (*PACKAGES, "slurmdbd", "mariadb-server")

ROOT = machine.STATE / "slurm"
CONF = ROOT / "slurm.conf"
_PARAMETERS = ROOT / "parameters.json"  # of the cluster that runs
_DATABASE = machine.STATE / "slurm-database"  # an empty one, kept: it takes longer than all the rest
_KEY, _SOCKET = ROOT / "munge.key", ROOT / "munge.socket"
_CONTROLLER_PORT, _ACCOUNTING_PORT, _DATABASE_PORT, _NODE_PORT = 16817, 16818, 16819, 16820


# The controller runs it before a job starts.
_PROLOG, _BOOTING = ROOT / "prolog", ROOT / "booting"
_CGROUPS = Path("/sys/fs/cgroup")
_CGROUP_CONFIGURATION = f"""\
CgroupPlugin=cgroup/v1
CgroupMountpoint={_CGROUPS}
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
"""


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs: nodes n1, n2, ... with as many CPUs and MB of memory each, whatever the machine has."""

    nodes: int = 2
    cpus: int = 4
    memory: int = 2000
    accounting: bool = False
    cgroups: bool = False  # with them only, a job above its memory is OUT_OF_MEMORY; most containers have none

    @property
    def node_names(self) -> list[str]:
        return [f"n{number}" for number in range(1, self.nodes + 1)]

    @property
    def ports(self) -> list[int]:
        nodes = [_NODE_PORT + number for number in range(1, self.nodes + 1)]
        return [_CONTROLLER_PORT, *nodes, *([_ACCOUNTING_PORT, _DATABASE_PORT] if self.accounting else [])]

    @property
    def environment(self) -> dict[str, str]:
        """With what in their environment, commands find the cluster."""
        return {"SLURM_CONF": str(CONF)}

    def run(self, *command: object, check: bool = True) -> str:
        """What a command such as ``squeue`` prints."""
        return run(*command, check=check, **self.environment)

    def job(self, job_id: object) -> dict[str, str]:
        """The fields of a job as ``scontrol show job`` has them."""
        line = self.run("scontrol", "--oneliner", "show", "job", job_id)
        return dict(field.split("=", 1) for field in line.split() if "=" in field)

    def states(self) -> dict[str, str]:
        """The state of each node."""
        return dict(line.split() for line in self.run("sinfo", "-hN", "-pmain", "-o%N %T").splitlines())

    def expire(self, job_id: object) -> None:
        """Let a running job's time be over. Slurm looks every 30 s; a limit's smallest is a minute."""
        # Slurm refuses a time that is over when it reads it, as "now" is a second later.
        self.run("scontrol", "update", f"JobId={job_id}", "EndTime=now+5")

    def release(self, job_id: object) -> None:
        """Let a requeued job start at once: Slurm waits two minutes."""
        self.run("scontrol", "update", f"JobId={job_id}", "StartTime=now")

    @contextmanager
    def booting(self) -> Iterator[None]:
        """Let nodes be prepared for jobs that start in the block until it ends: these are CONFIGURING."""
        _BOOTING.touch()
        try:
            yield
        finally:
            _BOOTING.unlink()

    def node_down(self, name: str) -> None:
        """What a power failure does: all of the node's processes end at once, and the controller knows it."""
        while pids := [*processes(opened=_log(f"slurmd.{name}")), *_jobs(name)]:  # the steps write to the same log
            end(pids)
        self.run("scontrol", "update", f"NodeName={name}", "State=DOWN", "Reason=test")

    def node_up(self, name: str) -> None:
        """Start the node again, and wait until it takes jobs."""
        _start_node(name)
        wait_for(lambda: processes("slurmd", opened=_log(f"slurmd.{name}")), f"slurmd of {name}")

        def idle() -> bool:  # at once after its start, a node may be set down again because of its restart
            if self.states()[name].startswith("down"):
                self.run("scontrol", "update", f"NodeName={name}", "State=RESUME", check=False)
            return self.states()[name] in ("idle", "mixed", "allocated")

        wait_for(idle, f"node {name}")


@contextmanager
def slurm(
    nodes: int = 2, cpus: int = 4, memory: int = 2000, accounting: bool = False, cgroups: bool = False
) -> Iterator[Cluster]:
    """Such a cluster, for this process and those it starts. It ends with the block, unless it ran before."""
    cluster = Cluster(nodes, cpus, memory, accounting, cgroups)
    with machine.alone("slurm"):
        before = running()
        start(cluster)
        outer = os.environ.get("SLURM_CONF")
        os.environ.update(cluster.environment)
        try:
            yield cluster
        finally:
            os.environ.pop("SLURM_CONF")
            if outer is not None:
                os.environ["SLURM_CONF"] = outer
            if before != cluster:
                stop()


def running() -> Cluster | None:
    """The cluster that runs, if all of it does."""
    try:
        cluster = Cluster(**json.loads(_PARAMETERS.read_text()))
    except (FileNotFoundError, TypeError):  # none, or one of an older version of this file
        return None
    whole = all(map(machine.listening, cluster.ports)) and processes("munged", opened=_log("munged"))
    return cluster if whole else None


def start(cluster: Cluster) -> None:
    """Start the cluster. If it runs, nothing is done; if another one does, that is stopped first."""
    if running() == cluster:
        return
    stop()
    if cluster.accounting:
        machine.install(ACCOUNTING_COMMANDS, ACCOUNTING_PACKAGES)
    else:
        machine.install(COMMANDS, PACKAGES)
    if cluster.cgroups:
        require_cgroups()
    if busy := [port for port in cluster.ports if machine.listening(port)]:
        raise RuntimeError(f"something else listens on port {', '.join(map(str, busy))}")
    for directory in (ROOT, ROOT / "log", ROOT / "state", *(ROOT / "spool" / name for name in cluster.node_names)):
        directory.mkdir(mode=0o755, parents=True)
    CONF.write_text(_configuration(cluster))
    (ROOT / "cgroup.conf").write_text(_CGROUP_CONFIGURATION)
    _PROLOG.write_text(f"#!/bin/sh\nwhile test -e {_BOOTING}; do sleep 0.1; done\n")
    _PROLOG.chmod(0o755)
    try:
        _start_munged()
        if cluster.accounting:
            _start_accounting()
        daemon("slurmctld", "-f", CONF, log=_log("start"))
        for name in cluster.node_names:
            _start_node(name)
        wait_for(lambda: set(_safely(cluster.states).values()) == {"idle"}, "all nodes to be idle")
    except BaseException:
        stop(keep=True)  # the logs
        raise
    _PARAMETERS.write_text(json.dumps(asdict(cluster)))


def require_cgroups() -> None:
    """Raise `machine.Unavailable` if Slurm cannot limit the memory of jobs here."""
    if not (_CGROUPS / "memory").is_dir() or not os.access(_CGROUPS / "memory", os.W_OK):
        raise machine.Unavailable(f"no cgroups of version 1 in {_CGROUPS}/memory that may be changed")


def stop(keep: bool = False) -> None:
    """End all that belongs to the cluster, its jobs included, and remove its directory, or ``keep`` it."""
    while pids := [*processes(opened=ROOT), *_jobs()]:  # again, for what these have started meanwhile
        end(pids)
    for group in sorted(_CGROUPS.glob("*/slurm_n[0-9]*/**/"), reverse=True):  # inner ones first
        try:
            group.rmdir()
        except OSError:  # another Slurm's
            pass
    if not keep:
        shutil.rmtree(ROOT, ignore_errors=True)


def _log(name: str) -> Path:
    return ROOT / "log" / f"{name}.log"


def _jobs(node: str = "") -> list[int]:
    """The processes of the jobs of a node, or of all."""
    return processes(environ=[f"SLURM_CONF={CONF}", f"SLURMD_NODENAME={node}"])


def _start_node(name: str) -> None:
    daemon("slurmd", "-f", CONF, "-N", name, log=_log("start"), SLURM_CONF=CONF)


def _start_munged() -> None:
    """Authentication: a key and a socket of its own, so that one that the machine has is left alone."""
    _KEY.write_bytes(os.urandom(128))
    _KEY.chmod(0o400)
    # --force: it would rather not run in a directory that others might write to, as that for temporary files is
    daemon("munged", "--force", f"--key-file={_KEY}", f"--socket={_SOCKET}", f"--pid-file={ROOT / 'munged.pid'}",
           f"--seed-file={ROOT / 'munge.seed'}", f"--log-file={_log('munged')}", log=_log("start"))  # fmt: skip
    wait_for(_SOCKET.exists, "munged")


def _start_accounting() -> None:
    data = ROOT / "database"
    if not (_DATABASE / "complete").exists():
        shutil.rmtree(_DATABASE, ignore_errors=True)
        run("mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={_DATABASE}", "--skip-test-db",
            "--auth-root-authentication-method=socket")  # fmt: skip
        (_DATABASE / "complete").touch()
    shutil.copytree(_DATABASE, data)
    server = ROOT / "mariadbd.socket"
    daemon("mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--socket={server}",
           f"--port={_DATABASE_PORT}", "--bind-address=127.0.0.1", f"--log-error={_log('mariadbd')}",
           "--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900", log=_log("start"))  # fmt: skip
    database = ("mariadb", "--no-defaults", "--user=root", f"--socket={server}", "--execute")
    wait_for(lambda: "1" in run(*database, "select 1", check=False), "the database")
    run(*database, "create database slurm; create user slurm@127.0.0.1 identified by 'slurm';"
        "grant all on slurm.* to slurm@127.0.0.1;")  # fmt: skip
    conf = ROOT / "slurmdbd.conf"
    conf.write_text(f"""\
AuthType=auth/munge
AuthInfo=socket={_SOCKET}
DbdHost={_host()}
DbdAddr=127.0.0.1
DbdPort={_ACCOUNTING_PORT}
SlurmUser=root
PidFile={ROOT}/slurmdbd.pid
LogFile={_log("slurmdbd")}
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={_DATABASE_PORT}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm
""")
    conf.chmod(0o600)  # or slurmdbd refuses it
    daemon("slurmdbd", log=_log("start"), SLURM_CONF=CONF)
    wait_for(lambda: machine.listening(_ACCOUNTING_PORT), "slurmdbd", 60)
    # The first controller to come adds its cluster, but only after it has started: jobs of before were not recorded.
    run("sacctmgr", "--immediate", "add", "cluster", "tests", SLURM_CONF=CONF)


def _configuration(cluster: Cluster) -> str:
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={_host()} NodeAddr=127.0.0.1 Port={_NODE_PORT + number} CPUs={cluster.cpus}"
        f" RealMemory={cluster.memory} State=UNKNOWN"
        for number, name in enumerate(cluster.node_names, 1)
    )
    accounting = "AccountingStorageType=accounting_storage/none"
    if cluster.accounting:  # its "password" is the socket of the munged that it asks
        accounting = f"""\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={_ACCOUNTING_PORT}
AccountingStoragePass={_SOCKET}
"""
    return f"""\
ClusterName=tests
SlurmctldHost={_host()}(127.0.0.1)
SlurmctldPort={_CONTROLLER_PORT}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={_SOCKET}
CredType=cred/munge
SlurmctldPidFile={ROOT}/slurmctld.pid
SlurmdPidFile={ROOT}/slurmd.%n.pid
SlurmdSpoolDir={ROOT}/spool/%n
StateSaveLocation={ROOT}/state
SlurmctldLogFile={_log("slurmctld")}
SlurmdLogFile={_log("slurmd.%n")}
PrologSlurmctld={_PROLOG}

# Without cgroups, as most containers are; a machine with fewer CPUs and less memory than its nodes are said to have.
ProctrackType=proctrack/{"cgroup" if cluster.cgroups else "linuxproc"}
TaskPlugin=task/{"cgroup" if cluster.cgroups else "none"}
SwitchType=switch/none
MpiDefault=none
SlurmdParameters=config_overrides

# Sub-second scheduling; the smallest values of what is in seconds.
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0,batch_sched_delay=0,defer_batch
KillWait=1
CompleteWait=0
InactiveLimit=0
OverTimeLimit=0
SlurmctldTimeout=10
SlurmdTimeout=10

# Memory counts, and a job above its own is killed. A job that names none gets its CPUs' share.
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU={cluster.memory // cluster.cpus}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=1
{"" if cluster.cgroups else "JobAcctGatherParams=OverMemoryKill"}

JobRequeue=1
ReturnToService=2
MinJobAge=36000
{accounting}

{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=ALL MaxTime=00:05:00 State=UP
"""


def _host() -> str:
    return socket.gethostname().split(".")[0]


def _safely(states):
    try:
        return states()
    except RuntimeError:  # the controller is not up yet
        return {}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.infra.slurm", description=__doc__.splitlines()[0])
    actions = parser.add_subparsers(dest="action", required=True)
    starting = actions.add_parser("start")
    for name in ("nodes", "cpus", "memory"):
        starting.add_argument(f"--{name}", type=int, default=getattr(Cluster, name))
    for name in ("accounting", "cgroups"):
        starting.add_argument(f"--{name}", action="store_true")
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
        print(cluster.run("sinfo"), f"export SLURM_CONF={CONF}", sep="")
    elif action == "status":
        sys.exit(1)


if __name__ == "__main__":
    main()
