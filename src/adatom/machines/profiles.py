"""What to run, how, and where: three kinds of documents in TOML, which live in a repository or a home directory."""

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
    """WHAT to run.

    Attributes
    ----------
    name
        What it is called.
    executable
        The key of the program in a machine's `executables`.
    arguments
        The arguments that it always has; the user's come after them.
    description
        For people.
    """

    name: Name
    executable: Word
    arguments: tuple[str, ...] = ()
    description: str = ""


class Setup(Resources):
    """What a program needs: `Resources`, and what is set up around it.

    Attributes
    ----------
    resource_class
        ``"cpu"`` or ``"gpu"``: picks the machine's queue and account.
    nodes, ranks_per_node, threads_per_rank, gpus_per_node, memory, walltime
        As in `Resources`.
    launcher
        What starts the ranks; a key of `machines.launch.LAUNCHERS`.
    launcher_options
        More for it.
    modules, pre_commands, environment, shell_environment
        As in `machines.script.BatchJob`; after those of the machine.
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
        """What the scheduler is asked for."""
        return Resources(**{name: getattr(self, name) for name in Resources.model_fields})


class ExecutionProfile(Setup):
    """HOW to run it: a `Setup` for a command.

    Attributes
    ----------
    name
        What it is called.
    command
        The name of the command that it is made for.
    """

    name: Name
    command: Name


class RunnerProfile(Setup):
    """HOW jobs of recipes are run: a `Setup` for each of them, and how many share a batch job.

    Attributes
    ----------
    name
        What it is called.
    machine
        The name of the machine.
    jobs_per_node
        How many run at the same time on a node, each with the resources above: one batch job asks for all of them.
        `walltime` is that of the batch job.
    python
        The interpreter there; None: the one that makes the runner.
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
        """What the scheduler is asked for: `resources` of all jobs that run at the same time."""
        one, times = self.resources, self.jobs_per_node
        more = {"ranks_per_node": one.ranks_per_node * times, "gpus_per_node": one.gpus_per_node * times}
        return one.model_copy(update=more | ({} if one.memory is None else {"memory": one.memory * times}))


class QueueLimits(Model):
    """What a queue gives at most; None: nobody says.

    Attributes
    ----------
    walltime
        In s, or as in `Resources`.
    nodes
        Of one job.
    cores_per_node, gpus_per_node, memory
        What a node has; memory in bytes, or as in `Resources`.
    """

    walltime: Walltime | None = None
    nodes: int | None = None
    cores_per_node: int | None = None
    gpus_per_node: int | None = None
    memory: Memory | None = None


class HPCProfile(Model):
    """WHERE to run it.

    Attributes
    ----------
    name
        What the machine is called.
    scheduler
        Its batch scheduler; a section of that name says what only it knows.
    host
        The machine that one logs in to for the scheduler, as ``ssh`` takes it; None: this one.
    remote_dir
        The directory there, with a ``~/`` or absolute, in which each job gets one for its files.
    shared_files
        Whether the working directory is the same one there, so that nothing is copied.
    queues, accounts
        By resource class.
    limits
        By queue.
    executables
        By key: the path or name of a program, or a list of words, such as ``["/opt/bin/env.sh", "pw.x"]``.
    modules, pre_commands, environment, shell_environment
        What every job of this machine has, as in `machines.script.BatchJob`.
    directives
        Directives that no field stands for, without the scheduler's prefix.
    options
        The section of the scheduler.
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
    """All profiles that there are, by name.

    Parameters
    ----------
    commands, executions, machines, runners
        The profiles.

    Attributes
    ----------
    commands, executions, machines, runners
        By name.
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
        """These, and others that take the place of those of the same name."""
        return Profiles(*((getattr(self, kind) | getattr(later, kind)).values() for kind in _SECTIONS))

    def command(self, name: str) -> Command:
        """A command by name."""
        return self._found("command", name, self.commands)

    def execution(self, name: str) -> ExecutionProfile:
        """An execution profile by name."""
        return self._found("execution profile", name, self.executions)

    def machine(self, name: str) -> HPCProfile:
        """A machine by name."""
        return self._found("machine", name, self.machines)

    def runner(self, name: str) -> RunnerProfile:
        """A runner profile by name."""
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
    """Where profiles are read from, files and directories, the later ones before the earlier: they need not exist."""
    named = get_settings().profiles
    return [Path("~/.config/adatom/profiles").expanduser(), Path("adatom.toml").absolute(), *named]


def load_profiles(places: Sequence[Path | str] | None = None) -> Profiles:
    """Read profiles from TOML files: tables ``[commands.NAME]``, and likewise executions, machines and runners.

    Parameters
    ----------
    places
        Files, and directories whose ``*.toml`` are read in the order of their names. A profile takes the place of one
        that had its name before. None: ``~/.config/adatom/profiles``, ``adatom.toml`` here, and what the setting
        `profiles` names.

    Raises
    ------
    InputError
        A file cannot be read, has a key that does not exist or a value that cannot be; the file is named.
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
    """Profiles from TOML.

    Parameters
    ----------
    text
        The TOML.
    source
        Where it is from, for the message.

    Raises
    ------
    InputError
        As `load_profiles` does.
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
    """What a TOML file with these profiles holds; what is as by default is left out.

    Parameters
    ----------
    profiles
        The profiles.
    """
    tables: dict[str, dict[str, Any]] = {}
    for section in _SECTIONS:
        for name, profile in getattr(profiles, section).items():
            fields = profile.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
            if options := fields.pop("options", None):
                fields[profile.scheduler] = options
            tables.setdefault(section, {})[name] = fields
    return tables
