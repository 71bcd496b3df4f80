"""HPC-Prefect's blocks and functions: profiles that a Prefect server keeps.

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

# Its words for ours, in profiles and in what may be said anew for one call.
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
    """WHAT to run.

    Attributes
    ----------
    command_name
        What it is called.
    executable_key
        The key of the program in a machine's `executable_map`.
    description
        For people.
    default_args
        Arguments that it always has.
    """

    _block_type_name = "adatom command"

    command_name: str
    executable_key: str
    description: str = ""
    default_args: list[str] = Field(default_factory=list)

    def profile(self) -> Command:
        """The same as a profile."""
        return Command(
            name=self.command_name,
            executable=self.executable_key,
            arguments=tuple(self.default_args),
            description=self.description,
        )


class ExecutionProfileBlock(Block):
    """HOW to run it.

    Attributes
    ----------
    profile_name
        What it is called.
    command_name
        The command that it is made for.
    resource_class
        ``"cpu"`` or ``"gpu"``: picks the machine's queue and project.
    num_nodes
        How many nodes.
    mpiprocs
        MPI processes on each.
    ompthreads
        Threads of each of these; None: one.
    walltime
        How long it may take, as ``HH:MM:SS`` or as in `adatom.machines.Resources`.
    launcher, mpi_options
        What starts the processes, and more for it.
    modules, pre_commands, environments
        What is loaded, run and set before.
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
        """The same as a profile."""
        said = {ours: getattr(self, theirs) for theirs, ours in _WORDS.items()}
        known = {key: value for key, value in said.items() if value is not None}
        return ExecutionProfile(
            name=self.profile_name, command=self.command_name, resource_class=self.resource_class, **known
        )


class HPCProfileBlock(Block):
    """WHERE to run it.

    Attributes
    ----------
    hpc_target
        The machine: one of ``adatom.machines.examples``.
    queue_cpu, queue_gpu, project_cpu, project_gpu
        Where its jobs go, and on whose account, by resource class.
    executable_map
        Paths of programs by key.
    """

    _block_type_name = "adatom HPC profile"

    hpc_target: str
    queue_cpu: str | None = None
    queue_gpu: str | None = None
    project_cpu: str | None = None
    project_gpu: str | None = None
    executable_map: dict[str, str] = Field(default_factory=dict)

    def profile(self, name: str | None = None) -> HPCProfile:
        """The same as a profile.

        Parameters
        ----------
        name
            What to call it; None: as its target.
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
    """The name of a script, with the ending that a machine's scheduler has.

    Parameters
    ----------
    stem
        The name; an ending that another scheduler has is replaced.
    target
        The machine, as in `HPCProfileBlock`.

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
        What to run, how and where: the names that the blocks were saved under.
    work_dir
        Where it runs; it is made if it is not there.
    script_filename
        How the names of the script and of the job begin: what is unique about a job is put before the ending.
    user_args
        Arguments after those of the command.
    execution_profile_overrides
        Other values for this call: `num_nodes`, `mpiprocs`, `ompthreads`, `walltime`, `launcher`, `mpi_options`,
        `modules`, `pre_commands`, `environments`.
    check
        Whether anything but success is an error.

    Returns
    -------
    BatchResult
        The job.

    Raises
    ------
    InputError
        A block does not exist, or does not fit the others.
    SchedulerError
        The scheduler refuses the job, or has not answered for ten minutes.
    BatchJobError
        The job did not succeed; ``.result`` says all.
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
    except ValueError as error:  # what Prefect makes of a block that is not there
        async with get_client() as client:
            known = [block.name for block in await _documents(client, kind)]
        raise UnknownNameError(kind.__name__, name, filter(None, known)) from error


async def _documents(client: Any, kind: type[Block]) -> list[Any]:
    try:
        return list(await client.read_block_documents_by_type(kind.get_block_type_slug()))
    except ObjectNotFound:  # nobody has registered it
        return []


async def profiles_from_blocks() -> Profiles:
    """The profiles of all blocks of these kinds that the Prefect server keeps.

    Returns
    -------
    Profiles
        Machines are named as their blocks are; commands and execution profiles as these say themselves.
    """
    async with get_client() as client:
        commands, executions, machines = [await _documents(client, kind) for kind in _BLOCKS]
        return Profiles(
            [CommandBlock._from_block_document(document).profile() for document in commands],
            [ExecutionProfileBlock._from_block_document(document).profile() for document in executions],
            [HPCProfileBlock._from_block_document(document).profile(document.name) for document in machines],
        )


async def blocks_as_toml() -> str:
    """The same as the text of a file that `load_profiles` reads."""
    return tomli_w.dumps(table_of(await profiles_from_blocks()))
