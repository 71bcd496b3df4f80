"""One command, one execution profile, and a machine for each scheduler: the whole script, and what each line asks for.

Each line of the scripts in `golden` was checked against the manuals: sbatch(1), qsub(1B) of OpenPBS and of Torque 6,
qsub(1) of Grid Engine, pjsub(1), bsub(1). One that changes is to be checked so again, and not to be copied.
"""

import contextlib
import re
import subprocess
from pathlib import Path

import pytest

from adatom.machines import Command, ExecutionProfile, HPCProfile, run_command
from adatom.machines.schedulers.base import scheduler, scheduler_names

GOLDEN = Path(__file__).parent / "golden"

COMMAND = Command(name="pw", executable="pw.x", arguments=["-nk", "2"])
HOW = ExecutionProfile(
    name="pw-16",
    command="pw",
    nodes=2,
    ranks_per_node=8,
    threads_per_rank=2,
    memory="32G",
    walltime="1-02:30:00",
    launcher="mpirun",
    launcher_options=["--map-by", "slot:PE=2"],
    modules=["qe/7.3"],
    pre_commands=["ulimit -s unlimited"],
    environment={"ESPRESSO_PSEUDO": '/data/it\'s "pseudo" $HOME', "KMP_AFFINITY": "compact"},
    shell_environment={"LD_LIBRARY_PATH": "$LD_LIBRARY_PATH:/opt/my lib"},
)
SITE = {
    "name": "site",
    "queues": {"cpu": "main", "gpu": "accel"},
    "accounts": {"cpu": "chem", "gpu": "chem-gpu"},
    "executables": {"pw.x": ["/opt/container.sh", "pw.x"]},
    "modules": ["site/2026"],
    "environment": {"SITE": "yes"},
}
MACHINES = {
    "slurm": HPCProfile(**SITE, scheduler="slurm", slurm={"constraint": "milan"}),
    "pbs": HPCProfile(**SITE, scheduler="pbs", pbs={"chunk": ["model=milan"]}),
    "torque": HPCProfile(**SITE, scheduler="pbs", pbs={"dialect": "torque", "chunk": ["milan"]}),
    "sge": HPCProfile(**SITE, scheduler="sge", sge={"parallel_environment": "mpi-16"}),
    "pjm": HPCProfile(**SITE, scheduler="pjm", pjm={"gfscache": ["/vol0004"]}),
    "lsf": HPCProfile(**SITE, scheduler="lsf", lsf={"slots": "ranks"}),
}

# What each field is in the words of each scheduler; nothing: it has none, and where else it is said stands beside.
FIELDS = {
    "slurm": {
        "job name": ["--job-name=NAME"],
        "stdout": ["--output=NAME.out"],
        "stderr": ["--error=NAME.err"],
        "queue": ["--partition=main"],
        "account": ["--account=chem"],
        "nodes": ["--nodes=2"],
        "ranks": ["--ntasks-per-node=8"],
        "threads": ["--cpus-per-task=2"],
        "memory": ["--mem=32768M"],  # of a node
        "walltime": ["--time=26:30:00"],
        "rerun": ["--no-requeue"],
        "own": ["--constraint=milan"],
    },
    "pbs": {
        "job name": ["-N NAME"],
        "stdout": ["-o NAME.out"],
        "stderr": ["-e NAME.err"],
        "queue": ["-q main"],
        "account": ["-A chem"],
        "nodes": ["-l select=2", "-l place=scatter"],
        "ranks": ["mpiprocs=8"],
        "threads": ["ompthreads=2", "ncpus=16"],  # cores are those of a node
        "memory": ["mem=32768mb"],  # of a node
        "walltime": ["-l walltime=26:30:00"],
        "rerun": ["-r n"],
        "own": ["model=milan"],
        "shell": ["-S /bin/bash"],
    },
    "torque": {
        "job name": ["-N NAME"],
        "stdout": ["-o NAME.out"],
        "stderr": ["-e NAME.err"],
        "queue": ["-q main"],
        "account": ["-A chem"],
        "nodes": ["-l nodes=2"],
        "ranks": [],  # of the launcher's
        "threads": ["ppn=16"],  # cores of a node
        "memory": ["-l mem=65536mb"],  # of the job
        "walltime": ["-l walltime=26:30:00"],
        "rerun": ["-r n"],
        "own": ["milan"],
        "shell": ["-S /bin/bash"],
    },
    "sge": {
        "job name": ["-N NAME"],
        "stdout": ["-o NAME.out"],
        "stderr": ["-e NAME.err"],
        "queue": ["-q main"],
        "account": ["-P chem"],
        "nodes": [],  # of the parallel environment's
        "ranks": [],  # of the launcher's
        "threads": ["-pe mpi-16 32"],  # cores of the job
        "memory": ["-l h_vmem=2048M"],  # of a core
        "walltime": ["-l h_rt=26:30:00"],
        "rerun": ["-r n"],
        "own": [],
        "shell": ["-S /bin/bash"],
        "directory": ["-cwd"],  # else stdout is looked for in the home directory
    },
    "pjm": {
        "job name": ["--name NAME"],
        "stdout": ["-o NAME.out"],
        "stderr": ["-e NAME.err"],
        "queue": ["-L rscgrp=main"],
        "account": ["-g chem"],
        "nodes": ["-L node=2"],
        "ranks": ["--mpi max-proc-per-node=8"],
        "threads": [],  # nodes are whole; OMP_NUM_THREADS says it
        "memory": ["-L node-mem=32768Mi"],  # of a node
        "walltime": ["-L elapse=26:30:00"],
        "rerun": ["--norestart"],
        "own": ["-x PJM_LLIO_GFSCACHE=/vol0004"],
        "statistics": ["-S", "--spath NAME.stats"],
    },
    "lsf": {
        "job name": ["-J NAME"],
        "stdout": ["-o NAME.out"],
        "stderr": ["-e NAME.err"],
        "queue": ["-q main"],
        "account": ["-P chem"],
        "nodes": ["-n 16"],  # slots of the job, which are its ranks
        "ranks": ['-R "span[ptile=8]"'],  # slots of a node
        "threads": ['-R "affinity[core(2)]"'],  # of a slot
        "memory": ['-R "rusage[mem=32768MB]"', "-M 32768MB"],  # of a node
        "walltime": ["-W 26:30"],
        "rerun": ["-rn"],
        "own": [],
    },
}


