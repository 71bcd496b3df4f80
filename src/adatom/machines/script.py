"""The script of a batch job."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adatom.machines.resources import Resources

__all__ = ["END_MARK", "STDERR", "STDOUT", "THREADS", "BatchJob", "body", "quoted_path", "setup"]

# Files of a job, after its name: what the program prints, its errors, and its exit status once it has ended by itself.
STDOUT, STDERR, END_MARK = ".out", ".err", ".end"

# What the libraries read that make threads. A code that sees none of them takes all cores of the node.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class BatchJob:
    """All that a script says.

    Attributes
    ----------
    name
        Of the job, of its files, and unique in its directory: letters, digits and ``. _ -``.
    work_dir
        Where it runs: absolute, or with a ``~/`` of the home there.
    command
        The launch line, one string for each word of it.
    resources
        What the scheduler is asked for.
    queue, account
        Where, and on whose account; None: as the scheduler has it.
    modules
        Loaded one after the other.
    pre_commands
        Lines of shell that are run before, as they are.
    environment
        Variables of the program, with these very values.
    shell_environment
        Variables in whose values ``$NAME`` stands for what it is on the node.
    directives
        Directives that no field stands for, without the scheduler's prefix.
    options
        What only this scheduler knows.
    """

    name: str
    work_dir: Path
    command: Sequence[str]
    resources: Resources
    queue: str | None = None
    account: str | None = None
    modules: Sequence[str] = ()
    pre_commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    shell_environment: Mapping[str, str] = field(default_factory=dict)
    directives: Sequence[str] = ()
    options: Any = None

    @property
    def stdout(self) -> str:
        """The file in `work_dir` that the program's output goes to."""
        return self.name + STDOUT

    @property
    def stderr(self) -> str:
        """The file in `work_dir` that its errors go to."""
        return self.name + STDERR

    @property
    def end_mark(self) -> str:
        """The file in `work_dir` that has the program's exit status once it has ended by itself."""
        return self.name + END_MARK


def body(job: BatchJob) -> str:
    """A script after its directives: all but `pre_commands` and `shell_environment` is quoted.

    Parameters
    ----------
    job
        The job.
    """
    lines = [
        f"cd {quoted_path(job.work_dir)} || exit 1",
        f"rm -f {job.end_mark}",
        *setup(job),
        "",
        shlex.join(job.command),
        "status=$?",
        # Whether the program came to an end is told by this file too: not every scheduler says so when asked late.
        f'echo "$status" > {job.end_mark}.part && mv {job.end_mark}.part {job.end_mark}',
        'exit "$status"',
    ]
    return "\n".join(lines) + "\n"


def setup(job: BatchJob) -> list[str]:
    """The lines of a script that come before the program.

    Parameters
    ----------
    job
        The job.
    """
    threads = dict.fromkeys(THREADS, str(job.resources.threads_per_rank))
    return [
        *(_or_fail(f"module load {shlex.quote(module)}") for module in job.modules),
        *map(_or_fail, job.pre_commands),
        *(f"export {name}={shlex.quote(value)}" for name, value in {**threads, **job.environment}.items()),
        *(f"export {name}={_expanding(value)}" for name, value in job.shell_environment.items()),
    ]


def quoted_path(path: Path) -> str:
    """A path for bash, which puts its own home in the place of a ``~/``.

    Parameters
    ----------
    path
        The path.
    """
    text = str(path)
    return f"~/{shlex.quote(text[2:])}" if text.startswith("~/") else shlex.quote(text)


def _or_fail(line: str) -> str:
    """A line of shell that ends the script if it fails; what it sets stays set."""
    failed = shlex.quote(f"adatom: this failed: {line}")
    return f"{{ {line}\n}} || {{ echo {failed} >&2; exit 1; }}"


def _expanding(value: str) -> str:
    """In double quotes, with nothing special in it but ``$``."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'
