"""Check of a runner profile by one job."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator

from adatom.engines.queue.far_spool import FarSpool
from adatom.engines.queue.runner import QueueRunner
from adatom.errors import AdatomError
from adatom.machines.preflight import Finding, preflight
from adatom.settings import change_settings
from adatom.workflow.flow import flow
from adatom.workflow.job import job

__all__ = ["check"]


def check(profile: str) -> Iterator[Finding]:
    """Check a machine, the Python of its workers, and run one job there.

    Parameters
    ----------
    profile
        Name of a runner profile.

    Yields
    ------
    Finding
        One finding for each thing, as it is known. The last one may take as long as a batch job waits in its queue.

    Raises
    ------
    InputError
        The profile does not exist, or asks for more than a queue gives.
    """
    runner = QueueRunner(profile, jobs=1)
    batch_jobs = runner.batch_jobs()
    well = True
    for finding in preflight(batch_jobs.machine):
        well = well and finding.ok is not False
        yield finding
    spool = batch_jobs.spool
    if well and isinstance(spool, FarSpool):
        try:
            spool.first_exchange()
            yield Finding(
                True, "exchange", ", ".join(f"{name} {number}" for name, number in spool.far_python.versions.items())
            )
        except AdatomError as error:
            well = False
            yield Finding(False, "exchange", " ".join(str(error).split()))
    if well:
        yield _by_one_job(runner)


def _by_one_job(runner: QueueRunner) -> Finding:
    @job
    def adatom_check(begun: float) -> str:  # the time makes it a job of its own
        return f"on {platform.node()}, Python {platform.python_version()}"

    @flow
    def check_flow(begun: float) -> str:
        return adatom_check(begun)

    start = time.time()
    with change_settings(workflow_engine="queue"), runner:
        try:
            where = check_flow.with_options(runner=runner)(start)
        except AdatomError as error:
            return Finding(False, "one job", " ".join(str(error).split()))
    return Finding(True, "one job", f"{where}, {time.time() - start:.0f} s after it was asked for")
