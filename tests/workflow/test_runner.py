"""`make_runner`: what it refuses before anything is submitted, and what it gives without a cluster."""

import pytest

from adatom import change_settings, make_runner
from adatom.errors import EngineError, InputError, UnknownNameError
from adatom.execution.pool import LocalPool
from adatom.machines import RunnerProfile
from adatom.workflow.options import UnusedResourceWarning

BATCH_JOB = {"cores": 2, "memory": "1GB", "walltime": "00:10:00"}
PROFILES = """
[machines.birch]
scheduler = "slurm"
queues = { cpu = "main" }
accounts = { cpu = "catalysis" }
modules = ["site/2026"]
limits.main = { walltime = "2h", cores_per_node = 16, memory = "8G" }
slurm.constraint = "ib"

[machines.maple]
scheduler = "pjm"

[machines.far]
scheduler = "slurm"
host = "login"

[runners.screening]
machine = "birch"
jobs_per_node = 4
ranks_per_node = 2
threads_per_rank = 2
gpus_per_node = 1
memory = "2G"
walltime = "90m"
launcher = "srun"
pre_commands = ["ulimit -s unlimited"]
environment = { DATA = "/data/my own" }

[runners.large]
machine = "birch"
nodes = 2
ranks_per_node = 16
walltime = "2h"
launcher = "mpirun"

[runners.elsewhere]
machine = "maple"
"""


@pytest.fixture
def profiles(tmp_path, monkeypatch):
    file = tmp_path / "profiles.toml"
    file.write_text(PROFILES)
    monkeypatch.chdir(tmp_path)
    with change_settings(profiles=[file], results_dir=tmp_path / "results"):
        yield file


@pytest.mark.parametrize("workers", [0, -1, True, 1.5, "2"])
def test_a_number_of_workers_that_is_none_is_refused(workers):
    with pytest.raises(InputError, match="Give a whole number, 1 or more"):
        make_runner(workers=workers)


def test_its_number_is_from_the_settings_and_another_engine_has_a_name():
    with change_settings(local_workers=3), make_runner() as pool:
        assert pool.workers == 3
    with pytest.raises(UnknownNameError, match="'dsk'. Did you mean 'dask'"):
        make_runner(engine="dsk")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cluster_kwargs": 2}, "cluster_kwargs is 2. Give a dictionary, or `workers=`"),
        ({"cluster_kwargs": BATCH_JOB, "profile": "screening"}, "cluster_kwargs or profile, not both"),
        ({"cluster_kwargs": BATCH_JOB, "workers": 2}, "workers is 2, and a batch job is described"),
        ({"cluster_kwargs": BATCH_JOB, "jobs": 0}, "jobs is 0. Give a whole number, 1 or more"),
        ({"cluster_kwargs": BATCH_JOB, "adapt": 3}, "adapt is 3. Give two numbers"),
        ({"cluster_kwargs": BATCH_JOB, "adapt": (3, 2)}, "the second of adapt is 2. Give a whole number, 3 or more"),
        ({"cluster_kwargs": BATCH_JOB, "adapt": (0, 2), "jobs": 4}, "jobs is 4 and adapt"),
        ({"cluster_kwargs": {**BATCH_JOB, "n_workers": 2}, "jobs": 4}, "n_workers of cluster_kwargs"),
        ({"jobs": 4}, "jobs is 4, and no batch job is described: give cluster_kwargs or profile"),
        ({"temporary": True}, "temporary is True, and no batch job"),
        ({"profile": "screning"}, "runner profile 'screning'. Did you mean 'screening'"),
        ({"profile": RunnerProfile(name="r", machine="far")}, "'far' has host='login', and workers are submitted from"),
        ({"profile": RunnerProfile(name="r", machine="brich")}, "machine 'brich'. Did you mean 'birch'"),
        (
            {"profile": RunnerProfile(name="r", machine="birch", ranks_per_node=9, jobs_per_node=2, launcher="srun")},
            "cores_per_node is 18, and the queue 'main' of birch has at most 16",
        ),
        ({"profile": RunnerProfile(name="r", machine="birch", ranks_per_node=2)}, "The launcher 'single' starts one"),
        *(
            ({"profile": RunnerProfile(name="r", machine="birch", **of_queue)}, f"'r' has {name}, which only the queue")
            for name, of_queue in {
                "retry": {"walltime": "1h", "retry": {"timeout": {"walltime": 2.0}}},
                "input_files": {"input_files": ["a"]},
                "output_files": {"output_files": ["*.xyz"]},
                "post_commands": {"post_commands": ["rm -rf scratch"]},
                "poll_interval": {"poll_interval": "30s"},
            }.items()
        ),
    ],
)
def test_bad_input_is_told_before_anything_is_submitted(profiles, arguments, message):
    with pytest.raises(InputError, match=message):
        make_runner(**arguments)


