"""Bodies of ``adatom cache`` and ``adatom cache prune``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict

from adatom.cache.index import Index
from adatom.cache.index import prune as remove
from adatom.cache.store import open_store
from adatom.cli.confirm import confirm
from adatom.cli.quantities import show_count, show_size
from adatom.cli.tables import print_json, print_table, print_text
from adatom.errors import InputError
from adatom.settings import get_settings

__all__ = ["prune_cache", "show_cache"]

_MB = 10**6


def show_cache(as_json: bool) -> None:
    """Print the number and the size of stored results, by recipe.

    Parameters
    ----------
    as_json
        True prints JSON in place of a table.
    """
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


def prune_cache(older_than: float | None, larger_than: int | None, yes: bool, as_json: bool) -> None:
    """Remove stored results by age and by size, after printing how many they are and a question.

    Parameters
    ----------
    older_than
        Time in s; results that were not used for longer are removed. None: results of any age stay.
    larger_than
        Size in bytes; the results that were used last are kept up to this size. None: with `older_than` there is no
        limit, and without it the setting ``cache_size`` is the limit.
    yes
        True removes without a question.
    as_json
        True prints JSON, asks nothing, and removes only with `yes`.

    Raises
    ------
    InputError
        Neither limit is given, and the setting ``cache_size`` is not set.
    Exit
        Status 1, because the answer to the question was no.
    """
    if older_than is None and larger_than is None:
        larger_than = _limit()
        if larger_than is None:
            raise InputError("Say what to remove: --older-than 30d, --larger-than 5GB, or both.")
    store = open_store()
    found = remove(store, older_than, larger_than, dry_run=True)
    if not as_json:
        print_text(f"{show_count(found.count, 'result', 'results')}, {show_size(found.size)}, in {store.directory}")
        if found.count and not yes:
            confirm("Remove them?")
    removed = yes or not as_json
    if removed:
        found = remove(store, older_than, larger_than)
    if as_json:
        print_json({"directory": store.directory, **asdict(found), "removed": removed})
    else:
        done = f"Removed {show_count(found.count, 'result', 'results')}."
        print_text(done if found.count else "There is nothing to remove.")


def _limit() -> int | None:
    limit = get_settings().cache_size
    return None if limit is None else limit * _MB
