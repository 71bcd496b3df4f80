"""Batch jobs from profiles: their scripts, schedulers and outcomes. This package knows nothing of atoms or engines."""

from adatom.machines.command import run_command, run_command_async
from adatom.machines.outcome import Outcome, State
from adatom.machines.profiles.collection import Profiles
from adatom.machines.profiles.command import Command
from adatom.machines.profiles.execution import ExecutionProfile
from adatom.machines.profiles.files import load_profiles
from adatom.machines.profiles.machine import HPCProfile, QueueLimits
from adatom.machines.profiles.runner import RunnerProfile
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
