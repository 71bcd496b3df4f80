"""The queue engine on a machine that one logs in to, with a real Grid Engine behind it."""

import sys

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.execution.registry import close_engines
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.clusters.conftest import batch_jobs, energies
from tests.engines.conftest import end_batch_jobs
from tests.engines.processes import wait_until
from tests.infra import machine, sge, sshd

pytestmark = pytest.mark.xdist_group("slurm")  # that of the other tests with an sshd

PROFILES = f"""
[machines.oak]
scheduler = "sge"
host = "login"
queues.cpu = "main.q"
sge.parallel_environment = "smp"

[runners.far]
machine = "oak"
resource_class = "cpu"
jobs_per_node = 2
walltime = "10m"
python = "{sys.executable}"
"""


@pytest.mark.deep(reason="a Grid Engine starts for it alone")
def test_a_flow_of_recipes(here, tmp_path, monkeypatch):
    machine.skip_or_install("sge", sge.COMMANDS, sge.PACKAGES)
    machine.skip_or_install("sshd", sshd.COMMANDS, sshd.PACKAGES)
    (tmp_path / "profiles.toml").write_text(PROFILES)
    own = {"workflow_engine": "queue", "queue_profile": "far"}
    own |= {"results_dir": tmp_path / "results", "queue_dir": tmp_path / "queue"}
    home = tmp_path / "home"
    home.mkdir()
    with sge.sge() as cluster, sshd.sshd(HOME=str(home), **cluster.environment):
        with monkeypatch.context() as patch, change_settings(profiles=(tmp_path / "profiles.toml",), **own):
            for name in cluster.environment:
                patch.delenv(name)
            found = bulk_to_slabs_flow(bulk("Cu"))
            close_engines()
            end_batch_jobs(tmp_path / "queue")
        ran = batch_jobs(found)
        assert energies(found) == here
        assert sum(ran.values()) == 8
        for id in ran:
            wait_until(lambda id=id: cluster.finished(id), "a batch job is left")
