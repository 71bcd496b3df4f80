"""Profiles in TOML files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adatom.errors import InputError, UnknownNameError
from adatom.machines.profiles.collection import SECTIONS, Profiles
from adatom.settings import get_settings
from adatom.settings.places import profile_places
from adatom.utils.tables import parse_toml, read_text

__all__ = ["load_profiles", "read_profiles", "table_of"]


def load_profiles(places: Sequence[Path | str] | None = None) -> Profiles:
    """Read profiles from TOML files: tables ``[commands.NAME]``, and likewise executions, machines,
    runners and remote.

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
        if place.exists():
            for file in sorted(place.glob("*.toml")) if place.is_dir() else [place]:
                found |= read_profiles(read_text(file, f"The profiles in {file}"), str(file))
        elif place in required:
            raise InputError(f"There are no profiles at {place}.")
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
    data = parse_toml(text, f"The profiles in {source}")
    made: dict[str, list[Any]] = {section: [] for section in SECTIONS}
    for section, profiles in data.items():
        if section not in SECTIONS:
            raise UnknownNameError(f"section in {source}", section, SECTIONS)
        for name, fields in profiles.items() if isinstance(profiles, Mapping) else [("", profiles)]:
            if not isinstance(fields, Mapping):
                raise InputError(f"{source}: [{section}] holds one table for each name, such as [{section}.mine].")
            try:
                made[section].append(SECTIONS[section](**{"name": name, **fields}))
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
    for section in SECTIONS:
        for name, profile in getattr(profiles, section).items():
            fields = profile.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
            if options := fields.pop("options", None):
                fields[profile.scheduler] = options
            tables.setdefault(section, {})[name] = fields
    return tables
