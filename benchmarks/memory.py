"""Memory that the driver needs for each job of a flow that does nothing or waits, and whether it grows linearly."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _measure import absolute, arguments, report, scratch

from adatom import change_settings, flow, job
from adatom.execution.registry import close_engines

JOBS = (500, 1000, 2000)


@job
def noop(item: Any, seconds: float) -> Any:
    if seconds:
        time.sleep(seconds)
    return item


@flow
def jobs(count: int, seconds: float) -> Any:
    return [noop(item, seconds) for item in range(count)]


def bare_prefect(count: int, seconds: float) -> Any:
    """As many task runs in a flow run, without adatom."""
    import prefect
    from prefect.cache_policies import NO_CACHE
    from prefect.task_runners import ThreadPoolTaskRunner

    task = prefect.task(noop.fn, cache_policy=NO_CACHE, persist_result=False)

    @prefect.flow(task_runner=ThreadPoolTaskRunner(max_workers=4))
    def bare() -> Any:
        return [future.result() for future in [task.submit(item, seconds) for item in range(count)]]

    return bare()


def peaks(engine: str, count: int, seconds: float) -> tuple[int, int]:
    """Largest memory of this process in bytes, before a flow and after it."""
    run = bare_prefect if engine == "bare-prefect" else jobs
    with change_settings(workflow_engine="local" if engine == "bare-prefect" else engine, local_workers=2):
        run(100, 0)  # the engine and all that it imports are there
        before = _peak()
        assert len(run(count, seconds)) == count
        after = _peak()
        close_engines()
    return before, after


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measured(engine: str, count: int, seconds: float) -> float:
    """What a flow of so many jobs adds to the memory of a new interpreter, in kB a job."""
    command = [sys.executable, str(Path(__file__).resolve()), "--peaks", json.dumps([engine, count, seconds])]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    before, after = json.loads(out.splitlines()[-1])
    return (after - before) / count / 1e3


def main() -> None:
    engine = {"default": "local,dask,parsl,prefect,bare-prefect", "help": "engines, by comma"}
    seconds = {"default": 0.0, "type": float, "help": "how long a job waits"}
    peaks_of = {"help": "used by this script itself"}
    options = arguments(__doc__, repeats=1, engine=engine, seconds=seconds, peaks=peaks_of)
    with scratch():
        if options.peaks:
            print(json.dumps(peaks(*json.loads(options.peaks))))
            return
        rows = []
        for name in options.engine.split(","):
            times = range(options.repeats)
            per_job = {count: [measured(name, count, options.seconds) for _ in times] for count in JOBS}
            rows += [absolute(f"{name}: {count} jobs in a flow", 20, per_job[count], "kB a job") for count in JOBS]
    report("Memory of the driver", rows, options.json)


if __name__ == "__main__":
    main()
