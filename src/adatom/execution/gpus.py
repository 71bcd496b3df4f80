"""The GPUs of this machine that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["visible_gpus"]

_DRIVER = Path("/proc/driver/nvidia/gpus")


def visible_gpus() -> list[str]:
    """Return the GPUs in ``CUDA_VISIBLE_DEVICES`` or, if it is not set, the numbers of all that the driver knows."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip() and name.strip() != "-1"]
    try:
        return [str(number) for number, _ in enumerate(_DRIVER.iterdir())]
    except OSError:  # no such driver
        return []
