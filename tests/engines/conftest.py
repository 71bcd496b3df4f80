"""The engines, in the variants that the conformance suite runs on.

``TEST_ENGINES`` names engines, by comma: one of them that cannot be tested is a failure. Without it, an engine that is
not installed is skipped, with the line that installs it.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adatom import change_settings, flow
from adatom.execution.engine import Engine
from adatom.execution.registry import close_engines, engine_class, get_engine, is_installed
from tests.standins.vasp import provide

# Before any worker starts: a job finds its program where it runs. Workers import this too, and many are killed.
if "TESTS_VASP" not in os.environ:
    _VASP = tempfile.TemporaryDirectory(prefix="adatom-vasp-")
    os.environ.update(provide(Path(_VASP.name), "Cu"), TESTS_VASP=_VASP.name)

WANTED = [name for name in os.environ.get("TEST_ENGINES", "").split(",") if name]
THREADS = ("dask-threads", "parsl-threads", "prefect-threads")  # variants that only differ in where a job runs


def is_tested(name: str) -> bool:
    """Whether these tests are to run an engine."""
    return name in WANTED if WANTED else is_installed(engine_class(name))


def one_on(variants: Collection[str], values: Collection[Any], reason: str) -> list[Any]:
    """Parameters of a test, of which all but the first are deep on some variants."""
    first, *others = values
    return [first, *(pytest.param(value, marks=pytest.mark.deep_on(*variants, reason=reason)) for value in others)]


@dataclass
class Variant:
    """An engine in one of the ways in which users run it."""

    engine: str
    settings: dict[str, Any]
    make_runner: Callable[[ExitStack], Any] | None = None
    make_settings: Callable[[ExitStack, Path], dict[str, Any]] | None = None
    own_memory: int = 0  # bytes of the driver that the engine itself holds for each job of a flow
    runner: Any = None

    @property
    def of_scripts(self) -> dict[str, str]:
        if not self.make_settings:
            return {}
        [profiles] = self.settings["profiles"]
        return {"profiles": str(profiles), "queue_profile": self.settings["queue_profile"]}

    @property
    def instance(self) -> Engine:
        return get_engine(self.runner)

    @property
    def capabilities(self) -> Any:
        return self.instance.capabilities

    def flow(self, function: Any = None, /, **options: Any) -> Any:
        """``@flow``, on this variant's runner."""
        if function is None:
            return lambda function: self.flow(function, **options)
        return flow(function, runner=self.runner, **options)


def dask_threads(stack: ExitStack) -> Any:
    from distributed import Client

    return stack.enter_context(
        Client(processes=False, n_workers=1, threads_per_worker=8, dashboard_address=None, set_as_default=False)
    )


def parsl_threads(stack: ExitStack) -> Any:
    import parsl

    directory = stack.enter_context(__import__("tempfile").TemporaryDirectory())
    executor = parsl.ThreadPoolExecutor(max_threads=8)
    return parsl.Config(executors=[executor], run_dir=directory, initialize_logging=False)


def prefect_threads(stack: ExitStack) -> Any:
    from prefect.task_runners import ThreadPoolTaskRunner

    return ThreadPoolTaskRunner(max_workers=8)


