"""Flows on batch schedulers, with what `make_runner` makes, and of the queue engine also over ssh."""

import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.execution.registry import close_engines, engine_class, is_installed
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.conftest import WANTED, end_batch_jobs
from tests.infra import machine as infra
from tests.infra import slurm, sshd


@pytest.fixture
def selected(request, tmp_path, monkeypatch):
    """An engine by name, in a directory of its own, which is where workers find nothing of the tests'."""
    name = request.param
    if (not WANTED and not is_installed(engine_class(name))) or (WANTED and name not in WANTED):
        pytest.skip(f"pip install 'adatom[{name}]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADATOM_WORKFLOW_ENGINE", name)  # for scripts
    own = {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    for setting, directory in own.items():
        monkeypatch.setenv(f"ADATOM_{setting.upper()}", str(directory))
    with ExitStack() as stack:
        if name == "covalent":
            from tests.engines.covalent_server import covalent_server

            (tmp_path / "covalent").mkdir()
            stack.enter_context(covalent_server(tmp_path / "covalent"))
        stack.enter_context(change_settings(workflow_engine=name, **own))
        yield name
        close_engines()


def on(*engines):
    """A test for each of these engines."""
    return pytest.mark.parametrize("selected", engines, indirect=True)


def energies(result):
    return [round(run["results"]["energy"], 9) for kind in ("relax", "static") for run in result[kind]]


@pytest.fixture(scope="session")
def here():
    """The energies of the flow in this process."""
    with change_settings(workflow_engine="local", local_workers=1):
        return energies(bulk_to_slabs_flow(bulk("Cu")))


def batch_jobs(result):
    """How many jobs of a flow ran in each batch job."""
    return Counter(run["provenance"].get("batch_job") for kind in ("relax", "static") for run in result[kind])


def tail(directory):
    """What workers printed, for a test that fails."""
    logs = sorted(directory.glob("results/worker-logs/**/*.err"))
    return "\n".join(f"{log}:\n{log.read_text()[-1500:]}" for log in logs if os.path.getsize(log))


# --- The queue engine over ssh ----------------------------------------------------------------------------------------

FAR_PROFILES = f"""
[machines.cluster]
scheduler = "slurm"
host = "login"
remote_dir = "~/adatom jobs"
queues.cpu = "main"

[runners.far]
machine = "cluster"
resource_class = "cpu"
jobs_per_node = 2
walltime = "10m"
python = "{sys.executable}"

[runners.fed]
machine = "cluster"
resource_class = "cpu"
python = "{sys.executable}"
input_files = ["numbers"]

[runners.other]
machine = "cluster"
resource_class = "cpu"
python = "~/own python"

[runners.bare]
machine = "cluster"
resource_class = "cpu"
python = "/usr/bin/python3"

[machines.gone]
scheduler = "slurm"
host = "closed"

[runners.gone]
machine = "gone"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """That of a user there, whose login shell greets."""
    home = tmp_path_factory.mktemp("it's home")
    (home / ".bash_profile").write_text("echo Welcome; echo Beware >&2\n")
    (home / "own python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (home / "own python").chmod(0o755)
    return home


@pytest.fixture(scope="module")
def login(home):
    infra.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    infra.skip_or_install("sshd", sshd.COMMANDS, sshd.PACKAGES)
    with slurm.slurm() as cluster, sshd.sshd(HOME=str(home), **cluster.environment) as login:
        yield login


@pytest.fixture
def queue_dir(login, tmp_path, monkeypatch):
    monkeypatch.delenv("SLURM_CONF")
    (tmp_path / "profiles.toml").write_text(FAR_PROFILES)
    own = {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    with change_settings(workflow_engine="queue", queue_profile="far", profiles=(tmp_path / "profiles.toml",), **own):
        yield tmp_path / "queue"
        close_engines()
        end_batch_jobs(tmp_path / "queue")


# Ten jobs that write a line each; what the last three need is computed by the first ones.
SCRIPT = """
import os, time
from pathlib import Path
from adatom import flow, job
from helper import value

@job
def work(number, *before):
    with open("at {log}"[3:], "a") as log:  # the content of a file that the code names counts for the name of a job
        log.write(f"{{number}}\\n")
    time.sleep(0.3)
    return value(number) + sum(before)

@flow
def campaign():
    first = [work(number) for number in range(7)]
    return first + [work(number, *first) for number in range(7, 10)]

print("result", sum(campaign()))
"""
RESULT = f"result {sum(range(10)) + 3 * sum(range(7))}"


@pytest.fixture
def laptop(login, tmp_path, monkeypatch):
    """A directory for scripts, with a module of the user's beside them."""
    monkeypatch.delenv("SLURM_CONF")
    own = tmp_path / "laptop"
    own.mkdir()
    (own / "helper.py").write_text("def value(number): return number")
    (own / "profiles.toml").write_text(FAR_PROFILES)
    yield own
    with change_settings(queue_dir=own / "queue"):
        close_engines()
    end_batch_jobs(own / "queue")


def environment(laptop: Path) -> dict[str, str]:
    return {
        "ADATOM_WORKFLOW_ENGINE": "queue",
        "ADATOM_QUEUE_PROFILE": "far",
        "ADATOM_PROFILES": f"{laptop}/profiles.toml",
        "ADATOM_QUEUE_DIR": str(laptop / "queue"),
    }


def begun(log: Path) -> Counter:
    return Counter(log.read_text().split()) if log.exists() else Counter()


# Puts the files of the script where no other process sees them, as if it were on another machine.
ALONE = (
    "unshare",
    "--mount",
    "sh",
    "-ec",
    'mkdir ../own; mv *.py *.toml ../own; mount -t tmpfs none "$PWD"; cd "$PWD"; mv ../own/* .; exec "$@"',
    "alone",
)


def may_be_alone(laptop: Path) -> None:
    if subprocess.run([*ALONE[:2], "mount", "-t", "tmpfs", "none", laptop], capture_output=True).returncode:
        pytest.skip("this process may not mount: run the tests as root")
