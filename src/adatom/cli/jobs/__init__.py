"""``adatom jobs``: the jobs of each run, as the journal knows them."""

from __future__ import annotations

import typer

from adatom.cli.group import Entry, LateGroup

__all__ = ["jobs"]


class _Commands(LateGroup):
    entries = (
        Entry("list", "adatom.cli.jobs.listing:list_jobs", "List jobs, newest last, and count them by state."),
        Entry(
            "show",
            "adatom.cli.jobs.show:show",
            "Show all that is known of jobs, why they failed, and the end of their logs.",
        ),
        Entry("failed", "adatom.cli.jobs.failed:failed", "Show what failed, was lost or was skipped, by cause."),
        Entry("retry", "adatom.cli.jobs.retry:retry", "Run failed and lost jobs again, with the inputs that they had."),
        Entry(
            "clean",
            "adatom.cli.jobs.clean:clean",
            "Remove the directories of jobs, after showing which and how large they are.",
        ),
        Entry(
            "watch",
            "adatom.cli.jobs.watch:watch",
            "Count the jobs of the runs that are not finished, every second, until all have ended.",
        ),
        Entry(
            "explain",
            "adatom.cli.jobs.explain:explain",
            "Say whether a job would be answered from the cache and, if not, what differs from the nearest result in "
            "it.",
        ),
    )


jobs = typer.Typer(cls=_Commands, rich_markup_mode="markdown", add_completion=False)


@jobs.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Jobs that were run with this results_dir: list, explain, run again, clean up."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
