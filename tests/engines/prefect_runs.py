"""What Prefect's server knows of task runs."""

from collections.abc import Callable, Sequence
from typing import Any

from tests.engines.processes import wait_until


def ended_runs(names: Sequence[str], belongs: Callable[[Any], bool]) -> list[Any]:
    """The task runs that belong, when the server knows that those so named have ended: it learns of that by events."""
    import prefect

    client, found = prefect.get_client(sync_client=True), []

    def all_known() -> bool:
        found[:] = [run for run in client.read_task_runs(limit=200) if belongs(run)]
        return sorted(run.name for run in found if run.state and run.state.is_final()) == sorted(names)

    try:
        wait_until(all_known, "", 60)
    except AssertionError:
        there = [(run.name, run.state_name) for run in found]
        raise AssertionError(f"Prefect knows {there}, expected {sorted(names)}") from None
    return found