@pytest.fixture(params=MACHINES)
def name(request):
    return request.param


def script(name):
    """The script, with a name that does not differ from run to run."""
    asked = contextlib.nullcontext() if name != "torque" else pytest.warns(UserWarning, match="ranks_per_node=8")
    with asked:
        text = run_command(COMMAND, HOW, MACHINES[name], "/scratch/it's mine", ["-in", "a b.in"], dry_run=True)
    return re.sub(r"\bpw-[0-9a-f]{8}\b", "NAME", text)


def directives(name):
    """What the scheduler reads: `-l a=1:b=2` of PBS is `-l a=1` and `b=2`."""
    prefix = f"{scheduler(MACHINES[name].scheduler).prefix} "
    lines = [line.removeprefix(prefix) for line in script(name).splitlines() if line.startswith(prefix)]
    return [part for line in lines for part in (line.split(":") if re.match("-l (select|nodes)=", line) else [line])]


def test_the_whole_script(name):
    assert script(name) == (GOLDEN / f"pw.{name}").read_text()


def test_bash_reads_it(name):
    done = subprocess.run(["bash", "-n"], input=script(name), text=True, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_each_field_is_asked_for_and_nothing_else(name):
    assert sorted(directives(name)) == sorted(line for lines in FIELDS[name].values() for line in lines)


def test_all_fields_of_all_schedulers_are_looked_at():
    assert {MACHINES[name].scheduler for name in FIELDS} == {*scheduler_names()} - {"local"}
    fields = ["job name", "stdout", "stderr", "queue", "account", "nodes", "ranks", "threads", "memory", "walltime"]
    for name, said in FIELDS.items():
        assert list(said)[:10] == fields, name


# How many cores, and how many MiB, a job has in all, by what each scheduler multiplies: of a node, a slot or the job.
AMOUNTS = {
    "slurm": lambda n: (n("--nodes=") * n("--ntasks-per-node=") * n("--cpus-per-task="), n("--nodes=") * n("--mem=")),
    "pbs": lambda n: (n("-l select=") * n("ncpus="), n("-l select=") * n("mem=")),
    "torque": lambda n: (n("-l nodes=") * n("ppn="), n("-l mem=")),
    "sge": lambda n: (n("-pe mpi-16 "), n("-pe mpi-16 ") * n("-l h_vmem=")),
    "pjm": lambda n: (None, n("-L node=") * n("-L node-mem=")),  # whole nodes
    "lsf": lambda n: (
        n("-n ") * n('-R "affinity[core('),
        n("-n ") // n('-R "span[ptile=') * n("-M "),
    ),
}


def test_all_are_asked_for_as_much(name):
    def number(words):
        (rest,) = (line.removeprefix(words) for line in directives(name) if line.startswith(words))
        return int(re.match(r"\d+", rest)[0])

    cores, memory = AMOUNTS[name](number)
    assert cores in (None, 2 * 8 * 2)
    assert memory == 2 * 32 * 1024


def body(name):
    text = script(name)
    assert text.index("\n\n") > text.rindex("\n" + scheduler(MACHINES[name].scheduler).prefix)
    return text.partition("\n\n")[2]


def test_the_rest_is_the_same_for_all():
    assert len({body(name) for name in MACHINES}) == 1


def test_the_rest_does_what_the_profiles_say(tmp_path):
    """On any machine: modules and the launcher are replaced by functions that tell what they are given."""
    stubs = """
        module() { echo "module $*"; }
        ulimit() { echo "ulimit $*"; }
        cd() { echo "cd $*"; }
        mpirun() { printf '%s\\n' "$@"; env | grep -E '^(ESPRESSO_PSEUDO|KMP_AFFINITY|SITE|LD_L|OMP_NUM)'; return 3; }
    """
    environment = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": "/lib"}
    text = stubs + body("slurm")
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, cwd=tmp_path, env=environment)
    lines = done.stdout.splitlines()
    assert lines[:4] == ["cd /scratch/it's mine", "module load site/2026", "module load qe/7.3", "ulimit -s unlimited"]
    program = ["/opt/container.sh", "pw.x", "-nk", "2", "-in", "a b.in"]
    assert lines[4:-5] == ["-np", "16", "--map-by", "slot:PE=2", *program]
    assert sorted(lines[-5:]) == [
        'ESPRESSO_PSEUDO=/data/it\'s "pseudo" $HOME',
        "KMP_AFFINITY=compact",
        "LD_LIBRARY_PATH=/lib:/opt/my lib",
        "OMP_NUM_THREADS=2",
        "SITE=yes",
    ]
    assert (done.returncode, (tmp_path / "NAME.end").read_text()) == (3, "3\n")
