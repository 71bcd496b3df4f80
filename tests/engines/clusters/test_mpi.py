"""A real MPI program inside a job: as many ranks as the job, or the runner's profile, asks for."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from ase.build import bulk

from adatom import change_settings, flow, job, make_runner
from adatom.execution.mpi import mpi_command
from adatom.machines import Resources
from tests.engines.clusters.conftest import on, tail
from tests.infra import machine, slurm

pytestmark = pytest.mark.xdist_group("slurm")
PSEUDOPOTENTIALS = "/usr/share/espresso/pseudo"
PROFILES = """
[machines.birch]
scheduler = "slurm"
queues = { cpu = "main" }
pre_commands = ["export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1"]

[runners.pw]
machine = "birch"
ranks_per_node = 2
memory = "900M"
walltime = "10m"
launcher = "mpirun"
"""


@pytest.fixture(scope="module", autouse=True)
def espresso():
    machine.skip_or_install("slurm", ("pw.x", "mpirun"), ("quantum-espresso", "quantum-espresso-data"))


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    with slurm.slurm(nodes=2, cpus=4) as running:
        yield running


@job
def energy(atoms):
    """Of silicon; with the number of ranks that Quantum ESPRESSO says it runs on, and the batch job."""
    from ase.calculators.espresso import Espresso, EspressoProfile

    profile = EspressoProfile(command=shlex.join(mpi_command("pw.x")), pseudo_dir=PSEUDOPOTENTIALS)
    pseudopotentials = {"Si": "Si.pbe-rrkj.UPF"}
    system = {"ecutwfc": 15}
    atoms.calc = Espresso(profile=profile, pseudopotentials=pseudopotentials, input_data={"system": system})
    found = atoms.get_potential_energy()
    output = Path("espresso.pwo").read_text()
    # It prints one of these two lines.
    ranks = re.search(
        r"Number of MPI processes: +(\d+)|Parallel version \(MPI[^)]*\), running on +(\d+) processors", output
    )
    return found, int(ranks[1] or ranks[2]), os.environ.get("SLURM_JOB_ID")


@flow
def silicon():
    return energy(bulk("Si"))


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """The same job, no profile."""
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", results_dir=tmp_path / "alone"):
        return silicon()


@on("dask")
def test_a_profile_says_on_how_many_ranks(selected, alone, cluster, tmp_path, monkeypatch):
    (tmp_path / "adatom.toml").write_text(PROFILES)
    assert alone[1:] == (1, None)
    with make_runner(profile="pw") as runner:
        found, ranks, batch_job = silicon.with_options(runner=runner)()
        asked = cluster.job(batch_job)
    assert ranks == 2, tail(tmp_path)
    assert asked["NumTasks"] == "2"
    assert found == pytest.approx(alone[0], abs=1e-5)


@on("local")
def test_a_job_says_on_how_many_ranks(selected, alone):
    found, ranks, _ = energy.with_options(resources=Resources(ranks_per_node=2))(bulk("Si"))
    assert ranks == 2
    assert found == pytest.approx(alone[0], abs=1e-5)


def test_the_pseudopotential_is_there():
    assert shutil.which("pw.x")
    assert "Si.pbe-rrkj.UPF" in subprocess.run(["ls", PSEUDOPOTENTIALS], capture_output=True, text=True).stdout
