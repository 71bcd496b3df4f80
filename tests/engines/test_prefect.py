"""What Prefect's own users expect."""

import os
import subprocess
import sys

import pytest
from ase.build import bulk

from adatom import Failure, JobFailure, change_settings, flow
from adatom.execution.registry import close_engines, get_engine
from adatom.recipes.emt import relax_job, static_job
from tests.engines.conftest import WANTED
from tests.engines.jobs import add, fail
from tests.engines.prefect_runs import ended_runs
from tests.engines.processes import wait_until

if WANTED and "prefect" not in WANTED:
    pytest.skip("another environment tests it", allow_module_level=True)
if WANTED:
    import prefect
else:
    prefect = pytest.importorskip("prefect", reason="pip install 'adatom[prefect]'")
pytestmark = pytest.mark.xdist_group("prefect")


@pytest.fixture(scope="module", autouse=True)
def server():
    """The one that the engine starts for a script."""
    with change_settings(workflow_engine="prefect"):
        get_engine()
    yield
    close_engines()


@pytest.fixture
def on_prefect(tmp_path):
    with change_settings(workflow_engine="prefect", results_dir=tmp_path, local_workers=2):
        yield


def test_a_submit_loop_in_a_flow_of_the_users(on_prefect):
    from prefect.futures import wait

    seen = {}

    @prefect.flow
    def campaign():
        seen["flow_run_id"] = prefect.runtime.flow_run.id
        futures = [relax_job.submit(bulk(symbol)) for symbol in ("Cu", "Ag", "Fe", "Au")]
        futures.append(add.with_options(name="sum", retries=1).submit(1, b=2))
        wait(futures)
        return [future.result(raise_on_failure=False) for future in futures]

    *relaxed, total = campaign()
    assert total == 3
    assert isinstance(relaxed[2], Failure)
    energies = [run["results"]["energy"] for run in relaxed if not isinstance(run, Failure)]
    assert energies[0] == pytest.approx(-0.0056815, abs=1e-6)
    assert len(energies) == 3

    names = ["relax_job Cu", "relax_job Ag", "relax_job Fe", "relax_job Au", "sum"]
    runs = ended_runs(names, lambda run: str(run.flow_run_id) == seen["flow_run_id"])
    states = {run.name: run.state_name for run in runs}
    assert states["relax_job Fe"] == "Failed"
    assert states["relax_job Cu"] == "Completed"


def test_a_job_whose_result_is_stored_is_shown_as_cached(on_prefect, tmp_path):
    @flow(name="twice")
    def twice():
        return static_job(bulk("Ni"))

    with change_settings(cache="on", cache_dir=tmp_path / "cache"):
        first, again = twice(), twice()
    assert again["provenance"]["cached_from"]
    assert again["results"]["energy"] == first["results"]["energy"]
    states = [run.state_name for run in ended_runs(["static_job Ni"] * 2, lambda run: run.name == "static_job Ni")]
    assert sorted(states) == ["Cached", "Completed"]


def test_flows_and_jobs_have_the_recipes_names(on_prefect):
    from adatom.recipes.emt import bulk_to_slabs_flow

    bulk_to_slabs_flow(bulk("Cu"), run_static=False)
    flows = {flow.name for flow in prefect.get_client(sync_client=True).read_flows()}
    assert "bulk_to_slabs_flow" in flows
    client = prefect.get_client(sync_client=True)
    names = {"relax_job Cu64", "relax_job Cu96"}
    wait_until(
        lambda: names <= {run.name for run in client.read_task_runs(limit=200)}, f"Prefect does not know {names}"
    )


def test_the_engines_task_runner_runs_the_jobs(on_prefect):
    from prefect.task_runners import ThreadPoolTaskRunner

    from adatom import flow, job

    @job
    def pid():
        return os.getpid()

    @flow(runner=ThreadPoolTaskRunner(max_workers=1))
    def workflow():
        return [pid() for _ in range(3)]

    assert workflow() == [os.getpid()] * 3


def test_native_is_a_task(on_prefect):
    assert isinstance(static_job.native, prefect.Task)

    @prefect.flow
    def workflow():
        return static_job.native(bulk("Cu"))["results"]["energy"]

    assert workflow() == pytest.approx(-0.0056815, abs=1e-6)


def test_native_of_a_flow_is_a_flow(on_prefect):
    from adatom.recipes.emt import bulk_to_slabs_flow

    seen = {}
    native = bulk_to_slabs_flow.with_options(name="slabs of gold").native
    assert isinstance(native, prefect.Flow)

    @native.on_completion
    def remember(flow, run, state):
        seen[flow.name] = run.id

    slabs = native(bulk("Au"), run_static=False, run_bulk=False)["relax"]
    names = [f"relax_job {slab['atoms'].symbols}" for slab in slabs]
    ended_runs(names, lambda run: run.flow_run_id == seen["slabs of gold"])  # of no flow within


def test_a_failed_flow_run_is_failed(on_prefect):
    from adatom import FlowFailure, flow

    @flow
    def doomed_flow():
        return [add(1), fail(1)]

    with pytest.raises(FlowFailure):
        doomed_flow()
    client = prefect.get_client(sync_client=True)
    [run] = [run for run in client.read_flow_runs() if client.read_flow(run.flow_id).name == "doomed_flow"]
    assert run.state_name == "Failed"


def test_with_the_local_engine_a_job_is_a_plain_function(tmp_path):
    with change_settings(results_dir=tmp_path):

        @prefect.flow
        def workflow():
            future = prefect.task(relax_job).submit(bulk("Cu"))
            return prefect.task(static_job).submit(future.result()["atoms"]).result()

        assert workflow()["results"]["energy"] == pytest.approx(-0.0056815, abs=1e-6)

        @prefect.flow
        def failing():
            return prefect.task(fail).submit(1).result(raise_on_failure=False)

        assert isinstance(failing(), JobFailure)


@pytest.mark.parametrize("key", ["", "adatom:guessed", None])
def test_the_server_of_the_scripts_own_answers_those_alone_who_know_its_key(key):
    import httpx

    right = prefect.settings.get_current_settings().api.auth_string.get_secret_value()
    asked = {"auth": tuple((right if key is None else key).split(":"))} if key != "" else {}
    address = prefect.get_client(sync_client=True).api_url.join("flow_runs/count")
    code = httpx.post(address, json={}, **asked).status_code
    assert code == (httpx.codes.OK if key is None else httpx.codes.UNAUTHORIZED)


def test_the_server_of_the_scripts_own_writes_many_task_runs_at_once():
    """Else it is busy for minutes after a flow of a thousand jobs, and refuses the next flow run."""
    with prefect.get_client(sync_client=True) as client:
        known = client._client.get("/admin/settings").json()["server"]["services"]["task_run_recorder"]
    assert known["batch_size"] == 200
    assert known["flush_interval"] == 1  # less, and the server takes a core for itself: it counts in whole seconds


# It ends with the reason, or is killed for its silence.
WITHOUT_ITS_SERVER = """
import socket, time
from prefect.settings import PREFECT_API_URL, temporary_settings
from adatom.engines.prefect.server import Server

with socket.create_server(("127.0.0.1", 0)) as listening:
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
    with temporary_settings({PREFECT_API_URL: url}):
        server = Server()
while not (reason := server.look_after()):
    time.sleep(0.1)
raise SystemExit(reason)
"""


@pytest.mark.deep(reason="a server of the user's may be restarted: it is given up after ten seconds")
def test_a_server_of_the_users_that_dies_before_it_is_looked_after_is_given_up(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT_ITS_SERVER], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert "does not answer any more" in ended.stderr
