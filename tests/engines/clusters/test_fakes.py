"""Flows in batch jobs of schedulers that are not here: commands that stand for theirs run the scripts for real."""

import pytest
from ase.build import bulk

from adatom import make_runner
from adatom.recipes.emt import bulk_to_slabs_flow
from tests.engines.clusters.conftest import batch_jobs, energies, tail
from tests.infra.fakes import installed

PROFILES = """
[machines.fir]
scheduler = "{scheduler}"
queues = {{ cpu = "work" }}

[runners.screening]
machine = "fir"
jobs_per_node = 2
walltime = "10m"
"""


@pytest.mark.parametrize(
    ("selected", "scheduler"),
    [("dask", "pbs"), ("dask", "lsf"), ("parsl", "pbs"), ("parsl", "lsf")],
    indirect=["selected"],
)
def test_all_jobs_of_a_flow_run_in_batch_jobs(selected, scheduler, here, tmp_path, monkeypatch):
    (tmp_path / "adatom.toml").write_text(PROFILES.format(scheduler=scheduler))
    with installed(scheduler, tmp_path / "fakes") as fake:
        for name, value in fake.variables.items():
            monkeypatch.setenv(name, value)
        with make_runner(profile="screening") as runner:
            out = bulk_to_slabs_flow.with_options(runner=runner)(bulk("Cu"))
    assert energies(out) == here, tail(tmp_path)
    ((batch_job, number),) = batch_jobs(out).items()
    assert number == 8
    assert batch_job is not None
