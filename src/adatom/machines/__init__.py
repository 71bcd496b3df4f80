"""Batch jobs: what to run, how, on which machine, and what became of it. Knows nothing of atoms or engines."""

from adatom.machines.command import BatchResult, run_command
from adatom.machines.outcome import Outcome, State
from adatom.machines.profiles import Command, ExecutionProfile, HPCProfile, Profiles, QueueLimits, load_profiles
from adatom.machines.resources import Resources

__all__ = [
    "BatchResult",
    "Command",
    "ExecutionProfile",
    "HPCProfile",
    "Outcome",
    "Profiles",
    "QueueLimits",
    "Resources",
    "State",
    "load_profiles",
    "run_command",
]
