"""Where a flow runs, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adatom.errors import InputError
from adatom.execution.registry import installed_engine, local_workers
from adatom.settings import get_settings

if TYPE_CHECKING:
    from adatom.machines import RunnerProfile

__all__ = ["make_runner"]


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
    """Something for a flow to run on: worker processes on this machine, or workers in batch jobs of a cluster.

    ``with make_runner(...) as runner: flow.with_options(runner=runner)(atoms)``. All jobs of the flow run there, those
    of its subflows too.

    Parameters
    ----------
    cluster_kwargs
        A batch job in the words of dask-jobqueue: ``cores``, ``memory``, ``account``, ``queue``, ``walltime``,
        ``job_script_prologue``, ``job_extra_directives``, ``job_directives_skip``, ``python`` ...; ``n_workers`` is the
        number of batch jobs. Unless ``processes`` says otherwise, ``cores`` jobs run in it at the same time, one in
        each process.
    profile
        A batch job as a runner profile says it, or the name of one that `adatom.machines.load_profiles` finds.
    engine
        Whose runner; the selected engine's if None.
    scheduler
        Of `cluster_kwargs`: ``"slurm"``, ``"pbs"``, ``"sge"``, ``"lsf"``, ``"htcondor"``, ``"oar"`` or ``"moab"``. A
        profile knows its own.
    jobs
        How many batch jobs. One that ends is replaced as long as the runner is open.
    adapt
        The least and the largest number of batch jobs, in place of `jobs`: as many as there is work for. They end
        after some minutes without work.
    temporary
        On Prefect: each flow starts batch jobs of its own, which end with it.
    workers
        Without a batch job: processes on this machine. None: what ``local_workers`` says or, at its default, two to
        four.

    Returns
    -------
    Any
        The engine's own object: a `LocalPool`, a cluster of dask-jobqueue, a ``parsl.Config``, a Prefect task runner
        (also for ``@prefect.flow(task_runner=runner)``), or a Covalent executor. One with batch jobs has
        ``job_script()``, which shows their script and submits nothing; at the end of the ``with`` block they are
        cancelled. They end by themselves, too, when this process is gone.

    Raises
    ------
    InputError
        An argument cannot be, or a profile asks for what a queue does not give.
    UnknownNameError, MissingExtraError, EngineError
        As of the engine.
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
    from adatom.machines.allocation import allocation
    from adatom.machines.request import ClusterRequest

    wanted, kwargs = None if profile is None else allocation(profile), dict(cluster_kwargs or {})
    if "n_workers" in kwargs and (jobs != 1 or adapt is not None):
        raise InputError(
            "n_workers of cluster_kwargs says how many batch jobs, as jobs and adapt do: give one of them."
        )
    jobs = kwargs.pop("n_workers", jobs)
    return kind.make_cluster(
        ClusterRequest(wanted.scheduler if wanted else scheduler, kwargs, wanted, jobs, adapt, temporary)
    )


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
