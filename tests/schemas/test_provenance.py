import platform
import socket
from datetime import UTC, datetime, timedelta, timezone

import ase
import pytest

import adatom
from adatom.execution.context import job_context
from adatom.schemas.provenance import make_provenance


def test_fields():
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    provenance = make_provenance(start, 1.5)
    assert provenance["versions"] == {
        "adatom": adatom.__version__,
        "ase": ase.__version__,
        "python": platform.python_version(),
    }
    assert provenance["host"] == socket.gethostname()
    assert provenance["start"] == "2026-01-02T01:04:05.000+00:00"
    assert provenance["duration"] == 1.5


def test_the_engine_is_the_one_that_was_set():
    now = datetime.now(UTC)
    assert make_provenance(now, 0)["engine"] == "none"
    with job_context(engine="dask"):
        assert make_provenance(now, 0)["engine"] == "dask"


@pytest.mark.parametrize("variable", ["SLURM_JOB_ID", "PBS_JOBID", "PJM_JOBID", "LSB_JOBID", "JOB_ID"])
def test_the_batch_job_is_the_one_of_the_scheduler(monkeypatch, variable):
    assert "batch_job" not in make_provenance(datetime.now(UTC), 0)
    monkeypatch.setenv(variable, "12345.site")
    assert make_provenance(datetime.now(UTC), 0)["batch_job"] == "12345.site"
