"""The queue engine on a real Slurm: against an array of jobs, the driver's time, and how busy the slots are.

It starts a Slurm of its own, as root (`tests/infra/slurm.py`): a node with as many CPUs as there are slots. All tasks
sleep, so that the machine needs no such number of cores. Each driver is a process of its own, and its time begins with
the start of its interpreter. (A script named `queue.py` would hide the module of Python from the others.)
"""

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from _measure import Row, absolute, arguments, compare, report, scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.infra.machine import wait_for
from tests.infra.slurm import Cluster, slurm
from tests.infra.sshd import ROOT, sshd

MEMORY = 900  # MB of a slot
PROFILE = """
[machines.here]
scheduler = "slurm"
{host}
queues = {{ cpu = "main" }}

[runners.slots]
machine = "here"
jobs_per_node = {jobs_per_node}
memory = "{memory}M"
walltime = "1h"
python = "{python}"
"""
DRIVER = """
import json, sys, time
from adatom import flow, job, make_runner

@job
def nap(number, seconds):
    begun = time.time()
    time.sleep(seconds)
    return begun, time.time()

def told(**more):
    print(json.dumps({"wall": time.time() - float(sys.argv[2]), "cpu": time.process_time(), **more}), flush=True)

@flow
def campaign(times, stays):
    jobs = [nap(number, seconds) for number, seconds in enumerate(times)]
    if not stays:
        told()
        time.sleep(600)  # until it is killed
    return jobs

if __name__ == "__main__":
    with make_runner(profile="slots", jobs=int(sys.argv[3])) as runner:
        begun = time.time()
        naps = campaign.with_options(runner=runner)(json.load(open("times.json")), sys.argv[1] == "stays")
        told(flow=begun, naps=naps)
"""
ARRAY = """
sbatch --parsable --array=0-{last}%{slots} --output=/dev/null --mem=10M --time=5 --wrap "sleep 1"
while squeue --me --noheader | grep -q .; do sleep 0.2; done
"""


