"""200 commands of one second as batch jobs on a real Slurm, against a shell loop of `sbatch` and one `squeue`.

It starts a Slurm of its own, as root (`tests/infra/slurm.py`): two nodes with as many CPUs as it is told.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from _measure import Row, arguments, compare, report, scratch

sys.path.insert(0, str(Path(__file__).parents[1]))

from adatom.machines import Command, ExecutionProfile, HPCProfile, run_command
from tests.infra.slurm import slurm

SLEEP = Command(name="sleep", executable="sleep", arguments=("1",))
HOW = ExecutionProfile(name="sleep-1", command="sleep", walltime="5m", memory="10M")
WHERE = HPCProfile(name="here", scheduler="slurm", executables={"sleep": "sleep"})

SHELL = """
for number in $(seq {jobs}); do
    sbatch --parsable --output=/dev/null --mem=10M --time=5 --wrap "sleep 1" >> ids
done
while squeue --me --noheader | grep -q .; do sleep 0.2; done
"""


def by_shell(directory: Path, jobs: int) -> float:
    """Seconds that a shell takes."""
    start = time.perf_counter()
    subprocess.run(["bash", "-c", SHELL.format(jobs=jobs)], cwd=directory, check=True)
    return time.perf_counter() - start


def by_adatom(directory: Path, jobs: int) -> float:
    """Seconds that as many calls of `run_command` take, each in a thread."""
    start = time.perf_counter()
    with ThreadPoolExecutor(jobs) as threads:
        results = list(threads.map(lambda n: run_command(SLEEP, HOW, WHERE, directory / str(n)), range(jobs)))
    assert all(result.ok for result in results)
    return time.perf_counter() - start


def main() -> None:
    options = arguments(
        __doc__,
        repeats=3,
        jobs={"type": int, "default": 200, "help": "commands"},
        cpus={"type": int, "default": 20, "help": "CPUs of each of the two nodes"},
    )
    rows: list[Row] = []
    with scratch() as root, slurm(cpus=options.cpus, memory=20_000):
        rounds = iter(range(1000))

        def place() -> Path:
            directory = root / f"round-{next(rounds)}"
            directory.mkdir()
            return directory

        rows.append(
            compare(
                f"{options.jobs} commands of 1 s, submitted and collected",
                1.5,
                lambda: by_adatom(place(), options.jobs),
                lambda: by_shell(place(), options.jobs),
                options.repeats,
            )
        )
    report("batch jobs on Slurm", rows, options.json)


if __name__ == "__main__":
    main()
