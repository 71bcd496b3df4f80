"""Versions and hardware of the machine that runs a model."""

from __future__ import annotations

import os
import platform
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

from adatom import job
from adatom.calculators.models import named_model

__all__ = ["describe_machine"]

_PACKAGES = ("adatom", "ase", "numpy", "scipy", "torch")


@job(cache="off")
def describe_machine(calculator: Any) -> dict[str, Any]:
    """Return the versions and the hardware of the machine that runs this job.

    Parameters
    ----------
    calculator
        Calculator, in any form that `adatom.calculators.models.make_model` takes. The versions of its package and of
        torch are among those that are returned; for a model of another Python they are those there.

    Returns
    -------
    dict
        ``versions`` by package; ``host``, ``system``, ``processor``, ``cores`` and ``gpu``, which is None without one.
    """
    row = named_model(calculator)
    versions = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    if row:
        there = {package: row.version_of(package) for package in (row.package, "torch")}
        # One that is here as well is not what the model computes with.
        versions = {package: version for package, version in {**versions, **there}.items() if version}
    torch = sys.modules.get("torch")
    gpu = torch.cuda.get_device_name() if torch is not None and torch.cuda.is_available() else None
    return {
        "versions": versions,
        "host": platform.node(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": gpu,
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
