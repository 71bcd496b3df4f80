"""Engines: no-op jobs against the engine's own bare API on the same cluster, and short jobs against a plain ASE loop.

Everything is warm: workers run, and have imported what they need. A bare engine and ours are given the same object to
run on, twice: one that adatom makes (`make_runner`) and, as "threads" or "user's", one as users have it.
"""

import gc
import itertools
import operator
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _measure import Row, absolute, arguments, compare, report, scratch
from ase.build import bulk
from recipes import ase_static

from adatom import change_settings, flow, gather, job
from adatom.execution.registry import close_engines, engine_class
from adatom.recipes.emt import static_job

JOBS = 200  # no-op jobs in a flow
STATICS = 100

_number = itertools.count()


@job
def noop(item: Any) -> Any:
    return item


@job
def nested() -> dict:
    return {"a": {"b": 1}}


@dataclass
class Bench:
    """An engine on something to run on.

    Attributes
    ----------
    name
        Of this variant.
    engine
        Of the engine.
    runner
        For a flow.
    bare
        Runs a number of no-op tasks through the engine's own API, and gives the seconds that it took.
    noop, statics, mapped
        Targets: of no-op jobs (against `bare`; without it in µs), and of short ones as jobs and through ``map``
        (against the ASE loop). None where the number is only shown.
    settle
        Called before each run: waits until the run before leaves no trace.
    """

    name: str
    engine: str
    runner: Any
    bare: Callable[[int], float] | None
    noop: float | None
    statics: float | None
    mapped: float | None
    settle: Callable[[], object] = gc.collect


# One function for each variant: what it runs on, and the engine's own way to run no-op tasks there.


@contextmanager
def local() -> Iterator[Bench]:
    yield Bench("local", "local", None, None, 50, None, None)


@contextmanager
def local_processes() -> Iterator[Bench]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, get_context("spawn")) as pool, engine_class("local").make_runner(2) as runner:

        def bare(count: int) -> float:
            start = time.perf_counter()
            futures = [pool.submit(operator.pos, item) for item in range(count)]
            [future.result() for future in futures]
            return time.perf_counter() - start

        yield Bench("local, 2 workers", "local", runner, bare, None, 0.7, 0.7)


def _dask(name: str, runner: Any, client: Any) -> Bench:
    def bare(count: int) -> float:
        start = time.perf_counter()
        client.gather([client.submit(noop.fn, item, pure=False) for item in range(count)])
        return time.perf_counter() - start

    return Bench(name, "dask", runner, bare, 1.3, 1.3, 0.7)


@contextmanager
def dask() -> Iterator[Bench]:
    from distributed import Client

    with engine_class("dask").make_runner(2) as cluster, Client(cluster, set_as_default=False) as client:
        yield _dask("dask, 2 workers", cluster, client)


@contextmanager
def dask_client() -> Iterator[Bench]:
    from distributed import Client

    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, set_as_default=False) as client:
        yield _dask("dask, 2 workers, user's", client, client)


@contextmanager
def _parsl(name: str, config: Any, statics: float | None, mapped: float | None) -> Iterator[Bench]:
    import parsl

    with parsl.DataFlowKernel(config) as kernel:
        app = parsl.python_app(noop.fn, data_flow_kernel=kernel)

        def bare(count: int) -> float:
            start = time.perf_counter()
            futures = [app(item) for item in range(count)]
            [future.result() for future in futures]
            return time.perf_counter() - start

        yield Bench(name, "parsl", kernel, bare, 1.3, statics, mapped)


def parsl() -> Any:
    return _parsl("parsl, HTEX 2", engine_class("parsl").make_runner(2), 1.0, 0.7)


def parsl_threads() -> Any:
    from parsl import Config, ThreadPoolExecutor

    config = Config(executors=[ThreadPoolExecutor(max_threads=2)], run_dir="threads", initialize_logging=False)
    return _parsl("parsl, 2 threads", config, None, None)


def _prefect(name: str, runner: Any, bare_runner: Any) -> Bench:
    import prefect

    task = prefect.task(noop.fn)

    @prefect.flow(task_runner=bare_runner)
    def bare(count: int) -> float:
        start = time.perf_counter()
        futures = [task.submit(item) for item in range(count)]
        [future.result() for future in futures]
        return time.perf_counter() - start

    return Bench(name, "prefect", runner, bare, 1.1, 6, 1.5, _settle_server)


