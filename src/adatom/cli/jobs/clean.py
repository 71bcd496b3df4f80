"""``adatom jobs clean``."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated

import typer

from adatom.cli.jobs.selection import (
    Flow,
    Label,
    NewerThan,
    OlderThan,
    Recipe,
    all_jobs,
    job_id,
    read_states,
    select,
)
from adatom.errors import StorageError
from adatom.execution.directories import find_run
from adatom.journal.jobs import JobRecord
from adatom.settings import get_settings

__all__ = ["clean"]

_STATES = ("failed", "lost", "skipped", "done", "cached")


def clean(
    state: Annotated[str, typer.Option(metavar="STATE,...", help=f"Of jobs in these states: {', '.join(_STATES)}.")],
    flow: Flow = None,
    label: Label = None,
    recipe: Recipe = None,
    newer_than: NewerThan = None,
    older_than: OlderThan = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, and remove only with --yes.")] = False,
) -> None:
    """Remove the directories of jobs, after showing which and how large they are.

    The journal keeps what it says of the jobs.
    """
    from adatom.cli.confirm import confirm
    from adatom.cli.quantities import show_count, show_size
    from adatom.cli.tables import print_json, print_table, print_text

    states = read_states(state, _STATES)
    filters = {"flow": flow, "label": label, "recipe": recipe, "newer_than": newer_than, "older_than": older_than}
    chosen = select(all_jobs(), states=states, **filters)  # type: ignore[arg-type]
    found = _directories(chosen)
    rows = [(job, path, _size(path)) for job, path in found]
    total = sum(size for _, _, size in rows)
    cut = _to_go_on_from(found)
    if rows and not as_json:
        home = get_settings().results_dir
        print_table(
            ("id", "state", "size", "directory"),
            [(job.id, job.state, show_size(size), os.path.relpath(path, home)) for job, path, size in rows],
            right=("size",),
        )
        print_text(f"{show_count(len(rows), 'directory', 'directories')}, {show_size(total)}, in {home}")
        if cut:
            print_text(f"{show_count(len(cut), 'job that was cut', 'jobs that were cut')} would start anew without.")
        if not yes:
            confirm("Remove them?")
    removed = _remove(found, states) if yes or not as_json else []
    if as_json:
        print_json(
            [
                {
                    "id": job.id,
                    "state": job.state,
                    "path": str(path),
                    "size": size,
                    "resumable": path in cut,
                    "removed": path in removed,
                }
                for job, path, size in rows
            ]
        )
    else:
        done = f"Removed {show_count(len(removed), 'directory', 'directories')}."
        print_text(done if rows else "There is nothing to remove.")


def _directories(jobs: Sequence[JobRecord]) -> list[tuple[JobRecord, Path]]:
    """Where the files of jobs are, those of earlier attempts too; only what is in ``results_dir``."""
    known = {job.id: job for job in jobs}
    home = get_settings().results_dir.resolve()
    found = []
    for parent in dict.fromkeys(Path(job.directory).parent for job in jobs if job.directory):
        if not parent.is_dir() or not parent.resolve().is_relative_to(home):
            continue
        for entry in sorted(os.scandir(parent), key=lambda entry: entry.name):
            job = known.get(job_id(entry.name))
            if job and entry.is_dir(follow_symlinks=False):
                found.append((job, Path(entry.path)))
    return found


def _to_go_on_from(found: Sequence[tuple[JobRecord, Path]]) -> list[Path]:
    """Those from which a job that is run again would go on."""
    from adatom.cache.store import open_store

    cut = []
    for job, path in found:
        final = open_store().resumable(job.key) if job.key and job.state in ("failed", "lost") else None
        if final and find_run(final) == path:
            cut.append(path)
    return cut


def _size(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                pass  # it went meanwhile
    return total


def _remove(found: Sequence[tuple[JobRecord, Path]], states: Collection[str]) -> list[Path]:
    import shutil

    # While somebody thought about it, one may have been started again.
    still = {job.id for job in select(all_jobs(), states=states)}
    removed: list[Path] = []
    for job, path in found:
        if job.id in still:
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise StorageError(
                    f"Cannot remove {path}: {error.strerror or error}. {len(removed)} others are removed."
                ) from error
            removed.append(path)
    home = get_settings().results_dir
    for path in removed:
        for parent in path.parents:
            if parent == home or not parent.is_relative_to(home):
                break
            try:
                parent.rmdir()  # of a flow that has no other files
            except OSError:
                break
    return removed
