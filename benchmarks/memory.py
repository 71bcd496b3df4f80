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
from adatom.execution.registry import close_engines, get_engine


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


def bare_dask(count: int, seconds: float) -> Any:
    """As many tasks on the workers that adatom starts, without adatom."""
    client = get_engine()._client
    futures = [client.submit(noop.fn, item, seconds, pure=False) for item in range(count)]
    return client.gather(futures)


def bare_parsl(count: int, seconds: float) -> Any:
    """As many apps on the workers that adatom starts, without adatom."""
    import parsl

    app = parsl.python_app(noop.fn, data_flow_kernel=get_engine()._kernel)
    return [future.result() for future in [app(item, seconds) for item in range(count)]]


BARE = {"bare-dask": bare_dask, "bare-parsl": bare_parsl, "bare-prefect": bare_prefect}


def peaks(engine: str, count: int, seconds: float) -> tuple[int, int]:
    """Largest memory of this process in bytes, before a flow and after it."""
    run = BARE.get(engine, jobs)
    with change_settings(workflow_engine=engine.removeprefix("bare-"), local_workers=2):
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
    engine = {"default": "local,dask,bare-dask,parsl,bare-parsl,prefect,bare-prefect", "help": "engines, by comma"}
    jobs_of = {"default": "500,1000,2000", "help": "numbers of jobs, by comma"}
    seconds = {"default": 0.0, "type": float, "help": "how long a job waits"}
    peaks_of = {"help": "used by this script itself"}
    options = arguments(__doc__, repeats=1, engine=engine, seconds=seconds, jobs=jobs_of, peaks=peaks_of)
    with scratch():
        if options.peaks:
            print(json.dumps(peaks(*json.loads(options.peaks))))
            return
        rows = []
        for name in options.engine.split(","):
            times = range(options.repeats)
            for count in map(int, options.jobs.split(",")):
                per_job = [measured(name, count, options.seconds) for _ in times]
                rows.append(absolute(f"{name}: {count} jobs in a flow", 20, per_job, "kB a job"))
    report("Memory of the driver", rows, options.json)


if __name__ == "__main__":
    main()
