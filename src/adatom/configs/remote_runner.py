"""The runner of an operation whose items go to batch jobs, and the labels that say which operations do."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adatom.configs.autopara import AutoparaInfo
from adatom.configs.remote import RemoteInfo
from adatom.errors import InputError, SettingsError, UnknownNameError
from adatom.execution.context import in_job
from adatom.execution.registry import lasting_engine
from adatom.machines.profiles.derived import derived_runner
from adatom.machines.profiles.files import load_profiles
from adatom.machines.profiles.remote import RemoteProfile
from adatom.settings import get_settings
from adatom.settings.places import profile_places
from adatom.utils.tables import read_text
from adatom.workflow.runner import make_runner

__all__ = ["find_remote", "remote_runner"]

_runners: dict[tuple[Any, ...], Any] = {}  # one for the same batch jobs, so that these are used again


def find_remote(info: AutoparaInfo, operation: str) -> RemoteInfo | None:
    """Return what sends an operation to batch jobs; None if it is not sent there.

    Parameters
    ----------
    info
        Options of the operation. Where they say neither a number of workers, nor a runner, nor this, and the operation
        is not called in a job, a label counts that is the name of the operation, or its first word.
    operation
        Name of the operation.

    Raises
    ------
    UnknownNameError
        There is no such label.
    InputError
        The setting ``remote_info`` or a profile is not valid.
    """
    if isinstance(info.remote_info, RemoteInfo):
        return info.remote_info
    if info.remote_info is None and (info.workers is not None or info.runner is not None or in_job()):
        return None
    known = _labels()
    labels = [operation, operation.partition(" ")[0]] if info.remote_info is None else [info.remote_info]
    found = next((known[label] for label in labels if label in known), None)
    if found is None and info.remote_info is not None:
        places = ", ".join(map(str, profile_places()))
        hint = f"Labels are tables [remote.LABEL] in {places}, and keys of the setting remote_info."
        raise UnknownNameError("label of remote_info", info.remote_info, known, hint)
    if found is None:
        return None
    given = {name: getattr(found, name) for name in RemoteProfile.model_fields if name != "name"}
    return RemoteInfo(**given)


def remote_runner(remote: RemoteInfo) -> Any:
    """Return a runner of the queue engine, the same one for the same batch jobs.

    Parameters
    ----------
    remote
        Batch jobs.

    Raises
    ------
    InputError
        A profile does not exist, the batch job asks for more than a queue gives, or an input file does not exist.
    """
    for name in remote.input_files:
        if not Path(name).expanduser().exists():
            raise InputError(f"RemoteInfo(input_files=...): there is no {name!r} in {Path.cwd()}.")
    profile = derived_runner(
        remote.system,
        {**remote.resources, **({} if remote.poll_interval is None else {"poll_interval": remote.poll_interval})},
        remote.job_name,
        remote.pre_commands,
        remote.environment,
        remote.directives,
        [os.path.abspath(Path(name).expanduser()) for name in remote.input_files],
        remote.post_commands,
        remote.output_files,
    )
    machine = load_profiles().machine(profile.machine)
    key = (profile.model_dump_json(), machine.model_dump_json(), remote.jobs, get_settings().queue_dir)
    if key not in _runners:
        _runners[key] = make_runner(profile=profile, engine=lasting_engine(), jobs=remote.jobs)
    return _runners[key]


def _labels() -> dict[str, RemoteProfile]:
    found = dict(load_profiles().remote) if any(place.exists() for place in profile_places()) else {}
    said = get_settings().remote_info
    if said is None:
        return found
    text, source = said, "the setting remote_info"
    if not said.lstrip().startswith("{"):
        source = said
        try:
            text = read_text(Path(said).expanduser(), f"The setting remote_info names {said!r}, which")
        except InputError as error:
            raise SettingsError(f"{error} Give the name of a JSON file, or JSON such as {_EXAMPLE}.") from None
    try:
        tables = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{source} is no JSON: {error}. Write it as in {_EXAMPLE}.") from None
    for label, table in tables.items() if isinstance(tables, Mapping) else [("", tables)]:
        if not isinstance(table, Mapping):
            raise SettingsError(f"{source}: give a table of keys for each label, as in {_EXAMPLE}.")
        try:
            found[label] = RemoteProfile(**{"name": label, **table})
        except InputError as error:
            raise SettingsError(f"{source}: {label}: {error}") from None
    return found


_EXAMPLE = '{"relax": {"system": "cluster", "items_per_job": 36}}'
