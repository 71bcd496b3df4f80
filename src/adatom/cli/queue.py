"""``adatom queue``: the jobs of the queue engine, and the batch jobs that do them."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.quantities import parse_age

__all__ = ["queue"]

queue = typer.Typer(rich_markup_mode="markdown", add_completion=False)

_ID = "The name of a job as `ls` shows it, or an unambiguous part of it."
_Ids = Annotated[list[str], typer.Argument(metavar="ID...", help=_ID)]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, not text.")]


@queue.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Jobs of the queue engine, and the batch jobs that do them: list, explain, wait for, cancel."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@queue.command()
def ls(as_json: _Json = False) -> None:
    """List the jobs that wait, run, or were not gathered yet, and the batch jobs.

    Of jobs on a host, it says how they were when it was last asked: `sync` asks.
    """
    from adatom.cli.actions.queue.listing import list_tasks

    list_tasks(as_json)


@queue.command()
def show(job: _Ids, as_json: _Json = False) -> None:
    """Show all that is known of jobs."""
    from adatom.cli.actions.queue.show import show_tasks

    show_tasks(job, as_json)


@queue.command()
def logs(job: _Ids, as_json: _Json = False) -> None:
    """Show the end of what the batch jobs of jobs printed."""
    from adatom.cli.actions.queue.logs import print_logs

    print_logs(job, as_json)


@queue.command()
def why(job: _Ids, as_json: _Json = False) -> None:
    """Say why jobs wait, or failed."""
    from adatom.cli.actions.queue.why import explain_tasks

    explain_tasks(job, as_json)


@queue.command()
def check(
    profile: Annotated[str, typer.Argument(help="The name of a runner profile.")],
    as_json: _Json = False,
) -> None:
    """Check a machine and the Python of its workers, and run one job there.

    The exit status is 1 if something is wrong.
    """
    from adatom.cli.actions.queue.check import check_profile

    check_profile(profile, as_json)


@queue.command()
def sync(as_json: _Json = False) -> None:
    """Send jobs to their hosts, and bring answers from there.

    The exit status is 1 if a host does not answer.
    """
    from adatom.cli.actions.queue.sync import sync_spools

    sync_spools(as_json)


@queue.command()
def attach(
    name: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUEUE]...", help="Names of queues as `ls` shows them, or parts of them. Unset: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each change.")] = False,
) -> None:
    """Wait until all jobs are done, and count them meanwhile.

    It submits no batch jobs: without one, and without a script that submits some, it ends with an error.
    """
    from adatom.cli.actions.queue.attach import attach as wait

    wait(name or [], as_json)


@queue.command()
def cancel(
    job: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help=f"{_ID} Unset: all jobs, with their batch jobs.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Cancel jobs that wait or run.

    Without an ID, all batch jobs end, too.
    """
    from adatom.cli.actions.queue.cancel import cancel_all, cancel_some

    cancel_some(job, as_json) if job else cancel_all(as_json)


@queue.command()
def retry(job: _Ids, as_json: _Json = False) -> None:
    """Remove the failures of jobs, so that the next run of their script does them again."""
    from adatom.cli.actions.queue.retry import retry_tasks

    retry_tasks(job, as_json)


@queue.command()
def rm(
    job: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help=f"{_ID} Unset: by age.")] = None,
    older_than: Annotated[
        float | None,
        typer.Option(metavar="AGE", parser=parse_age, help="Only answers that are there for this long: 12h, 30d, 8w."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and remove only with --yes.")] = False,
) -> None:
    """Remove answers that no script has gathered, after showing whose they are."""
    from adatom.cli.actions.queue.remove import remove_answers

    remove_answers(job or [], older_than, yes, as_json)