def test_a_job_of_several_nodes_shares_none():
    with pytest.raises(InputError, match="nodes is 2 and jobs_per_node 3"):
        RunnerProfile(name="r", machine="birch", nodes=2, jobs_per_node=3)


def test_the_local_engine_has_processes_in_place_of_batch_jobs(profiles):
    with pytest.warns(UnusedResourceWarning, match="none in slurm"), make_runner(profile="screening") as pool:
        assert isinstance(pool, LocalPool)
        with pytest.raises(EngineError, match="no batch job that has a script.*ADATOM_WORKFLOW_ENGINE"):
            pool.job_script()


@pytest.mark.parametrize("engine", ["dask", "parsl", "prefect"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cluster_kwargs": BATCH_JOB, "scheduler": "slrum"}, "scheduler .*'slrum'. Did you mean 'slurm'"),
        ({"profile": "elsewhere"}, "scheduler .*'pjm'.*Valid: .*slurm"),
        ({"cluster_kwargs": BATCH_JOB, "temporary": 2}, "temporary is 2. Give True or False"),
        ({"cluster_kwargs": {"cores": 2}}, "refuses its arguments: You must specify how much cores and memory"),
        ({"cluster_kwargs": {**BATCH_JOB, "acount": "me"}}, "refuses its arguments: .*acount"),
        ({"cluster_kwargs": {**BATCH_JOB, "walltime": "2 hours"}}, "walltime is '2 hours': give it as slurm reads it"),
    ],
)
def test_what_an_engine_has_no_workers_for_is_refused(profiles, engine, arguments, message):
    _installed(engine)
    with pytest.raises(InputError, match=message):
        make_runner(engine=engine, **arguments)


def _installed(engine):
    for package in (engine, "dask_jobqueue"):
        pytest.importorskip(package, reason=f"pip install 'adatom[{engine}]'")


@pytest.mark.parametrize("engine", ["dask", "parsl", "prefect"])
def test_the_script_says_what_the_profile_says_and_nothing_is_submitted(profiles, engine):
    _installed(engine)
    with make_runner(profile="screening", engine=engine) as runner:
        script = runner.job_script()
    lines = script.splitlines()
    assert lines[0] == "#!/bin/bash"
    logs = profiles.parent / "results" / "worker-logs" / "workers-%j"
    assert [line for line in lines if line.startswith("#SBATCH")] == [
        "#SBATCH --job-name=adatom-workers",
        f"#SBATCH --output={logs}.out",
        f"#SBATCH --error={logs}.err",
        "#SBATCH --nodes=1",
        "#SBATCH --ntasks-per-node=8",  # four jobs with two ranks each
        "#SBATCH --cpus-per-task=2",
        "#SBATCH --no-requeue",
        "#SBATCH --gpus-per-node=4",
        "#SBATCH --mem=8192M",
        "#SBATCH --time=01:30:00",
        "#SBATCH --partition=main",
        "#SBATCH --account=catalysis",
        "#SBATCH --constraint=ib",
    ]
    assert "{ module load site/2026" in lines
    assert "{ ulimit -s unlimited" in lines
    assert "export DATA='/data/my own'" in lines
    assert "export OMP_NUM_THREADS=2" in lines
    assert "export ADATOM_WALLTIME=4900" in lines  # jobs stop first, then workers, and then the batch job ends
    assert "export ADATOM_MPI='srun --nodes=1 --ntasks=2 --cpus-per-task=2 --exact --mem=2048M'" in lines
    workers = {"parsl": "--max_workers_per_node=4", "dask": "--nworkers 4", "prefect": "--nworkers 4"}
    assert workers[engine] in script
    shared = "--available-accelerators 0 1 2 3" if engine == "parsl" else "export WORKERS_PER_NODE=4 GPUS_PER_NODE=4"
    assert shared in script


