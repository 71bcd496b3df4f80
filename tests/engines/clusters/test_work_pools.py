"""Flows that a worker of Prefect's takes from a work pool: the scripts and commands of docs/work-pools.md."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.processes import script, wait_until
from tests.test_docs import ROOT, blocks, environment

prefect = pytest.importorskip("prefect", reason="pip install 'adatom[prefect]'")
pytestmark = pytest.mark.xdist_group("prefect")

PAGE = blocks(ROOT / "docs" / "work-pools.md")
WORKER = "prefect worker start --pool adatom-pool"
ON_PREFECT = {"ADATOM_WORKFLOW_ENGINE": "prefect"}


@pytest.fixture
def variables(prefect_server):
    """The environment of a user who has a server, and this environment's programs."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return environment(**prefect_server, PATH=programs, ADATOM_LOCAL_WORKERS="2")


@pytest.fixture(autouse=True)
def scripts(tmp_path):
    for block in PAGE:
        if block.get("file"):
            (tmp_path / block.get("file")).write_text(block.text)


def client():
    return prefect.get_client(sync_client=True)


def run_of(flow):
    """The newest run of a flow."""
    runs = [run for run in client().read_flow_runs() if client().read_flow(run.flow_id).name == flow]
    return max(runs, key=lambda run: run.created)


def has_run(run, names):
    """Wait until the jobs of a flow run, all of which ended well, are these: the server learns of that by events."""
    tasks = []

    def all_known():
        tasks[:] = [task for task in client().read_task_runs(limit=200) if task.flow_run_id == run.id]
        done = [task.name for task in tasks if task.state_name == "Completed"]
        return len(done) == len(tasks) and names == sorted(n for n in done if not n.startswith("bulk_to_slabs_flow"))

    wait_until(all_known, f"the jobs of {run.name} are not {names}", 60)


SLABS = ["relax_job Cu64", "relax_job Cu80", "relax_job Cu80", "relax_job Cu96"]


@pytest.mark.deep(reason="it starts interpreters one after the other; a flow that is served runs by default")
def test_a_worker_runs_what_is_deployed(tmp_path, variables):
    commands = [block.text for block in PAGE if block.info == "bash" and block.get("not run")]
    lines = "".join(commands).splitlines()
    lines.remove(WORKER)
    assert len(lines) == 5
    for line in lines:
        done = subprocess.run(
            ["bash", "-c", line], cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    text = f"import subprocess, sys; sys.exit(subprocess.call({[*WORKER.split(), '--run-once']}))"
    with script(elsewhere, text, **variables) as worker:
        assert worker.wait(240) == 0, worker.output
        assert not worker.alive(), worker.output
        outer, inner, own = map(run_of, ("workflow", "bulk_to_slabs_flow", "slabs_flow"))
        assert [run.state_name for run in (outer, inner, own)] == ["Completed"] * 3, worker.output

    [directory] = (tmp_path / "adatom_results").glob("FLOW-slabs_flow-*/")
    assert len(list(directory.glob("**/JOB-*"))) == 5
    here = runpy.run_path(str(tmp_path / "native.py"))["slabs_flow"]("Cu")["relax"]  # without Prefect
    assert len(here) == 4
    assert outer.state.result() == pytest.approx([slab["results"]["energy"] for slab in here], abs=1e-6)
    has_run(outer, ["relax_job Cu"])
    has_run(inner, SLABS)
    has_run(own, ["relax_job Cu", *SLABS])


def test_a_flow_of_adatoms_is_served(tmp_path, variables):
    from prefect.deployments import run_deployment
    from prefect.exceptions import ObjectNotFound

    def is_there():
        try:
            return client().read_deployment_by_name("slabs_flow/served")
        except ObjectNotFound:
            return None

    text = "import native\nif __name__ == '__main__':\n    native.slabs_flow.native.serve('served')"
    with script(tmp_path, text, **variables, **ON_PREFECT) as serving:
        wait_until(lambda: is_there() or serving.process.poll() is not None, "it is not served")
        run = run_deployment("slabs_flow/served", parameters={"element": "Cu"}, timeout=200, poll_interval=0.5)
        assert run.state_name == "Completed", serving.output
        has_run(run, ["relax_job Cu", *SLABS])
