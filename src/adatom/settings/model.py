"""The settings by name, with types, defaults and descriptions."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from platformdirs import user_cache_dir, user_state_path
from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from adatom.settings import EMBEDDED_ENGINE, config_file
from adatom.utils.durations import parse_duration

__all__ = ["Settings"]


class Settings(BaseSettings):
    """All settings of adatom, frozen."""

    model_config = SettingsConfigDict(
        env_prefix="ADATOM_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    workflow_engine: str = Field(
        EMBEDDED_ENGINE, description="Engine that runs jobs: a name that `adatom engines` lists."
    )
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
        None,
        description="Unix group whose members share cache_dir and can read journals, records of batch jobs and their "
        "scripts; unset: only their owner can.",
    )
    key_file: Path | None = Field(
        None,
        description="File with the key that signs what is pickled in the cache and the journal; unset: "
        "`~/.local/state/adatom/pickle.key`, or `.pickle.key` in a directory that cache_group shares.",
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
    interpreters: dict[str, str] = Field(
        {},
        description="Command that starts the Python that a code or a machine-learned potential is installed for, by "
        "the name of its package, such as `/usr/bin/python3`, or the folder of an environment: `~/envs/mace`. A "
        "package without one is imported from this Python.",
    )
    vasp_handlers: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Error handlers of custodian that correct VASP: names of classes, with options as in "
        "`FrozenJobErrorHandler(timeout=3600)`; `recommended` stands for those that the page on VASP lists. In a "
        "variable with commas between them.",
    )
    vasp_validators: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Validators of custodian that look at what VASP has written, in the same form."
    )
    vasp_max_errors: int = Field(5, ge=0, description="Errors that the handlers may correct in one run of VASP.")
    vasp_check_every: float = Field(
        300.0,
        gt=0,
        allow_inf_nan=False,
        description="Time between two looks of the handlers at VASP while it runs, in s or as for `walltime`.",
    )
    models: Path | None = Field(
        None, description="YAML file of further machine-learned potentials, besides those that come with adatom."
    )
    profiles: Annotated[tuple[Path, ...], NoDecode] = Field(
        (),
        description="Files and directories of profiles, read after `~/.config/adatom/profiles` and `adatom.toml`; in a "
        f"variable with `{os.pathsep}` between them.",
    )
    queue_profile: str | None = Field(
        None,
        description="Runner profile of the batch jobs that run the jobs of the queue engine; unset: worker processes "
        "on this machine.",
    )
    queue_dir: Path = Field(
        user_state_path("adatom") / "queue",
        description="Directory of the tasks of the queue engine, which this machine and the nodes share.",
    )
    remote_info: str | None = Field(
        None,
        description="Operations on many structures that go to batch jobs: JSON with a table for each label, whose keys "
        "are those of `RemoteInfo`, or the name of a JSON file. It comes before tables `[remote.LABEL]` of profiles.",
    )
    progress: bool | None = Field(
        None,
        description="Progress line of flows, maps and `adatom convert`, on the standard error; unset: on a terminal.",
    )

    # Settings that are read where a job runs, not where it was submitted. A walltime counts from the start of the
    # process that it is set for: the one of the submitting script says nothing about a worker.
    of_machine: ClassVar[frozenset[str]] = frozenset(
        {"commands", "data_dirs", "interpreters", "mpi", "scratch_dir", "walltime"}
    )

    def __hash__(self) -> int:
        return hash((self.results_dir, self.workflow_engine, self.local_workers))  # enough; equality compares all

    @field_validator("cache", mode="before")
    @classmethod
    def _switched(cls, value: Any) -> Any:
        words = {"true": "on", "1": "on", "yes": "on", "false": "off", "0": "off", "no": "off"}
        word = str(value).lower()
        return words.get(word, word)

    @field_validator("results_dir", "scratch_dir", "cache_dir", "queue_dir", "models")
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

    @field_validator("vasp_handlers", "vasp_validators", mode="before")
    @classmethod
    def _calls(cls, value: Any) -> Any:
        # Options have commas of their own.
        words = re.split(r",(?![^()]*\))", value) if isinstance(value, str) else value
        return [word.strip() if isinstance(word, str) else word for word in words if word != ""]

    @field_validator("walltime", "vasp_check_every", mode="before")
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