def test_a_job_may_have_several_gpus(profiles):
    _installed("parsl")
    two = RunnerProfile(name="r", machine="birch", jobs_per_node=2, gpus_per_node=2)
    with make_runner(profile=two, engine="parsl") as runner:
        assert "--available-accelerators 0,1 2,3" in runner.job_script()


@pytest.mark.parametrize("engine", ["dask", "parsl"])
def test_a_job_of_several_nodes_has_a_batch_job_of_its_own(profiles, engine):
    _installed(engine)
    with make_runner(profile="large", engine=engine) as runner:
        script = runner.job_script()
    assert "#SBATCH --nodes=2\n#SBATCH --ntasks-per-node=16\n" in script
    assert "export ADATOM_MPI='mpirun -np 32'\n" in script
    assert "OMPI_MCA" not in script  # it shares no node
    assert {"dask": "--nthreads 1 ", "parsl": "--max_workers_per_node=1 "}[engine] in script


SEED = {
    "n_workers": 1,
    "cores": 1,
    "memory": "4GB",
    "shebang": "#!/bin/bash",
    "account": "AccountName",
    "walltime": "00:10:00",
    "job_mem": "0",
    "job_script_prologue": ["source ~/.bashrc", "conda activate quacc"],
    "job_directives_skip": ["-n", "--cpus-per-task"],
    "job_extra_directives": ["-N 1", "-q debug", "-C cpu"],
    "python": "python",
}


@pytest.mark.parametrize("engine", ["dask", "parsl", "prefect"])
def test_arguments_of_dask_jobqueue_are_taken_as_they_are(profiles, engine):
    _installed(engine)
    with make_runner(SEED, engine=engine) as runner:
        lines = runner.job_script().splitlines()
    logs = profiles.parent / "results" / "worker-logs"
    directives = [line for line in lines if line.startswith("#SBATCH")]
    assert directives == [
        "#SBATCH -J adatom-workers",
        f"#SBATCH -e {logs}/adatom-workers-%J.err",
        f"#SBATCH -o {logs}/adatom-workers-%J.out",
        "#SBATCH -A AccountName",
        "#SBATCH --mem=0",
        "#SBATCH -t 00:10:00",
        "#SBATCH -N 1",
        "#SBATCH -q debug",
        "#SBATCH -C cpu",
    ]
    after = [line for line in lines if line and line not in directives and not line.startswith("export ")]
    assert ("export OMP_NUM_THREADS=1" in lines) == (engine == "parsl")  # Dask sees to it in its workers
    assert after[:3] == ["#!/bin/bash", "source ~/.bashrc", "conda activate quacc"]
    assert "export ADATOM_WALLTIME=500" in lines
    if engine == "parsl":
        assert after[3].startswith("python -P -m parsl.executors.high_throughput.process_worker_pool ")
        assert "--drain_period=540" in after[3]
    else:
        assert after[3].startswith("python -m distributed.cli.dask_worker tls://")
        assert "--lifetime 540s --lifetime-stagger 20s" in after[3]


@pytest.mark.parametrize(
    ("scheduler", "walltime", "seconds"),
    [
        ("slurm", "60", 3600),
        ("slurm", "90:30", 5430),
        ("slurm", "1-12", 36 * 3600),
        ("slurm", "1-00:30", 24.5 * 3600),
        ("slurm", "01:30:00", 5400),
        ("lsf", "60", 3600),
        ("lsf", "01:30", 5400),
        ("pbs", "01:30:00", 5400),
        ("sge", "3600", 3600),
    ],
)
def test_a_walltime_is_read_as_its_scheduler_does(profiles, scheduler, walltime, seconds):
    _installed("dask")
    with make_runner({**BATCH_JOB, "walltime": walltime}, engine="dask", scheduler=scheduler) as runner:
        script = runner.job_script()
    assert f"--lifetime {int(seconds - min(max(seconds / 10, 30), 300))}s " in script


@pytest.mark.parametrize("engine", ["dask", "parsl"])
def test_only_prefect_starts_batch_jobs_for_each_flow(profiles, engine):
    _installed(engine)
    with pytest.raises(InputError, match="temporary=True: this engine cannot start batch jobs for each flow"):
        make_runner(BATCH_JOB, engine=engine, temporary=True)
