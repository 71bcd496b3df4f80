"""Script of a batch job."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adatom.errors import InputError
from adatom.machines.model import checked_line, checked_name
from adatom.machines.resources import Resources

__all__ = ["END_MARK", "STDERR", "STDOUT", "THREADS", "BatchJob", "body", "header", "quoted_path", "setup"]

# Suffixes of a job's files: the output of its program, the errors, and the exit status of a program that has ended by
# itself.
STDOUT, STDERR, END_MARK = ".out", ".err", ".end"

# Variables that threaded libraries read. A code that sees none of them takes all cores of the node.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

# Some schedulers read each line of a script that begins with their prefix, also after the first command and between
# quotes. So no text of the user may hold the end of a line as it is.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")  # and what else ends a line for some reader
_EXPANDED = re.compile(r"\$(?![A-Za-z_]|\{[A-Za-z_][A-Za-z0-9_]*\})")


@dataclass(frozen=True)
class BatchJob:
    """Batch job with all that its script contains.

    Attributes
    ----------
    name
        Name of the job and its files, unique in its directory: letters, digits and ``. _ -``.
    work_dir
        Directory that the job runs in: absolute, or below the home on the machine with ``~/``.
    command
        Launch line of the program, one string for each word.
    resources
        Resources that the scheduler is asked for.
    queue, account
        Queue that the job waits in, and account that it is charged to. None: the default of the scheduler.
    modules
        Environment modules to load, one after the other.
    pre_commands
        Lines of shell that run before the program, exactly as given.
    post_commands
        Lines of shell that run after the program, whatever its exit status, which stays that of the batch job. They do
        not run when the batch job is cut.
    environment
        Variables of the program, with literal values.
    shell_environment
        Variables of the program, with values in which the shell on the node expands ``$NAME`` and ``${NAME}``.
    directives
        Further directives, without the scheduler's prefix.
    options
        Options that only this scheduler knows, of its `options_type`. None: the defaults.

    Raises
    ------
    InputError
        A text would be more than its place in a script allows, such as two lines of shell.
    """

    name: str
    work_dir: Path
    command: Sequence[str]
    resources: Resources
    queue: str | None = None
    account: str | None = None
    modules: Sequence[str] = ()
    pre_commands: Sequence[str] = ()
    post_commands: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    shell_environment: Mapping[str, str] = field(default_factory=dict)
    directives: Sequence[str] = ()
    options: Any = None

    def __post_init__(self) -> None:
        checked_name(self.name)
        for place, text in self._lines():
            try:
                checked_line(text)
            except ValueError as error:
                raise InputError(f"{place} is {text!r}: {error}.") from None
        for name, value in (*self.environment.items(), *self.shell_environment.items()):
            if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name):
                raise InputError(f"{name!r} is no name of an environment variable: give letters, digits and _")
            if "\0" in value:
                raise InputError(f"The variable {name} is {value!r}, and no program can be given a zero byte.")
        for name, value in self.shell_environment.items():
            if _EXPANDED.search(value):
                raise InputError(
                    f"shell_environment.{name} is {value!r}, and only $NAME and ${{NAME}} are expanded there. Give a "
                    "literal value in environment, and what a command computes in pre_commands."
                )

    def _lines(self) -> Iterator[tuple[str, str]]:
        for place in ("modules", "pre_commands", "post_commands", "directives"):
            for text in getattr(self, place):
                yield f"One of {place}", text

    @property
    def stdout(self) -> str:
        """Name of the file in `work_dir` for the output of the program."""
        return self.name + STDOUT

    @property
    def stderr(self) -> str:
        """Name of the file in `work_dir` for the errors of the program."""
        return self.name + STDERR

    @property
    def end_mark(self) -> str:
        """Name of the file in `work_dir` for the exit status of a program that has ended by itself."""
        return self.name + END_MARK


def header(prefix: str, directives: Sequence[str]) -> list[str]:
    """Return the lines of a script that a scheduler reads.

    Parameters
    ----------
    prefix
        Text that each directive begins with.
    directives
        Directives without the prefix.

    Raises
    ------
    InputError
        A directive is more than one line, so that the scheduler would read directives that nobody gave.
    """
    for directive in directives:
        try:
            checked_line(directive)
        except ValueError as error:
            raise InputError(f"The directive {directive!r} cannot be given to a scheduler: {error}.") from None
    return [f"{prefix} {directive}" for directive in directives]


def body(job: BatchJob) -> str:
    """Return a script after its directives. All of it but the user's lines of shell and `shell_environment` is quoted.

    Parameters
    ----------
    job
        Batch job that the script runs.
    """
    lines = [
        f"cd {quoted_path(job.work_dir)} || exit 1",
        f"rm -f {job.end_mark}",
        *setup(job),
        "",
        " ".join(map(_quoted, job.command)),
        "status=$?",
        *(["(", *job.post_commands, ")"] if job.post_commands else []),  # of which none is to end the script
        # This file, too, tells that the program has ended: not every scheduler does so when asked late.
        f'echo "$status" > {job.end_mark}.part && mv {job.end_mark}.part {job.end_mark}',
        'exit "$status"',
    ]
    return "\n".join(lines) + "\n"


def setup(job: BatchJob) -> list[str]:
    """Return the lines of a script between its directives and the program.

    Parameters
    ----------
    job
        Batch job that the script runs.
    """
    threads = dict.fromkeys(THREADS, str(job.resources.threads_per_rank))
    return [
        *(_or_fail(f"module load {shlex.quote(module)}") for module in job.modules),
        *map(_or_fail, job.pre_commands),
        *(f"export {name}={_quoted(value)}" for name, value in {**threads, **job.environment}.items()),
        *(f"export {name}={_expanding(value)}" for name, value in job.shell_environment.items()),
    ]


def quoted_path(path: Path) -> str:
    """Quote a path for bash, which expands ``~/`` at its beginning.

    Parameters
    ----------
    path
        Path on the machine that bash runs on.
    """
    text = str(path)
    return f"~/{_quoted(text[2:])}" if text.startswith("~/") else _quoted(text)


def _quoted(text: str) -> str:
    """Quote a text for bash as one word, and as one line whatever is in it."""
    if not _CONTROL.search(text):
        return shlex.quote(text)
    return "$'" + _CONTROL.sub(_escaped, text.replace("\\", "\\\\").replace("'", "\\'")) + "'"


def _escaped(found: re.Match[str]) -> str:
    return "".join(f"\\{byte:03o}" for byte in found[0].encode())


def _or_fail(line: str) -> str:
    """Return a line of shell that ends the script if it fails. Variables that it sets stay set."""
    failed = shlex.quote(f"adatom: this failed: {line}")
    return f"{{ {line}\n}} || {{ echo {failed} >&2; exit 1; }}"


def _expanding(value: str) -> str:
    """Return a value in double quotes, in which only ``$`` is special, as one line."""
    quoted = '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`") + '"'
    return _CONTROL.sub(lambda found: f"\"$'{_escaped(found)}'\"", quoted)
