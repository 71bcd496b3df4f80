"""Profiles of commands, of their execution, of runners and of machines: TOML tables in a repository or a home."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, SerializeAsAny, model_validator

from adatom.errors import InputError, UnknownNameError
from adatom.machines.launch import LAUNCHERS
from adatom.machines.model import Line, Model, Name, Word
from adatom.machines.resources import Memory, Resources, Walltime
from adatom.machines.schedulers.base import scheduler
from adatom.settings import get_settings

__all__ = [
    "Command",
    "ExecutionProfile",
    "HPCProfile",
    "Profiles",
    "QueueLimits",
    "RunnerProfile",
    "Setup",
    "load_profiles",
    "profile_places",
    "read_profiles",
    "table_of",
]

ResourceClass = Literal["cpu", "gpu"]


class Command(Model):
    """Profile of a program and its constant arguments.

    Attributes
    ----------
    name
        Name that other profiles and callers use.
    executable
        Key of the program in the `executables` of a machine.
    arguments
        Arguments that the program always gets, before those of the user.
    description
        Free text for readers of the profile.
    """

    name: Name
    executable: Word
    arguments: tuple[str, ...] = ()
    description: str = ""


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
    modules, pre_commands, environment, shell_environment
        Same as in `machines.script.BatchJob`, after those of the machine.
    """

    resource_class: ResourceClass = "cpu"
    launcher: str = "single"
    launcher_options: tuple[str, ...] = ()
    modules: tuple[Line, ...] = ()
    pre_commands: tuple[Line, ...] = ()
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


class RunnerProfile(Setup):
    """Profile of the resources and the environment of a job of a recipe, and of the jobs that share a batch job.

    Attributes
    ----------
    name
        Name that callers use for the profile.
    machine
        Name of the profile of the machine.
    jobs_per_node
        Number of jobs that run at the same time on a node, each with the resources above. One batch job asks for the
        resources of all of them. `walltime` is the run time of the batch job.
    python
        Path of the interpreter on the machine. None: the one that makes the runner.
    """

    name: Name
    machine: Name
    jobs_per_node: PositiveInt = 1
    python: Line | None = None

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.nodes > 1 and self.jobs_per_node > 1:
            raise InputError(
                f"nodes is {self.nodes} and jobs_per_node {self.jobs_per_node}: a job of several nodes shares none."
            )
        return self

    @property
    def whole(self) -> Resources:
        """Resources of the batch job: `resources` of all jobs that run at the same time."""
        one, times = self.resources, self.jobs_per_node
        more = {"ranks_per_node": one.ranks_per_node * times, "gpus_per_node": one.gpus_per_node * times}
        return one.model_copy(update=more | ({} if one.memory is None else {"memory": one.memory * times}))


class QueueLimits(Model):
    """Largest resources that a queue gives to a job. None: the limit is not known, and not checked.

    Attributes
    ----------
    walltime
        Longest run time, in s or as text as in `Resources`.
    nodes
        Largest number of nodes of one job.
    cores_per_node, gpus_per_node, memory
        Cores, GPUs and memory of one node; memory in bytes or as text as in `Resources`.
    """

    walltime: Walltime | None = None
    nodes: int | None = None
    cores_per_node: int | None = None
    gpus_per_node: int | None = None
    memory: Memory | None = None


