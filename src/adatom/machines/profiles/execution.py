"""Profile of the resources and the environment that a command runs with."""

from __future__ import annotations

from adatom.machines.model import Name
from adatom.machines.profiles.setup import Setup

__all__ = ["ExecutionProfile"]


class ExecutionProfile(Setup):
    """Profile of the resources and the environment that a command runs with.

    Attributes
    ----------
    name
        Name that callers use for the profile.
    command
        Name of the command that the profile is made for.
    """

    name: Name
    command: Name
