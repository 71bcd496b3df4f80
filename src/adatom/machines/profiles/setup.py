"""Resources of a program, and the environment that is set up for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from adatom.errors import InputError, UnknownNameError
from adatom.machines.launch import LAUNCHERS
from adatom.machines.model import Line
from adatom.machines.resources import Resources

__all__ = ["ResourceClass", "Setup"]


ResourceClass = Literal["cpu", "gpu"]


class Setup(Resources):
    """Resources of a program, and the environment that is set up for it.

    Attributes
    ----------
    resource_class
        Class that picks the queue and the account of the machine: ``"cpu"`` or ``"gpu"``.
    nodes, ranks_per_node, threads_per_rank, gpus_per_node, memory, walltime
        Same as in `Resources`.
    launcher
        Name of the launcher that starts the ranks, a key of `machines.launch.LAUNCHERS`.
    launcher_options
        Further options of the launcher, one string for each word.
    modules, pre_commands, post_commands, environment, shell_environment
        Same as in `machines.script.BatchJob`, after those of the machine.
    """

    resource_class: ResourceClass = "cpu"
    launcher: str = "single"
    launcher_options: tuple[str, ...] = ()
    modules: tuple[Line, ...] = ()
    pre_commands: tuple[Line, ...] = ()
    post_commands: tuple[Line, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    shell_environment: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.launcher not in LAUNCHERS:
            raise UnknownNameError("launcher", self.launcher, LAUNCHERS)
        for name in (*self.environment, *self.shell_environment):
            if not name.isidentifier() or not name.isascii():
                raise InputError(f"{name!r} is no name of an environment variable.")
        return self

    @property
    def resources(self) -> Resources:
        """Resources alone, without the environment."""
        return Resources(**{name: getattr(self, name) for name in Resources.model_fields})
