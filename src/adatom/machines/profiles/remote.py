"""Profiles that send the items of an operation to batch jobs, by the label of the operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, PositiveInt, field_validator

from adatom.machines.model import Line, Model, Name
from adatom.machines.profiles.derived import check_resources
from adatom.machines.profiles.runner import RunnerProfile
from adatom.machines.resources import Walltime

__all__ = ["RemoteProfile"]


class RemoteProfile(Model):
    """Table ``[remote.LABEL]``: how the operations with a label are sent to batch jobs.

    Attributes
    ----------
    name
        Label.
    system, resources, job_name, items_per_job, jobs, pre_commands, post_commands, environment, directives, input_files,
    output_files, poll_interval, timeout
        Same as in `adatom.configs.RemoteInfo`.
    """

    name: Line
    system: Name | RunnerProfile
    resources: Mapping[str, Any] = Field(default_factory=dict)
    job_name: Line | None = None
    items_per_job: PositiveInt = 1
    jobs: PositiveInt = 10
    pre_commands: tuple[Line, ...] = ()
    post_commands: tuple[Line, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    directives: tuple[Line, ...] = ()
    input_files: tuple[Line, ...] = ()
    output_files: tuple[Line, ...] = ("*",)
    poll_interval: Walltime | None = None
    timeout: Walltime | None = None

    @field_validator("resources")
    @classmethod
    def _known(cls, value: Mapping[str, Any]) -> Mapping[str, Any]:
        check_resources(value)
        return value
