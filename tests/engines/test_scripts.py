"""A user's script, whole: no guard, its own functions, and nothing left behind however it ends."""

import json
import os
import signal
import tempfile
from pathlib import Path

import psutil
import pytest

from adatom.execution.registry import engine_class
from tests.engines.processes import script, wait_until

WHOLE = """
import json
import os
from ase.build import bulk
from adatom import flow, job
from adatom.recipes.emt import bulk_to_slabs_flow, relax_job

FACTOR = 2.0

class Scaled:
    def __init__(self, energy):
        self.energy = FACTOR * energy

@job
def scale(result):
    return Scaled(result["results"]["energy"])

@job
def threads():
    return os.environ.get("OMP_NUM_THREADS")

@flow
def workflow(atoms):
    relaxed = relax_job(atoms, relax_cell=True)
    return {
        "bulk": relaxed,
        "slabs": bulk_to_slabs_flow(relaxed["atoms"]),
        "scaled": scale(relaxed).energy,
        "threads": threads(),
    }

single = relax_job(bulk("Cu"))["results"]["energy"]
out = workflow(bulk("Cu"))
print(json.dumps({
    "single": single,
    "bulk": out["bulk"]["results"]["energy"],
    "scaled": out["scaled"],
    "slabs": [[len(run["atoms"]), run["results"]["energy"]] for run in out["slabs"]["static"]],
    "engine": out["bulk"]["provenance"]["engine"],
    "threads": out["threads"],
}))
"""

LONG = """
import os
import tempfile
import time
from pathlib import Path
from adatom import flow, job

HERE = Path.cwd()  # jobs may run elsewhere

@job
def long(i):
    import subprocess, sys
    print("about to wait")
    (HERE / f"started-{os.getpid()}").touch()  # by its name, as a signal may come before a text is written
    subprocess.run([sys.executable, "-c", "import time; time.sleep(300)"], check=True)

@flow
def workflow():
    return [long(i) for i in range(4)]

workflow()
"""


@pytest.fixture
def environment(environment):
    """Without a server that is there already: one that a script starts ends with it, too."""
    return {name: value for name, value in environment.items() if not name.startswith("PREFECT_API_")}


def test_the_same_script_gives_the_same_numbers(environment, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with (
        tempfile.TemporaryDirectory() as temporary,  # has a short name, as sockets need it
        script(tmp_path, WHOLE, **environment, TMPDIR=temporary) as running,
    ):
        assert running.wait() == 0, running.output
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 30)
        assert not os.listdir(temporary)
        result = json.loads(next(line for line in running.output.splitlines() if line.startswith("{")))
    assert result["engine"] == environment["ADATOM_WORKFLOW_ENGINE"]
    # Workers side by side have one thread each, and a job in this process what the script would have without adatom.
    assert result["threads"] == (None if environment["ADATOM_LOCAL_WORKERS"] == "1" else "1")
    assert result["scaled"] == 2.0 * result["bulk"]
    assert result["single"] == pytest.approx(-0.0056815, abs=1e-6)
    assert sorted(n for n, _ in result["slabs"]) == [64, 80, 80, 96]
    reference = _reference()
    assert [energy for _, energy in result["slabs"]] == pytest.approx(reference, abs=1e-9)
    [tree] = (tmp_path / "adatom_results").glob("FLOW-workflow-*")
    jobs = list(tree.rglob("JOB-*"))
    assert len(jobs) == 13 - 3  # `scale`, `threads` and the surface energies write nothing
    named = [path for path in jobs if "Cu" in path.name]
    # What is traced before it runs is named before its first argument has a value.
    assert len(named) == (6 if environment["ADATOM_WORKFLOW_ENGINE"] == "covalent" else 10)
    assert {path.name for path in tmp_path.iterdir()} <= {"adatom_results", "script.py", "stdout", "prefect"}


def _reference():
    """The same, by plain functions in a loop."""
    from ase.build import bulk

    from adatom.atoms.slabs import make_slabs
    from adatom.recipes.emt import relax_job, static_job

    relaxed = relax_job.fn(bulk("Cu"), relax_cell=True)
    slabs = [relax_job.fn(slab)["atoms"] for slab in make_slabs(relaxed["atoms"])]
    return [static_job.fn(slab)["results"]["energy"] for slab in slabs]


SUBMITTED = """
import tempfile
import time
from pathlib import Path
from adatom import job

@job
def write():
    time.sleep(1)
    Path("written").touch()

write.submit()
"""


@pytest.mark.deep_but_on(
    "local", "local-processes", reason="who waits is the script; a flow is submitted last elsewhere"
)
def test_what_was_submitted_is_finished_before_the_script_ends(environment, tmp_path):
    with script(tmp_path, SUBMITTED, **environment) as running:
        assert running.wait() == 0, running.output
    # A server of Prefect's that ends while it writes events says so with a traceback, and then writes them.
    assert "Traceback" not in running.output.partition("Error flushing")[0]
    if environment["ADATOM_WORKFLOW_ENGINE"] != "covalent":  # there it is the server that goes on
        assert (tmp_path / "written").exists(), running.output


def started(tmp_path: Path, running) -> None:
    wait_until(lambda: list(tmp_path.glob("started*")) or running.process.poll() is not None, "no job started", 120)
    assert list(tmp_path.glob("started*")), running.output


def test_ctrl_c_ends_all_and_marks_the_directories(environment, tmp_path):
    if engine_class(environment["ADATOM_WORKFLOW_ENGINE"]).capabilities.outlives_driver:
        pytest.skip("asserted by test_queue.py")
    with script(tmp_path, LONG, **environment) as running:
        started(tmp_path, running)
        os.killpg(running.process.pid, signal.SIGINT)  # as a terminal does
        assert running.wait(170) != 0
        assert "KeyboardInterrupt" in running.output, f"{running.process.returncode}\n{running.output}"
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 30)
        # The processes of a server are not the script's own.
        pids = [int(file.name.partition("-")[2]) for file in tmp_path.glob("started-*")]
        wait_until(lambda: not any(map(psutil.pid_exists, pids)), f"a job of {pids} still runs", 30)
    [tree] = (tmp_path / "adatom_results").glob("FLOW-*")
    directories = [path.name for path in tree.iterdir()]
    assert directories
    assert all(name.startswith("failed-JOB-long") for name in directories), directories


@pytest.mark.deep_on("prefect", reason="what ends its processes is what ends those of Dask and Parsl")
def test_a_killed_script_leaves_nothing_running(environment, tmp_path):
    kind = engine_class(environment["ADATOM_WORKFLOW_ENGINE"])
    if kind.capabilities.outlives_driver or not kind.capabilities.waits_in_flow:
        pytest.skip("its jobs live on")
    if environment["ADATOM_LOCAL_WORKERS"] == "1":
        pytest.skip("its jobs are the script")
    with script(tmp_path, LONG, **environment) as running:
        started(tmp_path, running)
        running.process.kill()
        running.wait()
        wait_until(lambda: not running.alive(), f"still running: {running.alive()}", 60)
    [tree] = (tmp_path / "adatom_results").glob("FLOW-*")
    assert not list(tree.glob("JOB-*")), "what did not finish looks finished"