class HPCProfile(Model):
    """Profile of a machine: its scheduler, queues and programs.

    Attributes
    ----------
    name
        Name that other profiles and callers use for the machine.
    scheduler
        Name of its batch scheduler. A section of that name holds options that only this scheduler knows.
    host
        Host to log in to for the scheduler, as ``ssh`` takes it. None: this machine.
    remote_dir
        Directory on the host, absolute or below its home with ``~/``, in which each job gets a directory.
    shared_files
        Whether the host has the same working directory, so that nothing is copied.
    queues, accounts
        Queue and account of each resource class.
    limits
        Largest resources of each queue, by its name.
    executables
        Path or name of each program by its key, or a list of words such as ``["/opt/bin/env.sh", "pw.x"]``.
    modules, pre_commands, environment, shell_environment
        Same as in `machines.script.BatchJob`, for every job of this machine.
    directives
        Further directives of every job, without the scheduler's prefix.
    options
        Options that only this scheduler knows, from the section of its name.
    """

    name: Name
    scheduler: str
    host: Word | None = None
    remote_dir: Line = "~/adatom-jobs"
    shared_files: bool = False
    queues: Mapping[ResourceClass, Word] = Field(default_factory=dict)
    accounts: Mapping[ResourceClass, Word] = Field(default_factory=dict)
    limits: Mapping[str, QueueLimits] = Field(default_factory=dict)
    executables: Mapping[str, Line | tuple[str, ...]] = Field(default_factory=dict)
    modules: tuple[Line, ...] = ()
    pre_commands: tuple[Line, ...] = ()
    environment: Mapping[str, str] = Field(default_factory=dict)
    shell_environment: Mapping[str, str] = Field(default_factory=dict)
    directives: tuple[Line, ...] = ()
    options: SerializeAsAny[Model]

    def __init__(self, /, **data: Any) -> None:
        if "scheduler" in data:
            kind = scheduler(data["scheduler"])
            section = data.pop("options", None) or data.pop(kind.name, {})
            if not isinstance(section, Mapping | kind.options_type):
                raise InputError(f"{kind.name!r} of HPCProfile is {section!r}: give a section of keys and values.")
            data["options"] = kind.options_type(**section) if isinstance(section, Mapping) else section
        super().__init__(**data)

    @model_validator(mode="after")
    def _fits(self) -> HPCProfile:
        for queue in self.limits:
            if queue not in self.queues.values():
                raise UnknownNameError(f"queue in the limits of {self.name}", queue, self.queues.values())
        return self

    @model_validator(mode="after")
    def _can_be_reached(self) -> HPCProfile:
        if self.host is None:
            for key in ("remote_dir", "shared_files"):
                if getattr(self, key) != HPCProfile.model_fields[key].default:
                    raise InputError(f"{key} says something of a host, and {self.name} has none: name the host, too.")
            return self
        if not re.match(r"[^-@]", self.host):
            raise InputError(f"host={self.host!r} is nothing that ssh takes: give a name, or USER@NAME.")
        if not scheduler(self.scheduler).commands:
            raise InputError(
                f"host={self.host!r}: {self.scheduler!r} has no commands that could be run there. Name the scheduler "
                "of that machine, or no host."
            )
        if not self.remote_dir.startswith(("/", "~/")):
            raise InputError(f"remote_dir={self.remote_dir!r}: give an absolute path of {self.host}, or ~/ and a path.")
        for key, words in self.executables.items():
            program = words if isinstance(words, str) else words[0]
            if program.startswith("~"):
                raise InputError(f"executables.{key}={program!r}: ~ is of this machine. Give the path on {self.host}.")
        return self


class Profiles:
    """Collection of profiles of all kinds, by name.

    Parameters
    ----------
    commands, executions, machines, runners
        Profiles of each kind, of which a later one replaces an earlier one of the same name.

    Attributes
    ----------
    commands, executions, machines, runners
        Profiles of each kind by name.
    """

    def __init__(
        self,
        commands: Iterable[Command] = (),
        executions: Iterable[ExecutionProfile] = (),
        machines: Iterable[HPCProfile] = (),
        runners: Iterable[RunnerProfile] = (),
    ) -> None:
        self.commands = {profile.name: profile for profile in commands}
        self.executions = {profile.name: profile for profile in executions}
        self.machines = {profile.name: profile for profile in machines}
        self.runners = {profile.name: profile for profile in runners}

    def __or__(self, later: Profiles) -> Profiles:
        """Return these profiles and the later ones, which replace those of the same name."""
        return Profiles(*((getattr(self, kind) | getattr(later, kind)).values() for kind in _SECTIONS))

    def command(self, name: str) -> Command:
        """Return a command by name."""
        return self._found("command", name, self.commands)

    def execution(self, name: str) -> ExecutionProfile:
        """Return an execution profile by name."""
        return self._found("execution profile", name, self.executions)

    def machine(self, name: str) -> HPCProfile:
        """Return a machine by name."""
        return self._found("machine", name, self.machines)

    def runner(self, name: str) -> RunnerProfile:
        """Return a runner profile by name."""
        return self._found("runner profile", name, self.runners)

    def _found(self, what: str, name: str, known: Mapping[str, Any]) -> Any:
        if name not in known:
            places = ", ".join(map(str, profile_places()))
            raise UnknownNameError(what, name, known, f"Profiles are read from: {places}.")
        return known[name]


