"""Who may read the journals and the inputs of jobs."""

import grp
import os

import pytest

from adatom import Failure, change_settings, flow, get_settings, job
from adatom.journal.journal import JOURNAL


@job
def fails(values):
    raise ValueError("no such luck")


@flow(on_failure="return")
def workflow():
    return fails(list(range(10_000)))  # too long for a line of the journal: it is in a file of its own


def permissions():
    folder = get_settings().results_dir / JOURNAL
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == {JOURNAL, "calls"}
    return {oct(path.stat().st_mode & 0o7777) for path in files}, {
        oct(path.stat().st_mode & 0o7777) for path in (folder, folder / "calls")
    }


@pytest.mark.parametrize("workers", [1, 2])
def test_journals_are_private_or_those_of_the_group_that_shares_the_cache(workers, tmp_path):
    group = grp.getgrgid(os.getgid()).gr_name
    mask = os.umask(0o077)
    try:
        with change_settings(local_workers=workers, results_dir=tmp_path / "alone"):
            assert isinstance(workflow(), Failure)
            assert permissions() == ({"0o600"}, {"0o700"})
        with change_settings(local_workers=workers, results_dir=tmp_path / "shared", cache_group=group):
            assert isinstance(workflow(), Failure)
            assert permissions() == ({"0o640"}, {"0o2770"})
    finally:
        os.umask(mask)
