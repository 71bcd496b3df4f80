"""Settings of adatom, and the one place that reads the environment for them.

A setting takes the first value that one of these has, in order: ``change_settings``, the environment variable
``ADATOM_<KEY>``, the file named by ``ADATOM_CONFIG_FILE`` (default ``~/.adatom.toml``), the default below. The
environment and the file are read once, at first use.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from platformdirs import user_cache_dir
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from adatom.errors import SettingsError, UnknownNameError
from adatom.utils.durations import parse_duration

__all__ = ["Settings", "change_settings", "get_settings", "setting_sources"]

_PREFIX = "ADATOM_"
_CONFIG_FILE = _PREFIX + "CONFIG_FILE"


def config_file() -> Path:
    """Return the path of the settings file, which need not exist."""
    return Path(os.environ.get(_CONFIG_FILE) or "~/.adatom.toml").expanduser()


class Settings(BaseSettings):
    """All settings of adatom, frozen."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    workflow_engine: str = Field("local", description="Engine that runs jobs: a name that `adatom engines` lists.")
    results_dir: Path = Field(Path("adatom_results"), description="Directory that holds the run directories.")
    scratch_dir: Path | None = Field(
        None,
        description="Fast disk of the machine that runs a job; the files move to results_dir at the end.",
    )
    gzip: bool = Field(False, description="Compress the files of a finished run, except trajectories (.traj).")
    local_workers: int = Field(
        1,
        ge=1,
        description="Worker processes of the local engine (1: jobs run in this process) and of an engine that adatom "
        "starts.",
    )
    num_python_subprocesses: int | None = Field(
        None,
        ge=1,
        description="Worker processes of an operation on many structures; unset: those of the engine.",
    )
    cache: Literal["off", "on", "inputs", "inputs+source"] = Field(
        "off",
        description="Reuse the result of an earlier job: never (off), of one with the same inputs (inputs), or of one "
        "with the same inputs and source (on, inputs+source).",
    )
    cache_dir: Path = Field(
        Path(user_cache_dir("adatom")), description="Directory of the results that the cache stores."
    )
    cache_group: str | None = Field(
        None, description="Unix group whose members share cache_dir; unset: only its owner may write there."
    )
    cache_size: int | None = Field(
        None,
        ge=1,
        description="Largest size of cache_dir in MB; the results unused for longest are removed. Unset: no limit.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "WARNING", description="Least severe log record that is kept with a job."
    )
    walltime: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Time that this process may run from its start, in s or as `HH:MM:SS`, `D-HH:MM:SS`, `90m`, `2h`; "
        "iterative jobs stop before its end.",
    )
    mpi: str = Field(
        "",
        description="Command that starts an MPI program inside a job, such as `mpirun -np 4`; unset: one rank, unless "
        "the job asks for more. The runner of a profile sets it.",
    )
    commands: dict[str, str] = Field(
        {},
        description="Command that starts the main program of a code, by code; its other programs are in the same "
        "directory. A code without a command is looked for on the `PATH`. ASE's configuration comes first.",
    )
    data_dirs: dict[str, str] = Field(
        {},
        description="Directory of a code's data files, such as pseudopotentials or basis sets, by code. ASE's "
        "configuration comes first.",
    )
    models: Path | None = Field(
        None, description="YAML file of further machine-learned potentials, besides those that come with adatom."
    )
    profiles: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Files and directories of profiles, read after `~/.config/adatom/profiles` and `adatom.toml`; in a "
        f"variable with `{os.pathsep}` between them.",
    )
    progress: bool | None = Field(
        None, description="Progress line of `adatom run` and `convert`; unset: on a terminal."
    )

    # Settings that are read where a job runs, not where it was submitted. A walltime counts from the start of the
    # process that it is set for: the one of the submitting script says nothing about a worker.
    of_machine: ClassVar[frozenset[str]] = frozenset({"commands", "data_dirs", "mpi", "scratch_dir", "walltime"})

    def __hash__(self) -> int:
        return hash((self.results_dir, self.workflow_engine, self.local_workers))  # enough; equality compares all

    @field_validator("cache", mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        words = {"true": "on", "1": "on", "yes": "on", "false": "off", "0": "off", "no": "off"}
        word = str(value).lower()
        return words.get(word, word)

    @field_validator("results_dir", "scratch_dir", "cache_dir", "models")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        try:
            return None if path is None else Path(os.path.abspath(path.expanduser()))
        except RuntimeError as error:  # ~user of a user who does not exist
            raise ValueError(error) from None

    @field_validator("profiles", mode="before")
    @classmethod
    def _places(cls, value: Any) -> Any:
        places = value.split(os.pathsep) if isinstance(value, str) else value
        return [os.path.abspath(os.path.expanduser(place)) for place in places if str(place)]

    @field_validator("walltime", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        return parse_duration(value) if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(  # noqa: D102  # pydantic-settings documents it
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if settings_cls.model_fields.keys() <= init_settings().keys():  # a changed copy has all values
            return (init_settings,)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


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
    import tomllib

    file = config_file()
    if not file.exists():
        return {}
    try:
        return tomllib.loads(file.read_text())
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"The settings file {file} cannot be read: {error}.") from error


def _refuse_unknown_variables() -> None:
    known = {_PREFIX + key.upper() for key in Settings.model_fields}
    tables = tuple(f"{_PREFIX}{key.upper()}__" for key in ("commands", "data_dirs"))
    for name in os.environ:
        if name.upper().startswith(_PREFIX) and name.upper() != _CONFIG_FILE:
            if name.upper() not in known and not name.upper().startswith(tables):
                raise _unknown("environment variable", name, known | {_CONFIG_FILE})


def _refuse_unknown(given: Mapping[str, Any], what: str) -> None:
    for key in given:
        if key not in Settings.model_fields:
            raise _unknown(what, key, Settings.model_fields)


def _unknown(what: str, name: str, valid: Any) -> SettingsError:
    return SettingsError(str(UnknownNameError(what, name, valid)))


def _updated(settings: Settings, changes: Mapping[str, Any]) -> Settings:
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
