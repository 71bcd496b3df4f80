"""The machines that come with adatom."""

import subprocess

import pytest

from adatom.errors import UnknownNameError
from adatom.machines import HPCProfile, run_command
from adatom.machines.examples import example, example_names
from adatom.machines.profiles.collection import Profiles
from adatom.machines.profiles.files import read_profiles, table_of
from tests.machines.profiles import how, python


def test_which_there_are():
    assert example_names() == ["fugaku", "local", "miyabi", "slurm"]
    with pytest.raises(UnknownNameError, match="Did you mean 'fugaku'"):
        example("fugak")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "slurm",
            ["#SBATCH --nodes=2", "#SBATCH --ntasks-per-node=8", "#SBATCH --account=abc"],
        ),
        ("miyabi", ["#PBS -l select=2:ncpus=8:mpiprocs=8:ompthreads=1", "#PBS -W group_list=abc", "#PBS -q q"]),
        ("fugaku", ["#PJM -L node=2", "#PJM --mpi max-proc-per-node=8", "#PJM -g abc", "#PJM -L rscgrp=q"]),
    ],
)
def test_a_script_for_each(name, lines):
    own = {"queues": {"cpu": "q"}, "accounts": {"cpu": "abc"}, "executables": {"python": "python3"}}
    machine = HPCProfile(**{**example(name).model_dump(), **own})
    needs = how(nodes=2, ranks_per_node=8, launcher="mpiexec", walltime="1h")
    script = run_command(python("pass"), needs, machine, dry_run=True)
    assert set(lines) <= set(script.splitlines())
    assert "mpiexec -n 16 python3 -c pass\n" in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_profiles_go_into_toml_and_back():
    tomli_w = pytest.importorskip("tomli_w", reason="pip install 'adatom[prefect]'")
    miyabi = HPCProfile(**{**example("miyabi").model_dump(), "limits": {}, "executables": {"a": ["b c", "d"]}})
    needs = how(walltime="2h", memory="16G", environment={"A": "b"}, modules=["x"])
    before = Profiles([python("pass")], [needs], [miyabi])
    after = read_profiles(tomli_w.dumps(table_of(before)), "here")
    assert (after.commands, after.executions, after.machines) == (before.commands, before.executions, before.machines)
