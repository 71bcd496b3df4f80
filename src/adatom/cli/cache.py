"""``adatom cache``: stored results."""

from __future__ import annotations

from typing import Annotated

import typer

from adatom.cli.quantities import parse_age, parse_size

__all__ = ["cache"]

cache = typer.Typer(add_completion=False, rich_markup_mode="markdown")


@cache.callback(invoke_without_command=True)
def show(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False
) -> None:
    """Show how many results are stored, and how large they are; `prune` removes some."""
    if context.invoked_subcommand is not None:
        return
    from adatom.cli.actions.cache import show_cache  # NumPy: too slow for --help

    show_cache(as_json)


@cache.command()
def prune(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="AGE", parser=parse_age, help="Remove what was not used for this long: 12h, 30d, 8w."),
    ] = None,
    larger_than: Annotated[
        int | None,
        typer.Option(
            metavar="SIZE",
            parser=parse_size,
            help="Remove what was not used for longest until this is left: 500MB, 5GB. Without either: cache_size.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and remove only with --yes.")] = False,
) -> None:
    """Remove stored results by age and by size, after showing how many and how large they are."""
    from adatom.cli.actions.cache import prune_cache  # NumPy: too slow for --help

    prune_cache(older_than, larger_than, yes, as_json)
