"""Profiles for tests, on this machine."""

import sys

from adatom.machines import Command, ExecutionProfile, HPCProfile


def python(code, *arguments, name="python"):
    """A command that runs a piece of Python."""
    return Command(name=name, executable="python", arguments=("-c", code, *arguments))


def how(name="python", **more):
    """How to run a command of that name."""
    return ExecutionProfile(name=f"{name}-small", command=name, **more)


def machine(scheduler="local", **more):
    """A machine that has Python."""
    return HPCProfile(**{"name": "here", "scheduler": scheduler, "executables": {"python": sys.executable}, **more})
