"""Batch jobs from profiles: their scripts, schedulers and outcomes. This package knows nothing of atoms or engines."""

from adatom.machines.command import run_command, run_command_async
from adatom.machines.outcome import Outcome, State
from adatom.machines.profiles import (
    Command,
    ExecutionProfile,
    HPCProfile,
    Profiles,
    QueueLimits,
    RunnerProfile,
    load_profiles,
)
from adatom.machines.resources import Resources
from adatom.machines.result import BatchResult

__all__ = [
    "BatchResult",
    "Command",
    "ExecutionProfile",
    "HPCProfile",
    "Outcome",
    "Profiles",
    "QueueLimits",
    "Resources",
    "RunnerProfile",
    "State",
    "load_profiles",
    "run_command",
    "run_command_async",
]