def _settle_server() -> None:
    """Wait until the server has written down all task runs; until then it may refuse a new flow run (503)."""
    from prefect.client.orchestration import get_client

    gc.collect()
    finished = {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    before = None
    with get_client(sync_client=True) as client:
        while (now := client.request("POST", "/task_runs/count", json=finished).json()) != before:
            before = now
            time.sleep(1)


@contextmanager
def prefect() -> Iterator[Bench]:
    from prefect.task_runners import ThreadPoolTaskRunner

    yield _prefect("prefect, 2 workers", None, ThreadPoolTaskRunner(max_workers=4))


@contextmanager
def prefect_threads() -> Iterator[Bench]:
    runner = engine_class("prefect").make_runner(2)
    yield _prefect("prefect, 2 threads", runner, runner.duplicate())


ENGINES = {
    "local": (local, local_processes),
    "dask": (dask, dask_client),
    "parsl": (parsl, parsl_threads),
    "prefect": (prefect, prefect_threads),
}


# What is measured


def noop_jobs(bench: Bench, repeats: int) -> Row:
    """No-op jobs against no-op tasks."""
    seconds: list[float] = []

    @flow(runner=bench.runner)
    def jobs() -> Any:
        start = time.perf_counter()
        values = gather([noop(item) for item in range(JOBS)])
        seconds.append(time.perf_counter() - start)
        return len(values)

    def ours() -> float | None:
        jobs()
        return seconds[-1]

    if bench.bare is None:
        for _ in range(repeats + 1):
            ours()
        return absolute(f"{bench.name}: a no-op job", bench.noop, [1e6 * value / JOBS for value in seconds[1:]], "µs")
    return compare(
        f"{bench.name}: {JOBS} no-op jobs", bench.noop, ours, lambda: bench.bare(JOBS), repeats, bench.settle
    )


def path(bench: Bench, repeats: int) -> Row:
    """Jobs that are given a part of a result, against jobs that are given all of it."""

    @flow(runner=bench.runner)
    def part() -> Any:
        value = nested()
        return [noop(value["a"]["b"]) for _ in range(JOBS)]

    @flow(runner=bench.runner)
    def whole() -> Any:
        value = nested()
        return [noop(value) for _ in range(JOBS)]

    subject = f'{bench.name}: future["a"]["b"] for an argument'
    return compare(subject, 1.05, _sink(part), _sink(whole), repeats, bench.settle)


def statics(bench: Bench, repeats: int, root: Path) -> list[Row]:
    """Short calculations, as jobs and through `map`, against a plain loop."""
    structures = [bulk("Cu", a=3.5 + 0.002 * number) for number in range(STATICS)]

    @flow(runner=bench.runner)
    def jobs() -> Any:
        return [static_job(atoms) for atoms in structures]

    @flow(runner=bench.runner)
    def mapped() -> Any:
        return static_job.map(structures)

    def plain() -> list[float]:
        home = root / f"ase-{next(_number)}"
        home.mkdir()
        return [_energy(ase_static(atoms, home / str(number))) for number, atoms in enumerate(structures)]

    expected = plain()
    for run in (jobs, mapped):
        assert all(abs(_energy(result) - value) < 1e-9 for result, value in zip(run(), expected, strict=True))
    subject, base = f"{bench.name}: {STATICS} statics", _sink(plain)
    return [
        compare(subject, bench.statics, _sink(jobs), base, repeats, bench.settle),
        compare(f"{subject}, map", bench.mapped, _sink(mapped), base, repeats, bench.settle),
    ]


def _energy(result: dict[str, Any]) -> float:
    return result["results"]["energy"]


def _sink(function: Callable[[], Any]) -> Callable[[], None]:
    """The same without a value, which `compare` would take for a duration."""

    def call() -> None:
        function()

    return call


def main() -> None:
    engine = {"default": ",".join(ENGINES), "help": "engines, by comma"}
    options = arguments(__doc__, repeats=9, engine=engine)
    rows: list[Row] = []
    with scratch() as root:
        for name in options.engine.split(","):
            for start in ENGINES[name]:
                with ExitStack() as stack:
                    workers = 1 if name == "local" else 2
                    stack.enter_context(change_settings(workflow_engine=name, local_workers=workers))
                    bench = stack.enter_context(start())
                    stack.callback(close_engines)
                    rows.append(noop_jobs(bench, options.repeats))
                    rows.append(path(bench, options.repeats))
                    rows.extend(statics(bench, options.repeats, root))
                print(f"{bench.name}: done", file=sys.stderr)
    report("Engines", rows, options.json)


if __name__ == "__main__":
    main()
