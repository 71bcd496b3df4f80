"""The blocks and functions of HPC-Prefect: profiles that a Prefect server keeps.

Register them with ``prefect block register -m adatom.engines.clusters.prefect_blocks``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.machines.command import run_command_async
from adatom.machines.examples import example, example_names
from adatom.machines.profiles.collection import Profiles
from adatom.machines.profiles.command import Command
from adatom.machines.profiles.execution import ExecutionProfile
from adatom.machines.profiles.files import table_of
from adatom.machines.profiles.machine import HPCProfile
from adatom.machines.result import BatchResult
from adatom.machines.schedulers.base import scheduler, scheduler_names

try:
    import tomli_w
    from prefect import get_client
    from prefect.blocks.core import Block
    from prefect.exceptions import ObjectNotFound
    from pydantic import Field
except ImportError as error:
    raise MissingExtraError("prefect", "prefect") from error

__all__ = [
    "CommandBlock",
    "ExecutionProfileBlock",
    "HPCProfileBlock",
    "blocks_as_toml",
    "build_scheduler_script_filename",
    "profiles_from_blocks",
    "run_job_from_blocks",
]

# Words of HPC-Prefect with ours, for profiles and for the values that one call may override.
_WORDS = {
    "num_nodes": "nodes",
    "mpiprocs": "ranks_per_node",
    "ompthreads": "threads_per_rank",
    "walltime": "walltime",
    "launcher": "launcher",
    "mpi_options": "launcher_options",
    "modules": "modules",
    "pre_commands": "pre_commands",
    "environments": "environment",
}


class CommandBlock(Block):
    """Command to run in a batch job.

    Attributes
    ----------
    command_name
        Name of the command, for execution profiles.
    executable_key
        Key of the program in the `executable_map` of a machine.
    description
        Text about the command, for people.
    default_args
        Arguments that each call of the program has.
    """

    _block_type_name = "adatom command"

    command_name: str
    executable_key: str
    description: str = ""
    default_args: list[str] = Field(default_factory=list)

    def profile(self) -> Command:
        """Return the same data as a profile of adatom."""
        return Command(
            name=self.command_name,
            executable=self.executable_key,
            arguments=tuple(self.default_args),
            description=self.description,
        )


class ExecutionProfileBlock(Block):
    """Resources and environment that a command runs with.

    Attributes
    ----------
    profile_name
        Name of the execution profile.
    command_name
        Name of the command that the profile is made for.
    resource_class
        ``"cpu"`` or ``"gpu"``: selects the queue and project of the machine.
    num_nodes
        Number of nodes of a batch job.
    mpiprocs
        Number of MPI processes on each node.
    ompthreads
        Number of threads of each MPI process; None: one.
    walltime
        Longest time that the command may take, as ``HH:MM:SS`` or as in `adatom.machines.Resources`.
    launcher, mpi_options
        Program that starts the MPI processes, and further options for it.
    modules, pre_commands, environments
        Modules to load, commands to run and environment variables to set before the command.
    """

    _block_type_name = "adatom execution profile"

    profile_name: str
    command_name: str
    resource_class: Literal["cpu", "gpu"] = "cpu"
    num_nodes: int = 1
    mpiprocs: int = 1
    ompthreads: int | None = None
    walltime: str | None = None
    launcher: str = "single"
    mpi_options: list[str] = Field(default_factory=list)
    modules: list[str] = Field(default_factory=list)
    pre_commands: list[str] = Field(default_factory=list)
    environments: dict[str, str] = Field(default_factory=dict)

    def profile(self) -> ExecutionProfile:
        """Return the same data as a profile of adatom."""
        said = {ours: getattr(self, theirs) for theirs, ours in _WORDS.items()}
        known = {key: value for key, value in said.items() if value is not None}
        return ExecutionProfile(
            name=self.profile_name, command=self.command_name, resource_class=self.resource_class, **known
        )


class HPCProfileBlock(Block):
    """Machine that a command runs on.

    Attributes
    ----------
    hpc_target
        Name of the machine: one of ``adatom.machines.examples``.
    queue_cpu, queue_gpu, project_cpu, project_gpu
        Queue and project (account) of batch jobs, by resource class; None: the scheduler's default.
    executable_map
        Paths of programs by the `executable_key` of commands.
    """

    _block_type_name = "adatom HPC profile"

    hpc_target: str
    queue_cpu: str | None = None
    queue_gpu: str | None = None
    project_cpu: str | None = None
    project_gpu: str | None = None
    executable_map: dict[str, str] = Field(default_factory=dict)

    def profile(self, name: str | None = None) -> HPCProfile:
        """Return the same data as a profile of adatom.

        Parameters
        ----------
        name
            Name of the profile; None: that of its target.
        """
        target = _target(self.hpc_target)
        queues = {"cpu": self.queue_cpu, "gpu": self.queue_gpu}
        accounts = {"cpu": self.project_cpu, "gpu": self.project_gpu}
        said = {
            "name": name or target.name,
            "queues": {key: queue for key, queue in queues.items() if queue},
            "accounts": {key: account for key, account in accounts.items() if account},
            "executables": self.executable_map,
        }
        return HPCProfile(**{**{key: getattr(target, key) for key in HPCProfile.model_fields}, **said})


_BLOCKS: tuple[type[Block], ...] = (CommandBlock, ExecutionProfileBlock, HPCProfileBlock)


def _target(name: str) -> HPCProfile:
    if name not in example_names():
        raise UnknownNameError("hpc_target", name, example_names())
    return example(name)


def build_scheduler_script_filename(stem: str, target: str) -> str:
    """Return the name of a script with the ending that the scheduler of a machine wants.

    Parameters
    ----------
    stem
        Name of the script; an ending of any scheduler is replaced.
    target
        Name of the machine, as in `hpc_target` of `HPCProfileBlock`.

    Raises
    ------
    UnknownNameError
        There is no such target.
    """
    suffix = scheduler(_target(target).scheduler).suffix
    known = sorted({scheduler(name).suffix for name in scheduler_names()})
    for ending in known:
        stem = stem.removesuffix(ending)
    return stem + suffix


async def run_job_from_blocks(
    *,
    command_block_name: str,
    execution_profile_block_name: str,
    hpc_profile_block_name: str,
    work_dir: Path | str,
    script_filename: str,
    user_args: Sequence[Any] = (),
    execution_profile_overrides: Mapping[str, Any] | None = None,
    check: bool = True,
) -> BatchResult:
    """Run a command as a batch job, by three blocks of the Prefect server.

    Parameters
    ----------
    command_block_name, execution_profile_block_name, hpc_profile_block_name
        Names that the blocks of the command, its resources and the machine were saved under.
    work_dir
        Directory that the command runs in; it is made if it does not exist.
    script_filename
        Name of the script, with the ending of the scheduler; a part that is unique to the batch job is put before the
        ending. The name of the batch job begins in the same way.
    user_args
        Arguments after the `default_args` of the command.
    execution_profile_overrides
        Other values for this call, by name: `num_nodes`, `mpiprocs`, `ompthreads`, `walltime`, `launcher`,
        `mpi_options`, `modules`, `pre_commands`, `environments`.
    check
        Whether to raise if the batch job did not succeed.

    Returns
    -------
    BatchResult
        Record of the batch job and its outcome.

    Raises
    ------
    InputError
        A block does not exist, or does not fit the others.
    SchedulerError
        The scheduler refuses the batch job, or has not answered for ten minutes.
    BatchJobError
        The batch job did not succeed; ``.result`` is its record.
    """
    overrides = {}
    for word, value in (execution_profile_overrides or {}).items():
        if word not in _WORDS:
            raise UnknownNameError("override of an execution profile", word, _WORDS)
        overrides[_WORDS[word]] = value
    command = await _load(CommandBlock, command_block_name)
    execution = await _load(ExecutionProfileBlock, execution_profile_block_name)
    machine = await _load(HPCProfileBlock, hpc_profile_block_name)
    suffix = scheduler(_target(machine.hpc_target).scheduler).suffix
    if not script_filename.endswith(suffix):
        right = build_scheduler_script_filename(script_filename, machine.hpc_target)
        raise InputError(f"script_filename is {script_filename!r}, and {machine.hpc_target} wants {right!r}.")
    result = await run_command_async(
        command.profile(),
        execution.profile(),
        machine.profile(hpc_profile_block_name),
        work_dir,
        user_args,
        name=script_filename.removesuffix(suffix),
        check=check,
        **overrides,
    )
    assert isinstance(result, BatchResult)
    return result


async def _load(kind: type[Any], name: str) -> Any:
    try:
        return await kind.aload(name)
    except ValueError as error:  # Prefect raises this for a block that does not exist
        async with get_client() as client:
            known = [block.name for block in await _documents(client, kind)]
        raise UnknownNameError(kind.__name__, name, filter(None, known)) from error


async def _documents(client: Any, kind: type[Block]) -> list[Any]:
    try:
        return list(await client.read_block_documents_by_type(kind.get_block_type_slug()))
    except ObjectNotFound:  # nobody has registered it
        return []


async def profiles_from_blocks() -> Profiles:
    """Return the profiles of all blocks of these kinds that the Prefect server keeps.

    Returns
    -------
    Profiles
        Profiles by name. That of a machine is the name of its block; commands and execution profiles carry their own.
    """
    async with get_client() as client:
        commands, executions, machines = [await _documents(client, kind) for kind in _BLOCKS]
        return Profiles(
            [CommandBlock._from_block_document(document).profile() for document in commands],
            [ExecutionProfileBlock._from_block_document(document).profile() for document in executions],
            [HPCProfileBlock._from_block_document(document).profile(document.name) for document in machines],
        )


async def blocks_as_toml() -> str:
    """Return these profiles as the text of a file that `load_profiles` reads."""
    return tomli_w.dumps(table_of(await profiles_from_blocks()))
