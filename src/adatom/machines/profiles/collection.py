"""Collection of profiles of all kinds, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from adatom.errors import UnknownNameError
from adatom.machines.model import Model
from adatom.machines.profiles.command import Command
from adatom.machines.profiles.execution import ExecutionProfile
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.profiles.remote import RemoteProfile
from adatom.machines.profiles.runner import RunnerProfile
from adatom.settings.places import profile_places

__all__ = ["SECTIONS", "Profiles"]


# Tables of a TOML file with profiles, by the kind of profile.
SECTIONS: dict[str, type[Model]] = {
    "commands": Command,
    "executions": ExecutionProfile,
    "machines": HPCProfile,
    "runners": RunnerProfile,
    "remote": RemoteProfile,
}


class Profiles:
    """Collection of profiles of all kinds, by name.

    Parameters
    ----------
    commands, executions, machines, runners, remote
        Profiles of each kind, of which a later one replaces an earlier one of the same name.

    Attributes
    ----------
    commands, executions, machines, runners, remote
        Profiles of each kind by name.
    """

    def __init__(
        self,
        commands: Iterable[Command] = (),
        executions: Iterable[ExecutionProfile] = (),
        machines: Iterable[HPCProfile] = (),
        runners: Iterable[RunnerProfile] = (),
        remote: Iterable[RemoteProfile] = (),
    ) -> None:
        self.commands = {profile.name: profile for profile in commands}
        self.executions = {profile.name: profile for profile in executions}
        self.machines = {profile.name: profile for profile in machines}
        self.runners = {profile.name: profile for profile in runners}
        self.remote = {profile.name: profile for profile in remote}

    def __or__(self, later: Profiles) -> Profiles:
        """Return these profiles and the later ones, which replace those of the same name."""
        return Profiles(*((getattr(self, kind) | getattr(later, kind)).values() for kind in SECTIONS))

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
