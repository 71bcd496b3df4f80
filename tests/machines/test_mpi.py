"""The line that starts an MPI program inside a job. tests/engines/clusters/test_mpi.py runs one."""

import pytest

from adatom import job
from adatom.errors import InputError
from adatom.execution.mpi import mpi_command
from adatom.workflow.options import UnusedResourceWarning
from tests.interpreter import run


@job
def command():
    return mpi_command("pw.x", "-in", "my file")


@pytest.fixture(autouse=True)
def _no_batch_job(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)


def test_where_nothing_is_said_there_is_one_rank():
    assert mpi_command("pw.x", "-in", "my file") == command() == ["pw.x", "-in", "my file"]


ON_MACHINE = """
from adatom import job
from adatom.execution.mpi import mpi_command
found = job(lambda: mpi_command("pw.x"))
print(found())
print(found.with_options(resources={"nodes": 2, "ranks_per_node": 4, "threads_per_rank": 3})())
print(found.with_options(resources={"threads_per_rank": 6})())
"""


def test_the_setting_is_the_machines_and_a_jobs_ranks_come_first(tmp_path):
    lines = run(ON_MACHINE, tmp_path, ADATOM_MPI="/opt/mpiexec.hydra -n 2 --hosts 'a b'").splitlines()
    assert lines == [
        str(["/opt/mpiexec.hydra", "-n", "2", "--hosts", "a b", "pw.x"]),
        str(["env", "OMP_NUM_THREADS=3", "/opt/mpiexec.hydra", "-n", "8", "-ppn", "4", "pw.x"]),
        str(["env", "OMP_NUM_THREADS=6", "pw.x"]),
    ]


def test_in_a_batch_job_of_slurm_it_is_srun_which_leaves_room_for_others(tmp_path, monkeypatch):
    (tmp_path / "srun").touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    with pytest.warns(UnusedResourceWarning, match="memory"):  # of the engine, which has no say in it
        found = command.with_options(resources={"ranks_per_node": 2, "memory": "2G"})()
    assert found[2:8] == ["srun", "--nodes=1", "--ntasks=2", "--cpus-per-task=1", "--exact", "--mem=2048M"]


def test_resources_are_checked_where_they_are_given():
    with pytest.raises(InputError, match="'walltime' of Resources is '2 parsecs'"):
        command.with_options(resources={"walltime": "2 parsecs"})
