"""The conformance suite finds each of the fake engine's faults, and nothing wrong with it when it has none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deep import deep_but
from tests.engines.conftest import WANTED
from tests.engines.fake import FAULTS

SUITE = Path(__file__).with_name("test_conformance.py")
# Long, and about what the fake engine has no part in.
LEFT_OUT = "not thousand and not async and not the_runner_runs"
FOUND_BY = {
    "twice": "test_retries",
    "swallow": "test_one_failing_job_of_four",
    "in_turn": "test_jobs_and_subflows_overlap",
    "forget_settings": "test_settings_travel_and_do_not_leak",
    "flat_directories": "test_run_directories_are_a_readable_tree",
    "ignore_timeout": "test_timeout_kills_the_work",
    "ignore_retries": "test_retries",
    "lists_for_tuples": "test_settings_travel_and_do_not_leak",
    "reverse_batches": "test_map_keeps_the_order_of_its_items",
    "hide_cause": "test_one_failing_job_of_four",
}


def run_suite(fault: str, choice: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "TEST_ENGINES": "fake", "FAKE_FAULT": fault}
    environment.pop("PYTEST_XDIST_WORKER", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(SUITE), "-k", choice]
    root = SUITE.parents[2]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=280)


@pytest.mark.skipif(bool(WANTED) and "local" not in WANTED, reason="once is enough, with the other engines")
class TestSuite:
    def test_an_engine_without_fault_passes(self):
        run = run_suite("", LEFT_OUT)
        assert run.returncode == 0, run.stdout
        assert int(re.search(r"(\d+) passed", run.stdout)[1]) > 35

    @pytest.mark.parametrize("fault", deep_but(["swallow", "ignore_timeout"], list(FAULTS), "each is a suite"))
    def test_a_fault_is_found(self, fault):
        run = run_suite(fault, FOUND_BY[fault])
        assert run.returncode == 1, run.stdout
        assert re.search(r"[1-9]\d* failed", run.stdout)
