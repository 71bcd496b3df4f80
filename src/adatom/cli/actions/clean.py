"""Body of ``adatom jobs clean``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from adatom.cache.store import open_store
from adatom.cli.confirm import confirm
from adatom.cli.jobs.selection import all_jobs, job_id, select
from adatom.cli.quantities import show_count, show_size
from adatom.cli.tables import print_json, print_table, print_text
from adatom.errors import StorageError
from adatom.execution.directories import find_run
from adatom.journal.jobs import JobRecord
from adatom.settings import get_settings

__all__ = ["remove_directories"]


def remove_directories(jobs: Sequence[JobRecord], states: Collection[str], yes: bool, as_json: bool) -> None:
    """Remove the directories of jobs, after printing them and a question.

    Parameters
    ----------
    jobs
        Jobs whose directories are to go.
    states
        States that `jobs` were chosen by; a job that has left them meanwhile keeps its directory.
    yes
        True removes without a question.
    as_json
        True prints JSON, asks nothing, and removes only with `yes`.

    Raises
    ------
    StorageError
        A directory cannot be removed.
    Exit
        Status 1, because the answer to the question was no.
    """
    found = _directories(jobs)
    rows = [(job, path, _size(path)) for job, path in found]
    resumable = _resumable(found)
    if rows and not as_json:
        _print_directories(rows, len(resumable))
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
                    "resumable": path in resumable,
                    "removed": path in removed,
                }
                for job, path, size in rows
            ]
        )
    else:
        done = f"Removed {show_count(len(removed), 'directory', 'directories')}."
        print_text(done if rows else "There is nothing to remove.")


def _print_directories(rows: Sequence[tuple[JobRecord, Path, int]], resumable: int) -> None:
    home = get_settings().results_dir
    print_table(
        ("id", "state", "size", "directory"),
        [(job.id, job.state, show_size(size), os.path.relpath(path, home)) for job, path, size in rows],
        right=("size",),
    )
    total = sum(size for _, _, size in rows)
    print_text(f"{show_count(len(rows), 'directory', 'directories')}, {show_size(total)}, in {home}")
    if resumable:
        print_text(f"{show_count(resumable, 'job that was cut', 'jobs that were cut')} would start anew without.")


def _directories(jobs: Sequence[JobRecord]) -> list[tuple[JobRecord, Path]]:
    """Return jobs and their directories in ``results_dir``, also those of earlier attempts."""
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


def _resumable(found: Sequence[tuple[JobRecord, Path]]) -> list[Path]:
    """Return the directories from which their jobs would go on if they were run again."""
    resumable = []
    for job, path in found:
        final = open_store().resumable(job.key) if job.key and job.state in ("failed", "lost") else None
        if final and find_run(final) == path:
            resumable.append(path)
    return resumable


def _size(directory: Path) -> int:
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                pass  # the file was removed meanwhile
    return total


def _remove(found: Sequence[tuple[JobRecord, Path]], states: Collection[str]) -> list[Path]:
    # A job may have been started again while its user thought about the question.
    still = {job.id for job in select(all_jobs(), states=states)}
    removed: list[Path] = []
    for path in (path for job, path in found if job.id in still):
        try:
            shutil.rmtree(path)
        except OSError as error:
            raise StorageError(
                f"Cannot remove {path}: {error.strerror or error}. {len(removed)} others are removed."
            ) from error
        removed.append(path)
    for path in removed:
        _remove_empty_parents(path)
    return removed


def _remove_empty_parents(path: Path) -> None:
    """Remove the directories of flows that have no other files, up to ``results_dir``."""
    home = get_settings().results_dir
    for parent in path.parents:
        if parent == home or not parent.is_relative_to(home):
            return
        try:
            parent.rmdir()
        except OSError:
            return
