"""A flow with a deadline starts nothing that it cannot expect to finish."""

import time

import pytest

from adatom import JobFailure, change_settings, job
from adatom.execution import worker
from adatom.execution.context import job_context
from adatom.journal.jobs import read_jobs


@job
def slow(seconds):
    time.sleep(seconds)
    return "done"


def test_what_cannot_be_expected_to_end_in_time_is_not_started(tmp_path, monkeypatch):
    with change_settings(results_dir=tmp_path):
        assert slow(4) == "done"
        monkeypatch.setattr(worker, "_longest", {})  # what this process has seen itself: the journal knows it, too
        with (
            job_context(deadline=time.time() + 3),
            pytest.raises(JobFailure, match="slow was not started: .*may take 4 s"),
        ):
            slow(4)
        with job_context(deadline=time.time() + 60):
            assert slow(0) == "done"
        assert [record.state for record in read_jobs(tmp_path)] == ["done", "failed", "done"]
