"""How scripts find Prefect's server, and what it knows of task runs."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.engines.processes import wait_until


def server_variables() -> dict[str, str]:
    """Variables that tell a script the address of this process's server, and its key, if it has one."""
    import prefect
    from prefect.settings import get_current_settings

    key = get_current_settings().api.auth_string
    known = {"PREFECT_API_AUTH_STRING": key.get_secret_value()} if key else {}
    return {"PREFECT_API_URL": str(prefect.get_client(sync_client=True).api_url), **known}


def migrated_home(home: Path) -> None:
    """Make a directory for Prefect with the tables that its server would make in seven seconds."""
    from prefect.settings import PREFECT_HOME

    home.mkdir()
    with (
        closing(sqlite3.connect(PREFECT_HOME.value() / "prefect.db")) as known,
        closing(sqlite3.connect(home / "prefect.db")) as new,
    ):
        known.backup(new)


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
