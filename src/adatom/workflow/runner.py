"""One function that makes runners for all engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError
from adatom.execution.registry import installed_engine, local_workers
from adatom.settings import get_settings
from adatom.utils.keywords import named_arguments

if TYPE_CHECKING:
    from adatom.machines import RunnerProfile

__all__ = ["make_runner"]


@named_arguments
def make_runner(
    cluster_kwargs: Mapping[str, Any] | None = None,
    *,
    profile: str | RunnerProfile | None = None,
    engine: str | None = None,
    scheduler: str = "slurm",
    jobs: int = 1,
    adapt: tuple[int, int] | None = None,
    temporary: bool = False,
    workers: int | None = None,
) -> Any:
    """Make a runner for flows: worker processes on this machine, or workers in batch jobs of a cluster.

    ``with make_runner(...) as runner: flow.with_options(runner=runner)(atoms)``. All jobs of the flow and of its
    subflows use the runner.

    Parameters
    ----------
    cluster_kwargs
        Description of a batch job in the words of dask-jobqueue: ``cores``, ``memory``, ``account``, ``queue``,
        ``walltime``, ``job_script_prologue``, ``job_extra_directives``, ``job_directives_skip``, ``python`` ...;
        ``n_workers`` is the number of batch jobs. Unless ``processes`` says otherwise, ``cores`` jobs run in a batch
        job at the same time, one in each process.
    profile
        Runner profile that describes a batch job, or the name of one that `adatom.machines.load_profiles` finds.
    engine
        Name of the engine that the runner is for; None: the selected engine.
    scheduler
        Scheduler for `cluster_kwargs`: ``"slurm"``, ``"pbs"``, ``"sge"``, ``"lsf"``, ``"htcondor"``, ``"oar"`` or
        ``"moab"``. A profile names its own.
    jobs
        Number of batch jobs. A batch job that ends is replaced as long as the runner is open.
    adapt
        Least and largest number of batch jobs, in place of `jobs`: there are as many as there is work for. Batch jobs
        end after some minutes without work. None: the number is fixed.
    temporary
        Whether, on Prefect, each flow starts batch jobs of its own, which end with the flow.
    workers
        Number of worker processes on this machine, where no batch job is described. None: the setting
        ``local_workers`` or, at its default, two to four.

    Returns
    -------
    Any
        Object of the engine's own: a `LocalPool`, a cluster of dask-jobqueue, a ``parsl.Config``, a Prefect task runner
        (also for ``@prefect.flow(task_runner=runner)``), or a Covalent executor. A runner with batch jobs has
        ``job_script()``, which returns their script and submits nothing. Its batch jobs are cancelled at the end of the
        ``with`` block, and end by themselves if this process ends before.

    Raises
    ------
    InputError
        Arguments are wrong or contradict each other, or a profile asks for more than a queue gives.
    UnknownNameError, MissingExtraError, EngineError
        The engine or scheduler is unknown, a package is missing, or the engine has no such runner.
    """
    kind = installed_engine(engine or get_settings().workflow_engine)
    if cluster_kwargs is None and profile is None:
        _refuse_without_batch_job(jobs=(jobs, 1), adapt=(adapt, None), temporary=(temporary, False))
        return kind.make_runner(_number_of_workers(workers))
    if cluster_kwargs is not None and profile is not None:
        raise InputError("Give cluster_kwargs or profile, not both.")
    if workers is not None:
        raise InputError(f"workers is {workers!r}, and a batch job is described: its cores say how many jobs it runs.")
    if cluster_kwargs is not None and not isinstance(cluster_kwargs, Mapping):
        raise InputError(f"cluster_kwargs is {cluster_kwargs!r}. Give a dictionary, or `workers=` for this machine.")
    from adatom.machines.request import ClusterRequest

    kwargs = dict(cluster_kwargs or {})
    if "n_workers" in kwargs and (jobs != 1 or adapt is not None):
        raise InputError(
            "n_workers of cluster_kwargs says how many batch jobs, as jobs and adapt do: give one of them."
        )
    jobs = kwargs.pop("n_workers", jobs)
    return kind.make_cluster(ClusterRequest(kwargs, scheduler, profile, jobs, adapt, temporary))


def _refuse_without_batch_job(**arguments: tuple[Any, Any]) -> None:
    """Refuse arguments, each given with its default, that say something of batch jobs."""
    for name, (given, default) in arguments.items():
        if given != default:
            raise InputError(f"{name} is {given!r}, and no batch job is described: give cluster_kwargs or profile.")


def _number_of_workers(workers: int | None) -> int:
    count = local_workers() if workers is None else workers
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError(f"workers is {workers!r}. Give a whole number, 1 or more.")
    return count
