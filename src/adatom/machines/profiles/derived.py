"""A runner profile that is made of another one, or of a machine, for one purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adatom.errors import InputError, UnknownNameError
from adatom.machines.profiles.runner import RunnerProfile

__all__ = ["check_resources", "derived_runner"]

_SEVERAL_RANKS = "mpirun"  # launcher of several ranks where nobody has named one


def derived_runner(
    system: str | RunnerProfile,
    resources: Mapping[str, Any],
    name: str | None = None,
    pre_commands: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    directives: Sequence[str] = (),
    input_files: Sequence[str] = (),
    post_commands: Sequence[str] = (),
    output_files: Sequence[str] = ("*",),
) -> RunnerProfile:
    """Return a runner profile with other resources.

    Parameters
    ----------
    system
        Runner profile; or the name of one that `load_profiles` finds or, where none has it, the name of a machine,
        whose batch jobs then have the resources that are given and no others.
    resources
        New values for keys of the profile. Several ranks are started by ``mpirun`` unless a launcher is named.
    name
        New name, in which characters that a name cannot have are replaced. None: the name stays.
    pre_commands, environment, directives, input_files, post_commands
        What comes after the profile's own.
    output_files
        Patterns in place of the profile's own; ``("*",)`` leaves these.

    Raises
    ------
    UnknownNameError
        There is no such system or key.
    InputError
        A value is not valid.
    """
    base = _base(system)
    check_resources(resources)
    fields = {key: getattr(base, key) for key in RunnerProfile.model_fields} | dict(resources)
    further = {
        "pre_commands": pre_commands,
        "post_commands": post_commands,
        "directives": directives,
        "input_files": input_files,
    }
    for key, more in further.items():
        fields[key] = (*fields[key], *more)
    if tuple(output_files) != ("*",):
        fields["output_files"] = output_files
    fields["environment"] = {**fields["environment"], **(environment or {})}
    if name is not None:
        begins = name[:1].isascii() and name[:1].isalpha()
        fields["name"] = re.sub(r"[^A-Za-z0-9._-]+", "_", name if begins else f"job-{name}")
    made = RunnerProfile(**fields)
    if made.launcher == "single" and made.resources.ranks > 1:
        made = RunnerProfile(**{**fields, "launcher": _SEVERAL_RANKS})
    return made


def check_resources(resources: Mapping[str, Any]) -> None:
    """Refuse keys that a runner profile does not have.

    Parameters
    ----------
    resources
        Values by key.

    Raises
    ------
    UnknownNameError
        There is no such key.
    """
    valid = RunnerProfile.model_fields.keys() - {"name", "machine"}
    for key in resources:
        if key not in valid:
            raise UnknownNameError("key of resources", key, valid)


def _base(system: str | RunnerProfile) -> RunnerProfile:
    if isinstance(system, RunnerProfile):
        return system
    if not isinstance(system, str):
        raise InputError(f"{system!r} is no system: give the name of a runner profile or machine, or a RunnerProfile.")
    from adatom.machines.profiles.files import load_profiles
    from adatom.settings.places import profile_places

    known = load_profiles()
    if system in known.runners:
        return known.runners[system]
    if system in known.machines:
        return RunnerProfile(name=system, machine=system)
    places = ", ".join(map(str, profile_places()))
    raise UnknownNameError("system", system, {*known.runners, *known.machines}, f"Profiles are read from: {places}.")
