"""``adatom cache``: stored results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from adatom.cli.quantities import parse_age, parse_size
from adatom.errors import InputError
from adatom.settings import get_settings

__all__ = ["cache"]

_MB = 10**6

cache = typer.Typer(rich_markup_mode="markdown")


@cache.callback(invoke_without_command=True)
def show(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False
) -> None:
    """Show how many results are stored, and how large they are; `prune` removes some."""
    if context.invoked_subcommand is not None:
        return
    from contextlib import closing

    from adatom.cache.index import Index
    from adatom.cache.store import open_store
    from adatom.cli.quantities import show_count, show_size
    from adatom.cli.tables import print_json, print_table, print_text

    store, limit, usage = open_store(), _limit(), {}
    if store.directory.is_dir():
        with closing(Index(store)) as index:
            usage = index.usage()
    count, size = sum(use.count for use in usage.values()), sum(use.size for use in usage.values())
    if as_json:
        recipes = {recipe: asdict(use) for recipe, use in usage.items()}
        print_json({"directory": store.directory, "count": count, "size": size, "limit": limit, "recipes": recipes})
        return
    if usage:
        print_table(
            ("recipe", "results", "size"),
            [(recipe or "(damaged)", str(use.count), show_size(use.size)) for recipe, use in usage.items()],
            right=("results", "size"),
        )
    allowed = "without a limit: set ADATOM_CACHE_SIZE" if limit is None else f"of {show_size(limit)} at most"
    print_text(f"{show_count(count, 'result', 'results')}, {show_size(size)}, in {store.directory}, {allowed}")


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
    from adatom.cache.index import prune
    from adatom.cache.store import open_store
    from adatom.cli.confirm import confirm
    from adatom.cli.quantities import show_count, show_size
    from adatom.cli.tables import print_json, print_text

    if older_than is None and larger_than is None:
        larger_than = _limit()
        if larger_than is None:
            raise InputError("Say what to remove: --older-than 30d, --larger-than 5GB, or both.")
    store = open_store()
    found = prune(store, older_than, larger_than, dry_run=True)
    if not as_json:
        print_text(f"{show_count(found.count, 'result', 'results')}, {show_size(found.size)}, in {store.directory}")
        if found.count and not yes:
            confirm("Remove them?")
    removed = yes or not as_json
    if removed:
        found = prune(store, older_than, larger_than)
    if as_json:
        print_json({"directory": store.directory, **asdict(found), "removed": removed})
    else:
        done = f"Removed {show_count(found.count, 'result', 'results')}."
        print_text(done if found.count else "There is nothing to remove.")


def _limit() -> int | None:
    limit = get_settings().cache_size
    return None if limit is None else limit * _MB
