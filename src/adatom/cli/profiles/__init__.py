"""``adatom profiles``: profiles of commands and machines, and batch jobs that are made of them."""

from __future__ import annotations

import typer

from adatom.cli.group import Entry, LateGroup

__all__ = ["profiles"]


class _Commands(LateGroup):
    entries = (
        Entry(
            "list",
            "adatom.cli.profiles.listing:list_profiles",
            "List the profiles that are found, and where they are looked for.",
        ),
        Entry("show", "adatom.cli.profiles.listing:show", "Print all that a profile says, its defaults too, as JSON."),
        Entry(
            "check",
            "adatom.cli.profiles.check:check",
            "See whether what a machine's profile names is there: scheduler, queues, modules, executables.",
        ),
        Entry(
            "render",
            "adatom.cli.profiles.run:render",
            "Print the script that would be submitted, and do nothing else.",
        ),
        Entry("submit", "adatom.cli.profiles.run:submit", "Submit a command, print the job's id, and do not wait."),
        Entry(
            "status",
            "adatom.cli.profiles.jobs:status",
            "Show where the batch jobs in a directory are; one question to each scheduler.",
        ),
        Entry(
            "attach",
            "adatom.cli.profiles.jobs:attach",
            "Wait for batch jobs, and tell how each ended. The exit status is 1 if one did not succeed.",
        ),
        Entry("cancel", "adatom.cli.profiles.jobs:cancel", "Cancel batch jobs that wait or run in a directory."),
        Entry(
            "import",
            "adatom.cli.profiles.importing:import_profiles",
            "Print the blocks that a Prefect server keeps as profiles in TOML.",
        ),
    )


profiles = typer.Typer(cls=_Commands, rich_markup_mode="markdown", add_completion=False)


@profiles.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Profiles of commands and machines, and batch jobs: check, render, submit, follow."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
