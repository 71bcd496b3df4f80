"""A flipped bit in the journal, or in the inputs of jobs, is noticed."""

import random
import warnings
from dataclasses import replace

import pytest

from adatom.errors import StorageError
from adatom.journal.calls import Calls, read_call
from adatom.journal.jobs import read_jobs
from adatom.journal.journal import JOURNAL, Journal
from adatom.utils.names import new_id
from tests.deep import deep_but

SEEDS = deep_but(range(15), range(60), "each is the same with another bit")


def flip(file, seed):
    data = bytearray(file.read_bytes())
    place = random.Random(seed).randrange(8 * len(data))
    data[place // 8] ^= 1 << place % 8
    file.write_bytes(data)


@pytest.mark.parametrize("seed", SEEDS)
def test_inputs_are_those_that_were_kept_or_refused(seed, tmp_path):
    calls = Calls(str(tmp_path), "FLOW-x")
    kept = {
        calls.keep(b"header" * 5, function, arguments): (b"header" * 5, function, arguments)
        for function in (b"one" * 20, b"other" * 20)
        for arguments in (b"short", random.Random(seed).randbytes(400))
    }
    calls.close(remove=False)
    assert {place: read_call(tmp_path, place) for place in kept} == kept
    flip(tmp_path / "calls" / "FLOW-x", seed)
    refused = 0
    for place, parts in kept.items():
        try:
            found = read_call(tmp_path, place)
        except StorageError:
            refused += 1
        else:
            assert found == parts
    assert refused


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_are_those_that_were_written_or_left_out_with_a_warning(seed, tmp_path):
    journal = Journal(str(tmp_path / JOURNAL))
    for number in range(4):
        job = new_id()
        journal.record(job, "pending", name=f"job{number}", recipe="module:function", call="FLOW-x:0:30@60")
        journal.record(job, "running", attempt=number)
        journal.record(job, "failed" if number % 2 else "done", cause=f"ValueError: {number}", attempt=number)
    journal.record(new_id(), "pending")
    before = {job.id: job for job in read_jobs(tmp_path)}
    assert len(before) == 5
    [file] = (tmp_path / JOURNAL).iterdir()
    flip(file, seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        # The first line says which process wrote the others.
        after = {job.id: replace(job, host=before[job.id].host, pid=before[job.id].pid) for job in read_jobs(tmp_path)}
    changed = [job for job in after.values() if job != before[job.id]]
    assert len(changed) + len(before) - len(after) <= 2  # a line end joins two lines
    last = file.read_bytes().splitlines()[-1]
    assert any("damaged" in str(warning.message) for warning in said) or b"pending" in last or not changed
    for job in changed:
        assert job.cause in ("", before[job.id].cause) or job.state == "lost"
        assert {job.name, job.call} <= {"", before[job.id].name, before[job.id].call}