def over_ssh(stack: ExitStack, directory: Path) -> dict[str, Any]:
    """Settings for batch jobs of a Slurm behind an sshd, both of these tests' own."""
    from tests.infra import machine, slurm, sshd

    for name, one in (("slurm", slurm), ("sshd", sshd)):
        machine.skip_or_install(name, one.COMMANDS, one.PACKAGES)
    cluster = stack.enter_context(slurm.slurm())
    stack.enter_context(sshd.sshd(HOME=str(directory), **cluster.environment))
    profiles = directory / "profiles.toml"
    profiles.write_text(
        '[machines.cluster]\nscheduler = "slurm"\nhost = "login"\nqueues.cpu = "main"\n'
        '[runners.far]\nmachine = "cluster"\nresource_class = "cpu"\njobs_per_node = 2\nwalltime = "30m"\n'
        f'python = "{sys.executable}"\n'
    )
    return {"profiles": (profiles,), "queue_profile": "far"}


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as deep what is so on some variants only: the mark closest to a test, of either kind, decides."""
    for item in items:
        variant = getattr(item, "callspec", None) and item.callspec.params.get("running")
        mark = next((mark for mark in item.iter_markers() if mark.name in ("deep_on", "deep_but_on")), None)
        if variant and mark and (variant in mark.args) == (mark.name == "deep_on"):
            item.add_marker(pytest.mark.deep(reason=mark.kwargs["reason"]))


TWO = {"local_workers": 2}
VARIANTS = {
    "local": Variant("local", {"local_workers": 1}),
    "local-processes": Variant("local", TWO),
    "dask": Variant("dask", TWO),
    "dask-threads": Variant("dask", TWO, dask_threads),
    "parsl": Variant("parsl", TWO),
    "parsl-threads": Variant("parsl", TWO, parsl_threads),
    # `benchmarks/memory.py` measures what bare task runs hold.
    "prefect": Variant("prefect", TWO, own_memory=45_000),
    "prefect-threads": Variant("prefect", TWO, prefect_threads, own_memory=45_000),
    "covalent": Variant("covalent", TWO),
}
if "fake" in WANTED:
    from tests.engines import fake

    fake.register()
    VARIANTS = {"fake": Variant("fake", TWO)}


if "queue-ssh" in WANTED:
    VARIANTS["queue-ssh"] = Variant("queue", TWO, make_settings=over_ssh)

for _name in WANTED:
    VARIANTS.setdefault(_name, Variant(_name, TWO))  # of another package


def _params() -> Iterator[Any]:
    for name, variant in VARIANTS.items():
        marks = [pytest.mark.xdist_group(variant.engine)]  # one process has the server of an engine
        if variant.make_settings:
            marks.append(pytest.mark.deep(reason="a second to connect, and a third of one for each link of a chain"))
        if not WANTED and not is_installed(engine_class(variant.engine)):
            marks.append(pytest.mark.skip(reason=f"pip install 'adatom[{variant.engine}]'"))
        if not WANTED or variant.engine in WANTED or name in WANTED:
            yield pytest.param(name, marks=marks, id=name)


@pytest.fixture(scope="session", params=list(_params()))
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Variant]:
    """A variant whose server, if it needs one, is there."""
    variant = VARIANTS[request.param]
    with ExitStack() as stack:
        if variant.engine == "covalent":
            from tests.engines.covalent_server import covalent_server

            stack.enter_context(covalent_server(tmp_path_factory.mktemp("covalent")))
        if variant.make_settings:
            variant.settings = {
                **variant.settings,
                **variant.make_settings(stack, tmp_path_factory.mktemp(variant.engine)),
            }
        if variant.make_runner:
            variant.runner = variant.make_runner(stack)
        yield variant
        close_engines()


@pytest.fixture
def engine(running: Variant, tmp_path: Any) -> Iterator[Variant]:
    """A variant, selected, with a results directory of its own."""
    with change_settings({"workflow_engine": running.engine, "results_dir": tmp_path / "results", **running.settings}):
        yield running


@pytest.fixture
def environment(running: Variant, tmp_path: Any, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """What a script that selects the engine has in its environment."""
    if running.runner is not None:
        pytest.skip("a script starts its engine itself")
    server = {}
    if running.engine == "prefect":
        from tests.engines.prefect_runs import migrated_home

        server = request.getfixturevalue("prefect_server")
        migrated_home(tmp_path / "prefect")
    yield {
        **server,
        "ADATOM_WORKFLOW_ENGINE": running.engine,
        "ADATOM_LOCAL_WORKERS": str(running.settings["local_workers"]),
        "ADATOM_QUEUE_DIR": f"{tmp_path}-queue",
        **{f"ADATOM_{name.upper()}": value for name, value in running.of_scripts.items()},
        "PREFECT_HOME": str(tmp_path / "prefect"),
        "COLUMNS": "200",
    }
    if engine_class(running.engine).capabilities.outlives_driver:
        end_batch_jobs(Path(f"{tmp_path}-queue"))


@pytest.fixture
def own_jobs(running: Variant) -> None:
    """For a test of an engine whose jobs end with the script."""
    capabilities = engine_class(running.engine).capabilities
    if not capabilities.waits_in_flow or capabilities.outlives_driver:
        pytest.skip("its jobs live on")


def end_batch_jobs(directory: Path) -> None:
    """End what jobs of the queue engine a script has left."""
    from adatom.engines.queue import state
    from adatom.engines.queue.spools import spools

    with change_settings(queue_dir=directory):
        for spool in spools():
            state.cancel(spool)


def asked_for(queue_dir: Path) -> int:
    """How many tasks scripts of the queue engine wait for, as they say in their marks."""
    return sum(path.read_text().count("\n+") for path in queue_dir.glob("*/drivers/*"))
