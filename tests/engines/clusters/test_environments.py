"""One campaign of five models that cannot share an environment, with the same numbers on all engines and on Slurm.

The setting `interpreters` names the environments: the session `tests_campaign` makes them.
"""

import os
import subprocess
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from adatom import change_settings, make_runner
from adatom.arena import leaderboard, load_records, run_benchmarks
from adatom.calculators.interpreters import interpreter_of
from adatom.settings import get_settings
from tests import codes
from tests.engines.clusters.conftest import on, tail
from tests.engines.conftest import is_tested
from tests.engines.processes import wait_until
from tests.infra import machine, slurm

pytestmark = [
    pytest.mark.xdist_group("slurm"),
    pytest.mark.deep(reason="three models of neural networks compute two curves each, on each of the engines"),
]
ELEMENTS = ["Cu", "Al"]
PACKAGES = {"chgnet": "chgnet", "sevenn": "sevennet", "mace-torch": "mace"}  # and their extras
BATCH_JOB = {"cores": 2, "memory": "6GB", "job_mem": "3GB", "walltime": "00:20:00", "queue": "main"}
TRAINING = (
    "--name=alloy --train_file=train.xyz --valid_fraction=0.2 --E0s=average --model=ScaleShiftMACE --r_max=4 "
    "--hidden_irreps=8x0e --correlation=2 --num_interactions=2 --batch_size=4 --max_num_epochs=5 --device=cpu "
    "--default_dtype=float64 --seed=1"
)


@pytest.fixture(scope="module", autouse=True)
def environments():
    """The setting as the user's environment has it, and none of the packages here."""
    missing = [package for package in PACKAGES if package.replace("-", "_") not in get_settings().interpreters]
    if missing and not set(PACKAGES.values()) <= set(codes.WANTED):
        lines = [f"ADATOM_INTERPRETERS__{package.replace('-', '_').upper()}=FOLDER" for package in missing]
        pytest.skip(f"`nox -s tests_campaign -- -m deep` makes environments of models; or set {', '.join(lines)}")
    assert missing == []


@pytest.fixture(scope="module")
def models(environments, tmp_path_factory):
    """Models by name: one is trained on ten frames, in its own environment."""
    directory = tmp_path_factory.mktemp("mace")
    frames = []
    for seed in range(10):
        atoms = bulk("Cu", a=3.6 + 0.05 * (seed % 5), cubic=True)
        atoms.numbers[: seed % 5] = 13
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = None
        frames.append(atoms)
    write(directory / "train.xyz", frames)
    command = [*(interpreter_of("mace-torch") or []), "-m", "mace.cli.run_train", *TRAINING.split()]
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=directory, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    named = {name: name for name in ("chgnet", "sevennet-0", "emt", "lj")}
    return {**named, "mace": f"mace:{directory}/alloy.model?device=cpu"}


def campaign(models, directory, runner=None):
    """The numbers of each model for each element, which are all there."""
    run_benchmarks(["diatomics"], models, elements=ELEMENTS, timeout=600, directory=directory, runner=runner)
    records = load_records([directory])
    found = {record["model"]: record["systems"] for record in records}
    failures = {name: one["failure"] for name, systems in found.items() for one in systems.values() if one["failure"]}
    assert failures == {}, tail(directory.parent)
    assert [one["missing"] for systems in found.values() for one in systems.values()] == [{}] * 10
    board = leaderboard(records)["models"]
    assert {row["model"] for row in board} == set(models)
    assert all(row["score"] > 0 for row in board)
    versions = {record["model"]: record["machine"]["versions"] for record in records}
    for model, package in {"chgnet": "chgnet", "sevennet-0": "sevenn", "mace": "mace-torch"}.items():
        assert {package, "torch"} <= set(versions[model])
    wait_until(lambda: not servers(directory), f"left behind: {servers(directory)}", 30)
    return {name: {element: one["document"] for element, one in systems.items()} for name, systems in found.items()}


def servers(directory: Path) -> list[int]:
    """Processes of other Pythons that write into a directory."""
    command = "interpreter_server.py"
    return [pid for pid in machine.processes(opened=directory) if command in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.fixture(scope="module")
def here(models, tmp_path_factory):
    """The numbers of a campaign on the local engine."""
    with change_settings(workflow_engine="local", local_workers=2):
        return campaign(models, tmp_path_factory.mktemp("local") / "bench")


@pytest.mark.parametrize("running", [*filter(is_tested, ("dask", "prefect"))], indirect=True)
def test_an_engine(engine, models, here, tmp_path):
    assert campaign(models, tmp_path / "bench") == here


@pytest.fixture(scope="module")
def cluster():
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    with slurm.slurm(nodes=1, cpus=2, memory=8000) as running:
        yield running


@on("dask")
def test_slurm(selected, cluster, models, here, tmp_path):
    with make_runner(BATCH_JOB, jobs=1) as runner:
        assert campaign(models, tmp_path / "bench", runner) == here
    wait_until(lambda: not cluster.run("squeue", "-h").strip(), "batch jobs are left", 60)
