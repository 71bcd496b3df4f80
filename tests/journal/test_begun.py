"""The journals tell which job a worker was at when it died."""

import json

import pytest

from adatom.journal.begun import begun_jobs
from adatom.journal.journal import Journal
from adatom.utils.names import new_id
from adatom.utils.sealed import sealed


@pytest.fixture
def journal(tmp_path):
    return Journal(str(tmp_path))


def test_jobs_that_were_begun_and_not_ended(journal, tmp_path):
    waits, runs, done, failed, again = ids = [new_id() for _ in range(5)]
    for job in ids:
        journal.record(job, "pending")
    for job in (runs, done, failed, again):
        journal.record(job, "running")
    journal.record(done, "done")
    journal.record(failed, "failed", cause="ValueError: no")
    journal.record(again, "failed", cause="ValueError: no")
    journal.record(again, "running", attempt=1)
    assert begun_jobs(str(tmp_path), ids) == {runs: 0, again: 1}
    assert begun_jobs(str(tmp_path), [waits, done]) == {}


def test_lines_of_several_processes_are_read_and_half_lines_are_not(journal, tmp_path):
    job, other = new_id(), new_id()
    line = sealed(json.dumps({"id": job, "state": "running", "time": 1.0}))
    (tmp_path / "another.jsonl").write_bytes(line + line[:-5])
    journal.record(other, "running")
    assert begun_jobs(str(tmp_path), {job, other}) == {job: 0, other: 0}
    journal.record(job, "done")
    assert begun_jobs(str(tmp_path), {job, other}) == {other: 0}


def test_there_may_be_no_journal(tmp_path):
    assert begun_jobs(str(tmp_path / "none"), [new_id()]) == {}
