"""Settings of adatom, and the one place that reads the environment for them.

A setting takes the first value that one of these has, in order: ``change_settings``, the environment variable
``ADATOM_<KEY>``, the file named by ``ADATOM_CONFIG_FILE`` (default ``~/.adatom.toml``), the default in
`adatom.settings.model`. The environment and the file are read once, at first use. Only then is pydantic imported, whose
import takes a quarter of the time of that of ASE.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError, SettingsError, UnknownNameError
from adatom.foreign_names import FOREIGN_NAMES

if TYPE_CHECKING:
    from pydantic import ValidationError

    from adatom.settings.model import Settings

__all__ = ["EMBEDDED_ENGINE", "Settings", "change_settings", "get_settings", "setting_sources"]

EMBEDDED_ENGINE = "local"
"""Engine that needs no package: the default, and that of work which has to stay on this machine."""

_PREFIX = "ADATOM_"
_CONFIG_FILE = _PREFIX + "CONFIG_FILE"


def config_file() -> Path:
    """Return the path of the settings file, which need not exist."""
    return Path(os.environ.get(_CONFIG_FILE) or "~/.adatom.toml").expanduser()


def __getattr__(name: str) -> Any:
    if name != "Settings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from adatom.settings.model import Settings

    return Settings


_changed: ContextVar[Settings | None] = ContextVar("adatom_settings", default=None)


def get_settings() -> Settings:
    """Return the settings in force here.

    Returns
    -------
    Settings
        Settings of the innermost ``change_settings``, else those of the environment and the settings file.

    Raises
    ------
    SettingsError
        A key does not exist, a value has a wrong type, or a file cannot be read.
    """
    return _changed.get() or _base()


@contextmanager
def change_settings(changes: Mapping[str, Any] | None = None, /, **keywords: Any) -> Iterator[Settings]:
    """Change settings within a ``with`` block, for this thread or asynchronous task and for the jobs it starts.

    Parameters
    ----------
    changes
        New values by key, in upper or lower case. None: only the keyword arguments change settings.
    **keywords
        New values as keyword arguments, which override `changes`.

    Yields
    ------
    Settings
        Settings in force in the block.

    Raises
    ------
    SettingsError
        A key does not exist, or a value has a wrong type.
    """
    token = _changed.set(_updated(get_settings(), {**(changes or {}), **keywords}))
    try:
        yield get_settings()
    finally:
        _changed.reset(token)


@contextmanager
def settings_in_force(settings: Settings) -> Iterator[None]:
    """Put settings in force for the code in the block.

    Parameters
    ----------
    settings
        Complete settings, which replace the present ones.
    """
    token = _changed.set(settings)
    try:
        yield
    finally:
        _changed.reset(token)


def settings_of_caller(values: Mapping[str, Any]) -> Settings:
    """Return the settings for a job on a worker: those that came with the job, and the machine's own.

    Parameters
    ----------
    values
        Values that `travelling` returned where the job was submitted.
    """
    return _updated(_base(), values)


def travelling(settings: Settings) -> dict[str, Any]:
    """Return the settings that go with a job to the machine that runs it.

    Parameters
    ----------
    settings
        Settings in force where the job is submitted.
    """
    from adatom.settings.model import Settings

    return settings.model_dump(exclude=set(Settings.of_machine))


@cache
def scheduler_end() -> float | None:
    """Return the end of the batch job that this process is part of, in s since the epoch, or None if it is not known.

    The end is read from ``SLURM_JOB_END_TIME``. PBS, LSF and SGE promise no such variable: set ``ADATOM_WALLTIME`` in
    the script of the batch job.
    """
    try:
        return float(os.environ["SLURM_JOB_END_TIME"])
    except (KeyError, ValueError):  # not in a batch job, or without a limit
        return None


def setting_sources() -> dict[str, str]:
    """Return the source of each setting by key: ``change_settings``, a variable, a file or ``default``."""
    from adatom.settings.model import Settings

    base, now = _base(), get_settings()
    in_file = _read_file()
    sources = {}
    for key in Settings.model_fields:
        if getattr(now, key) != getattr(base, key):
            sources[key] = "change_settings"
        elif said := [name.upper() for name in os.environ if name.upper().partition("__")[0] == _PREFIX + key.upper()]:
            sources[key] = ", ".join(sorted(said))
        elif key in in_file:
            sources[key] = str(config_file())
        else:
            sources[key] = "default"
    return sources


@cache
def _base() -> Settings:
    from pydantic import ValidationError

    from adatom.settings.model import Settings

    _refuse_unknown_variables()
    file = config_file()
    if os.environ.get(_CONFIG_FILE) and not file.exists():
        raise SettingsError(
            f"{_CONFIG_FILE} names {str(file)!r}, which does not exist. Create it or unset the variable."
        )
    _refuse_unknown(_read_file(), f"setting in {file}")
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    except Exception as error:  # pydantic-settings wraps the errors of its parsers
        raise SettingsError(str(error)) from error


def _read_file() -> dict[str, Any]:
    from adatom.utils.tables import parse_toml, read_text

    file = config_file()
    if not file.exists():
        return {}
    what = f"The settings file {file}"
    try:
        return parse_toml(read_text(file, what), what)
    except InputError as error:
        raise SettingsError(str(error)) from error


def _refuse_unknown_variables() -> None:
    from adatom.settings.model import Settings

    known = {_PREFIX + key.upper() for key in Settings.model_fields}
    tables = tuple(f"{_PREFIX}{key.upper()}__" for key in ("commands", "data_dirs", "interpreters"))
    for name in os.environ:
        if name.upper().startswith(_PREFIX) and name.upper() != _CONFIG_FILE:
            if name.upper() not in known and not name.upper().startswith(tables):
                raise _unknown("environment variable", name, known | {_CONFIG_FILE})


def foreign_variables() -> str:
    """Return a line on variables of quacc, where they are all there is; empty if there are none, or some of adatom."""
    from adatom.settings.model import Settings

    theirs = sorted(name for name in os.environ if name.startswith("QUACC_"))
    if not theirs or any(name.upper().startswith(_PREFIX) for name in os.environ):
        return ""
    keys = [name.removeprefix("QUACC_").lower() for name in theirs]
    here = [
        key for name in keys for key in (name, *FOREIGN_NAMES.get(name, ((), ""))[0]) if key in Settings.model_fields
    ]
    ours = ", ".join(dict.fromkeys(_PREFIX + key.upper() for key in here)) or "shown by `adatom settings`"
    return f"{', '.join(theirs)}: variables of quacc, which adatom does not read. Those of adatom: {ours}."


def _refuse_unknown(given: Mapping[str, Any], what: str) -> None:
    from adatom.settings.model import Settings

    for key in given:
        if key not in Settings.model_fields:
            raise _unknown(what, key, Settings.model_fields)


def _unknown(what: str, name: str, valid: Any) -> SettingsError:
    return SettingsError(str(UnknownNameError(what, name, valid)))


def _updated(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    from pydantic import ValidationError

    from adatom.settings.model import Settings

    changes = {key.lower(): value for key, value in changes.items()}
    _refuse_unknown(changes, "setting")
    try:
        return Settings(**{**settings.model_dump(), **changes})
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None


def _explain(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        key = ".".join(str(part) for part in item["loc"])
        lines.append(f"Setting {key!r} is {item['input']!r}: {item['msg']}.")
    lines.append("`adatom settings` shows each value and where it comes from.")
    return " ".join(lines)
