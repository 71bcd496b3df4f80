"""The calls of a flow's jobs: named, looked up in the cache, packed and written down."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.cache import MISS
from adatom.execution.arguments import Arguments
from adatom.execution.call import Call, Outcome, header, pack_function
from adatom.execution.engine import Engine
from adatom.execution.failure import Failure
from adatom.settings import get_settings
from adatom.utils.names import unique_name
from adatom.utils.nested import collect
from adatom.workflow.caching import caching_of
from adatom.workflow.future import Node
from adatom.workflow.runlog import RunLog

if TYPE_CHECKING:
    from adatom.execution.caching import Caching
    from adatom.workflow.job import Job
    from adatom.workflow.options import JobOptions
    from adatom.workflow.step import Step

__all__ = ["CallBuilder"]


class CallBuilder:
    """Make the calls of one flow.

    Parameters
    ----------
    engine
        Engine that runs the jobs.
    directory
        Directory of the run directories of the jobs.
    log
        Journal of the run.
    cache, refresh_cache
        Options of the flow, which hold for jobs that say nothing.
    results_dir
        Setting of that name where the outermost flow was called.
    """

    def __init__(
        self, engine: Engine, directory: Path, log: RunLog, cache: Any, refresh_cache: bool, results_dir: Path
    ) -> None:
        self._engine, self._directory, self._log = engine, directory, log
        self.results_dir = results_dir
        self.cache, self.refresh_cache = cache, refresh_cache
        self._functions: dict[Step[Any, Any], bytes] = {}

    def prepare(self, node: Node, job: Job[Any, Any], arguments: Arguments, about: str) -> Call | Outcome:
        """Return a call of a job, ready to travel, or its stored result.

        Parameters
        ----------
        node
            Node that the outcome is for.
        job, arguments
            Job and its arguments.
        about
            Label of the first argument.
        """
        caching = self.caching(job)
        if caching:
            args, kwargs = arguments.live
            if job.options.failed_inputs != "skip" and collect((args, kwargs), Failure):
                caching = None  # another time they may succeed
            else:
                caching = caching.of_call(node.name, job, args, kwargs)
        if caching:
            stored = caching.find(job, args, kwargs)
            if stored is not MISS:
                _name_fully(node, about)
                self._log.note(node, "cached", self._engine.name, key=caching.key.digest if caching.key else "")
                return Outcome(stored)
        call = self.make_call(node, job, arguments, about, job.options, caching=caching)
        return self._log.called(node, call, timed=self._engine.capabilities.sizes_runner)

    def caching(self, job: Job[Any, Any]) -> Caching | None:
        """Return the rules by which a job's calls in this flow are cached; None if they are not.

        Parameters
        ----------
        job
            Job that the flow calls.
        """
        return caching_of(job.options, self.cache, self.refresh_cache)

    def make_call(
        self,
        node: Node,
        step: Step[Any, Any],
        arguments: Arguments,
        about: str,
        options: JobOptions,
        kind: str = "JOB",
        caching: Caching | None = None,
    ) -> Call:
        """Return a call, ready to travel; its node gets its full name and its directory.

        Parameters
        ----------
        node
            Node that the outcome is for.
        step, arguments
            Job or subflow, and its arguments.
        about
            Label of the first argument.
        options
            Options of the job.
        kind
            First word of the run directory's name.
        caching
            Rules by which the result is looked up and stored.
        """
        name = node.name
        _name_fully(node, about)
        folder, results_dir = self._directory, get_settings().results_dir
        if results_dir != self.results_dir:  # changed in the body of the flow
            folder = results_dir / folder.relative_to(self.results_dir)
        node.directory = f"{folder}{os.sep}{unique_name(kind, name, about, identity=node.id)}"
        if step not in self._functions:
            self._functions[step] = pack_function(node.name, step)
        return Call(
            node.name,
            node.directory,
            header(),
            self._functions[step],
            arguments.pack(node.name, step),
            self._engine.name,
            options.retries,
            options.retry_delay,
            options.timeout,
            id=node.id,
            journal=self._log.directory,
            noted=not self._engine.capabilities.concurrent,
            caching=caching and caching.travelling(),
            resources=options.needs,
            waited=arguments.waited,
        )


def _name_fully(node: Node, about: str) -> None:
    """Add a label of the first argument to the name of a job."""
    if about:
        node.name = f"{node.name} {about}"
