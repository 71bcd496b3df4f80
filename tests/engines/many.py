"""A script with thousands of tasks in one pool of workers that pull them."""

from collections import Counter
from pathlib import Path

from tests.engines.processes import script

TASKS = 5000
MOST = 20  # kB that the script may hold for each task

SCRIPT = """
import time
from adatom import flow, job, make_runner

@job
def work(number):
    with open("log", "a") as log:
        log.write(f"{{number}}\\n")
    return 2 * number

@flow
def campaign(count):
    return [work(number) for number in range(count)]

def memory():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))

pool = campaign.with_options(runner={runner})
pool(10)
before, start = memory(), time.monotonic()
assert pool({tasks}) == [2 * number for number in range({tasks})]
print("seconds", time.monotonic() - start)
print("kB", memory() - before)
"""


def many_tasks(directory: Path, runner: str, **environment: str) -> None:
    """Run the script. Each task is to be done once, and its script is to hold little."""
    with script(directory, SCRIPT.format(runner=runner, tasks=TASKS), **environment) as running:
        assert running.wait(500) == 0, running.output
        assert int(running.output.split()[-1]) < MOST * TASKS
    done = Counter((directory / "log").read_text().split())
    assert done == {str(number): 2 if number < 10 else 1 for number in range(TASKS)}