_SECTIONS: dict[str, type[Model]] = {
    "commands": Command,
    "executions": ExecutionProfile,
    "machines": HPCProfile,
    "runners": RunnerProfile,
}


def profile_places() -> list[Path]:
    """Return the files and directories of profiles, of which later ones take precedence. They need not exist."""
    named = get_settings().profiles
    return [Path("~/.config/adatom/profiles").expanduser(), Path("adatom.toml").absolute(), *named]


def load_profiles(places: Sequence[Path | str] | None = None) -> Profiles:
    """Read profiles from TOML files: tables ``[commands.NAME]``, and likewise executions, machines and runners.

    Parameters
    ----------
    places
        Files, and directories whose ``*.toml`` are read in the order of their names. A later profile replaces an
        earlier one of the same name. None: ``~/.config/adatom/profiles``, ``adatom.toml`` in the current directory, and
        the places that the setting `profiles` names.

    Raises
    ------
    InputError
        A given place does not exist, or a file cannot be read, has an unknown key or a value that is not valid; the
        message names the place.
    """
    found = Profiles()
    required = {Path(place) for place in (get_settings().profiles if places is None else places)}
    for place in profile_places() if places is None else [Path(place) for place in places]:
        if not place.exists():
            if place in required:
                raise InputError(f"There are no profiles at {place}.")
            continue
        for file in sorted(place.glob("*.toml")) if place.is_dir() else [place]:
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"The profiles in {file} cannot be read: {error}.") from error
            found |= read_profiles(text, str(file))
    return found


def read_profiles(text: str, source: str) -> Profiles:
    """Return the profiles of a TOML document.

    Parameters
    ----------
    text
        TOML document with the profiles.
    source
        Origin of the document, for error messages.

    Raises
    ------
    InputError
        The document is no TOML, has an unknown section or key, or a value that is not valid.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The profiles in {source} cannot be read: {error}.") from error
    made: dict[str, list[Any]] = {section: [] for section in _SECTIONS}
    for section, profiles in data.items():
        if section not in _SECTIONS:
            raise UnknownNameError(f"section in {source}", section, _SECTIONS)
        for name, fields in profiles.items() if isinstance(profiles, Mapping) else [("", profiles)]:
            if not isinstance(fields, Mapping):
                raise InputError(f"{source}: [{section}] holds one table for each name, such as [{section}.mine].")
            try:
                made[section].append(_SECTIONS[section](**{"name": name, **fields}))
            except InputError as error:
                raise InputError(f"{source}: [{section}.{name}]: {error}") from None
    return Profiles(*made.values())


def table_of(profiles: Profiles) -> dict[str, dict[str, Any]]:
    """Return profiles as the tables of a TOML file, without fields that have their default.

    Parameters
    ----------
    profiles
        Profiles to write to a file.
    """
    tables: dict[str, dict[str, Any]] = {}
    for section in _SECTIONS:
        for name, profile in getattr(profiles, section).items():
            fields = profile.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
            if options := fields.pop("options", None):
                fields[profile.scheduler] = options
            tables.setdefault(section, {})[name] = fields
    return tables
