"""Spools by their profiles and directories."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from adatom.engines.queue.far_spool import FAR, FarSpool
from adatom.engines.queue.spool import Spool
from adatom.errors import StorageError
from adatom.machines.host import Host
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.settings import get_settings

__all__ = ["spool_of", "spools"]

_PYTHON_THERE = "python3"  # interpreter on a host, unless a profile names another one


def spool_of(path: Path, runner: RunnerProfile, machine: HPCProfile) -> Spool:
    """Return the spool for the batch jobs of a profile.

    Parameters
    ----------
    path
        Directory of the spool on this machine.
    runner, machine
        Profile of the batch jobs, and that of their machine.
    """
    if not machine.host or machine.shared_files:
        return Spool(path, os.path.expanduser(runner.python or sys.executable))
    place = f"{machine.remote_dir}/queue/{path.name}"
    output = runner.output_files, runner.output_limit
    return FarSpool(
        path,
        Host(machine.host),
        place,
        runner.python or _PYTHON_THERE,
        *output,
        runner.input_files,
        runner.poll_interval or 0.0,
    )


def spools() -> Iterator[Spool]:
    """Yield the spools that there are.

    Raises
    ------
    StorageError
        The files of a spool are damaged.
    """
    folder = get_settings().queue_dir
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if (path / "key").is_file():
            yield _opened(path)


def _opened(path: Path) -> Spool:
    try:
        host, *given = json.loads((path / FAR).read_text())
        return FarSpool(path, Host(host), *given)
    except FileNotFoundError:
        return Spool(path)
    except ValueError as error:
        raise StorageError(f"{path / FAR} is damaged: {error}. Run a script with its profile again.") from error
