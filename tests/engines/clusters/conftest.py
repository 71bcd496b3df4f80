"""Flows on batch schedulers, with what `make_runner` makes."""

import os
from collections import Counter
from contextlib import ExitStack

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.execution.registry import close_engines, engine_class, is_installed
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.conftest import WANTED


@pytest.fixture
def selected(request, tmp_path, monkeypatch):
    """An engine by name, in a directory of its own, which is where workers find nothing of the tests'."""
    name = request.param
    if (not WANTED and not is_installed(engine_class(name))) or (WANTED and name not in WANTED):
        pytest.skip(f"pip install 'adatom[{name}]'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADATOM_WORKFLOW_ENGINE", name)  # for scripts
    own = {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    for setting, directory in own.items():
        monkeypatch.setenv(f"ADATOM_{setting.upper()}", str(directory))
    with ExitStack() as stack:
        if name == "covalent":
            from tests.engines.covalent_server import covalent_server

            (tmp_path / "covalent").mkdir()
            stack.enter_context(covalent_server(tmp_path / "covalent"))
        stack.enter_context(change_settings(workflow_engine=name, **own))
        yield name
        close_engines()


def on(*engines):
    """A test for each of these engines."""
    return pytest.mark.parametrize("selected", engines, indirect=True)


def energies(result):
    return [round(run["results"]["energy"], 9) for kind in ("relax", "static") for run in result[kind]]


@pytest.fixture(scope="session")
def here():
    """The energies of the flow in this process."""
    with change_settings(workflow_engine="local", local_workers=1):
        return energies(bulk_to_slabs_flow(bulk("Cu")))


def batch_jobs(result):
    """How many jobs of a flow ran in each batch job."""
    return Counter(run["provenance"].get("batch_job") for kind in ("relax", "static") for run in result[kind])


def tail(directory):
    """What workers printed, for a test that fails."""
    logs = sorted(directory.glob("results/worker-logs/**/*.err"))
    return "\n".join(f"{log}:\n{log.read_text()[-1500:]}" for log in logs if os.path.getsize(log))