class Here:
    """A directory with a spool, profile and driver, on a cluster."""

    def __init__(self, directory: Path, cluster: Cluster, slots: int, batch_jobs: int, host: str = "") -> None:
        self.directory, self.cluster, self.slots, self.batch_jobs = directory, cluster, slots, batch_jobs
        directory.mkdir(exist_ok=True)
        (directory / "driver.py").write_text(DRIVER)
        host = f'host = "{host}"' if host else ""
        profile = PROFILE.format(jobs_per_node=slots // batch_jobs, memory=MEMORY, host=host, python=sys.executable)
        (directory / "adatom.toml").write_text(profile)
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(directory / "compiled"),
            "ADATOM_WORKFLOW_ENGINE": "queue",
            "ADATOM_QUEUE_DIR": str(directory / "spools"),
            "ADATOM_RESULTS_DIR": str(directory / "results"),
        }

    def start(self, how: str, times: list[float]) -> subprocess.Popen[str]:
        """Start a driver with a task for each of some times. It ``stays`` to the end, or waits to be killed."""
        (self.directory / "times.json").write_text(json.dumps(times))
        words = [sys.executable, "driver.py", how, repr(time.time()), str(self.batch_jobs)]
        return subprocess.Popen(words, cwd=self.directory, env=self.environment, stdout=subprocess.PIPE, text=True)

    def run(self, times: list[float]) -> dict:
        """What a driver says that stays to the end."""
        with self.start("stays", times) as driver:
            said = json.loads(driver.stdout.readline())
        assert len(said["naps"]) == len(times)
        self.settle()
        return said

    def by_hand(self, tasks: int) -> float:
        """Seconds that a shell takes, with an array of as many jobs."""
        start = time.perf_counter()
        command = ARRAY.format(last=tasks - 1, slots=self.slots)
        subprocess.run(["bash", "-c", command], check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    def queued(self) -> bool:
        """Whether there are batch jobs, of which one that completes still holds its node."""
        return bool(self.cluster.run("squeue", "-h"))

    def settle(self) -> None:
        """Wait until there is no batch job."""
        wait_for(lambda: not self.queued(), "the end of the batch jobs")

    def spooled(self, *places: str) -> int:
        """How many tasks are in some directories of the spool."""
        found = [path for place in places for path in self.directory.glob(f"spools/*/{place}/*")]
        return sum(not path.name.startswith(".") for path in found)

    def twice(self, tasks: int) -> tuple[dict, dict]:
        """What two drivers say: one that is killed when it has submitted, and one that starts when all is done.

        Batch jobs begin when the first one has submitted, as they would on a cluster that is busy.
        """
        times = [0.0] * tasks
        self.cluster.run("scontrol", "update", "PartitionName=main", "State=DOWN")
        with self.start("leaves", times) as driver:
            submitted = json.loads(driver.stdout.readline())
            assert self.spooled("waiting") == tasks
            wait_for(self.queued, "a batch job")
            driver.kill()
        self.cluster.run("scontrol", "update", "PartitionName=main", "State=UP")
        wait_for(lambda: self.spooled("done") == tasks, "the answers", 600)
        return submitted, self.run(times)


def idle(said: dict, slots: int, since: float) -> float:
    """Percentage of the slots without a task, from some time until the last task was begun."""
    until = max(begun for begun, _ in said["naps"])
    busy = sum(min(ended, until) - begun for begun, ended in said["naps"])
    return 100 * (1 - busy / slots / (until - since))


def logins() -> int:
    """How many connections the sshd has accepted."""
    return (ROOT / "log").read_text().count("Accepted publickey")


def main() -> None:
    options = arguments(
        __doc__,
        repeats=1,
        tasks={"type": int, "default": 1000, "help": "tasks of the cases array and driver"},
        drawn={"type": int, "default": 220, "help": "tasks of the case slots"},
        slots={"type": int, "default": 8, "help": "tasks at a time"},
        jobs={"type": int, "default": 1, "help": "batch jobs that have these slots"},
        case={"action": "append", "help": "array, driver, slots, ssh; all if not given"},
    )
    wanted = set(options.case or ["array", "driver", "slots", "ssh"])
    rows: list[Row] = []
    tasks, slots = options.tasks, options.slots
    with scratch() as root, slurm(nodes=1, cpus=slots, memory=1000 * slots) as cluster:
        here = Here(root, cluster, slots, options.jobs)
        here.run([0.0] * slots)  # which leaves compiled code
        if "array" in wanted:
            seconds: list[float] = []

            def ours() -> float:
                seconds.append(here.run([1.0] * tasks)["wall"])
                return seconds[-1]

            subject = f"{tasks} tasks of 1 s on {slots} slots, against "
            by_hand = (lambda: here.by_hand(tasks)), options.repeats
            rows.append(compare(f"{subject}an array", 1.10, ours, *by_hand, warm_up=False))
            rounds = -(-tasks // slots)
            rows.append(absolute(f"{subject}{rounds} s", None, [one / rounds for one in seconds], ""))
        if "driver" in wanted:
            pairs = [here.twice(tasks) for _ in range(options.repeats)]
            for what, said in zip(("submitted", "gathered"), zip(*pairs, strict=True), strict=True):
                cpu = f"{median(one['cpu'] for one in said):.2f} s of CPU"
                rows.append(absolute(f"{tasks} tasks {what}", 5, [one["wall"] for one in said], "s"))
                rows[-1].ours = cpu
        if "slots" in wanted:
            drawn = random.Random(0)
            times = [10 ** drawn.uniform(-1, 1) for _ in range(options.drawn)]
            runs = [here.run(times) for _ in range(options.repeats)]
            ends = {"first task": lambda said: min(said["naps"])[0], "flow": lambda said: said["flow"]}
            for name, since in ends.items():
                values = [idle(said, slots, since(said)) for said in runs]
                subject = f"slots idle, {options.drawn} tasks of 0.1 to 10 s, since the {name} was begun"
                rows.append(absolute(subject, 5 if name == "first task" else None, values, "%"))
        if "ssh" in wanted:
            with sshd(HOME=str(root / "home"), **cluster.environment):
                far = Here(root / "far", cluster, slots, options.jobs, "login")
                connections, seconds = [], []
                for _ in range(options.repeats):
                    before = logins()
                    seconds.append(far.run([0.0] * tasks)["wall"])
                    connections.append(logins() - before)
            rows.append(absolute(f"ssh connections for {tasks} tasks", 6, connections, ""))
            rows.append(absolute(f"{tasks} tasks that do nothing, over ssh", None, seconds, "s"))
    report("the queue engine on Slurm", rows, options.json)


if __name__ == "__main__":
    main()
