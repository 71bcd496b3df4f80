"""Documents of the Materials Project from runs of VASP: emmet-core's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from adatom.errors import InputError

__all__ = ["vasp_material", "vasp_task"]


def vasp_task(result: Mapping[str, Any], **kwargs: Any) -> Any:
    """Return emmet-core's task document of a run, from the files in its directory.

    Parameters
    ----------
    result
        Result of a job with VASP.
    **kwargs
        Arguments of ``TaskDoc.from_directory``, such as ``tags`` or ``run_bader``.

    Returns
    -------
    TaskDoc
        An ``emmet.core.tasks.TaskDoc``. Its ``model_dump(mode="json")`` is plain data.

    Raises
    ------
    InputError
        The directory has no files of VASP.
    """
    from emmet.core.tasks import TaskDoc

    return TaskDoc.from_directory(_directory(result), **kwargs)


def vasp_material(results: Sequence[Mapping[str, Any]], task_ids: Sequence[str] | None = None) -> Any:
    """Return emmet-core's document of a material, from runs of VASP for one material.

    Parameters
    ----------
    results
        Results of jobs with VASP, at least one of them a relaxation of the cell or a static with PBE, PBE+U or r²SCAN.
    task_ids
        Name of each run in a database, such as ``"mp-149"``. None: ``"mp-1"`` and so on, in the order of `results`.

    Returns
    -------
    MaterialsDoc
        An ``emmet.core.vasp.material.MaterialsDoc``: the structure of the best run, and an entry for each functional.

    Raises
    ------
    InputError
        A directory has no files of VASP, the names are not as many as the runs, or emmet-core makes no material of
        these runs.
    """
    from emmet.core.tasks import ValidationTaskDoc
    from emmet.core.vasp.material import MaterialsDoc

    names = [f"mp-{number}" for number in range(1, len(results) + 1)] if task_ids is None else list(task_ids)
    if len(names) != len(results):
        raise InputError(f"There are {len(results)} runs and {len(names)} task_ids. Give one for each run.")
    tasks = []
    for name, result in zip(names, results, strict=True):
        task, _ = ValidationTaskDoc.from_directory(_directory(result))
        tasks.append(ValidationTaskDoc(**{**dict(task), "task_id": name}))
    try:
        return MaterialsDoc.from_tasks(tasks)
    except Exception as error:  # emmet-core raises any kind
        kinds = ", ".join(str(getattr(task.calc_type, "value", task.calc_type)) for task in tasks) or "none"
        raise InputError(
            f"emmet-core makes no material of runs of these kinds: {kinds}. It says: {str(error).rstrip('.')}. Its GGA "
            "is a run whose INCAR leaves GGA to the potential, as the sets of the Materials Project do."
        ) from error


def _directory(result: Mapping[str, Any]) -> Path:
    directory = Path(result["dir_name"])
    if not any(directory.glob("vasprun.xml*")):
        raise InputError(f"There is no vasprun.xml in {directory}. Give the result of a job with VASP.")
    return directory
