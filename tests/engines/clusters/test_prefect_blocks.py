"""HPC-Prefect's quick start, on a real Prefect server, and its blocks as profiles."""

import asyncio
import json
import os
import subprocess
import sys
import tomllib
import uuid

import pytest

from adatom.errors import BatchJobError, InputError, UnknownNameError
from tests.infra import machine, slurm

pytest.importorskip("prefect", reason="pip install 'adatom[prefect]'")
pytestmark = [pytest.mark.xdist_group("slurm"), pytest.mark.usefixtures("prefect_server")]

from prefect import flow  # noqa: E402

from adatom.engines.clusters.prefect_blocks import (  # noqa: E402
    CommandBlock,
    ExecutionProfileBlock,
    HPCProfileBlock,
    build_scheduler_script_filename,
    run_job_from_blocks,
)


def saved(target, name=None, **more):
    """The three blocks of the quick start, for a program that is here; gives their names."""
    own = name or uuid.uuid4().hex[:8]
    CommandBlock(
        command_name="my-simulation",
        executable_key="simulation_binary",
        description="My HPC simulation",
        default_args=["-c", "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['OMP_NUM_THREADS']]))"],
    ).save(f"cmd-{own}", overwrite=True)
    ExecutionProfileBlock(
        profile_name=f"simulation-{own}", command_name="my-simulation", walltime="00:02:00", **more
    ).save(f"exec-{own}", overwrite=True)
    HPCProfileBlock(
        hpc_target=target, queue_cpu="main" if target == "slurm" else None,
        executable_map={"simulation_binary": sys.executable},
    ).save(f"hpc-{own}", overwrite=True)  # fmt: skip
    return {
        "command_block_name": f"cmd-{own}",
        "execution_profile_block_name": f"exec-{own}",
        "hpc_profile_block_name": f"hpc-{own}",
    }


@pytest.mark.parametrize(
    ("stem", "target", "name"),
    [
        ("my_simulation", "miyabi", "my_simulation.pbs"),
        ("my_simulation", "fugaku", "my_simulation.pjm"),
        ("my_simulation.pbs", "slurm", "my_simulation.slurm"),
        ("my.simulation", "slurm", "my.simulation.slurm"),
    ],
)
def test_names_of_scripts(stem, target, name):
    assert build_scheduler_script_filename(stem, target) == name


def test_an_unknown_target():
    with pytest.raises(UnknownNameError, match=r"Unknown hpc_target 'fugak'\. Did you mean 'fugaku'\?"):
        build_scheduler_script_filename("x", "fugak")


def test_what_the_blocks_say():
    how = ExecutionProfileBlock(
        profile_name="simulation-mpi-16", command_name="my-simulation", resource_class="cpu", num_nodes=2, mpiprocs=8,
        ompthreads=4, walltime="01:00:00", launcher="mpiexec.hydra", mpi_options=["-x"],
        modules=["intel/2023.2.0", "impi/2021.10.0"], environments={"A": "b"},
    ).profile()  # fmt: skip
    assert (how.ranks, how.threads_per_rank, how.walltime, how.launcher_options) == (16, 4, 3600, ("-x",))
    where = HPCProfileBlock(
        hpc_target="miyabi", queue_cpu="regular-c", queue_gpu="regular-g", project_cpu="your-project-id",
        project_gpu="your-project-id", executable_map={"simulation_binary": "/path/to/simulation"},
    ).profile("hpc-miyabi")  # fmt: skip
    assert (where.name, where.scheduler, where.options.account_as) == ("hpc-miyabi", "pbs", "group_list")
    assert where.queues == {"cpu": ("regular-c",), "gpu": ("regular-g",)}


def test_the_quick_start_on_slurm(tmp_path):
    machine.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    names = saved("slurm", num_nodes=2, mpiprocs=2, launcher="srun")

    @flow
    async def my_workflow():
        return await run_job_from_blocks(
            **names,
            work_dir=tmp_path / "work/my-simulation",
            script_filename=build_scheduler_script_filename("my_simulation", "slurm"),
            user_args=["--input", "data.txt"],
        )

    with slurm.slurm():
        result = asyncio.run(my_workflow())
    assert result.ok
    assert [json.loads(line) for line in result.stdout.read_text().splitlines()] == [[["--input", "data.txt"], "1"]] * 4
    assert result.script.name.startswith("my_simulation-")
    assert result.script.suffix == ".slurm"


def test_a_rehearsal_with_other_values(tmp_path):
    names = saved("local")
    job = run_job_from_blocks(
        **names, work_dir=tmp_path, script_filename="x.sh", execution_profile_overrides={"ompthreads": 3}
    )
    assert json.loads(asyncio.run(job).stdout.read_text()) == [[], "3"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"command_block_name": "absent"}, r"Unknown CommandBlock 'absent'.* Valid: .*cmd-same"),
        ({"hpc_profile_block_name": "hpc-sam"}, r"Unknown HPCProfileBlock 'hpc-sam'\. Did you mean 'hpc-same'\?"),
        ({"script_filename": "x.slurm"}, r"script_filename is 'x.slurm', and local wants 'x.sh'"),
        ({"execution_profile_overrides": {"nodes": 2}}, r"'nodes'\. Did you mean 'num_nodes'\?"),
        ({"execution_profile_overrides": {"num_nodes": 2}}, r"local cannot be asked for nodes=2"),
    ],
)
def test_bad_input(tmp_path, change, said):
    given = {**saved("local", "same", launcher="mpirun"), "work_dir": tmp_path, "script_filename": "x.sh", **change}
    with pytest.raises(InputError, match=said):
        asyncio.run(run_job_from_blocks(**given))
    assert not list(tmp_path.iterdir())


def test_a_job_that_fails(tmp_path):
    names = saved("local")
    CommandBlock(
        command_name="my-simulation", executable_key="simulation_binary", default_args=["-c", "raise SystemExit(3)"]
    ).save(names["command_block_name"], overwrite=True)
    with pytest.raises(BatchJobError, match="exit_code 3"):
        asyncio.run(run_job_from_blocks(**names, work_dir=tmp_path, script_filename="x.sh"))


def test_from_the_command_line(prefect_server, tmp_path):
    """Registered as HPC-Prefect's own, and printed as profiles."""
    saved("miyabi", "printed", num_nodes=2)
    environment = {**os.environ, **prefect_server, "PYTHONPATH": os.pathsep.join(sys.path)}

    def run(*command):
        return subprocess.run(
            [sys.executable, "-m", *command], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert "3 blocks" in run("prefect", "block", "register", "-m", "adatom.engines.clusters.prefect_blocks")
    printed = tomllib.loads(run("adatom", "profiles", "import"))
    assert printed["machines"]["hpc-printed"] == {
        "scheduler": "pbs",
        "executables": {"simulation_binary": sys.executable},
        "pbs": {"account_as": "group_list"},
    }
    assert printed["executions"]["simulation-printed"]["nodes"] == 2
