"""The record that a run writes into the journal."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from adatom.execution.call import Call
from adatom.execution.deadline import is_limited, time_left
from adatom.execution.failure import Failure
from adatom.journal.calls import Calls
from adatom.journal.jobs import longest
from adatom.journal.journal import JOURNAL, fields, journal_in
from adatom.settings import get_settings
from adatom.workflow.future import Node, outcomes

__all__ = ["RunLog"]


class RunLog:
    """Writer of the journal for a flow with all flows in it, or for a job that no flow calls.

    Parameters
    ----------
    about
        Fields that the journal has for each job of the run, such as ``run``, ``flow`` and ``label``.
    directory
        Directory of the journals; None: that in the setting `results_dir`.

    Attributes
    ----------
    about, directory
        Values of the parameters of the same names.
    """

    def __init__(self, about: Mapping[str, str], directory: str | None = None) -> None:
        self.about = dict(about)
        self._fields = fields(self.about)
        self.directory = directory or str(get_settings().results_dir / JOURNAL)
        self._journal = journal_in(self.directory)
        self._calls: Calls | None = None
        self._took: dict[str, float] | None = None

    @classmethod
    def of_flow(cls, run: str, flow: str, label: str | None) -> RunLog:
        """Return the writer for a flow, which also keeps the inputs of the jobs until all of them are done.

        Parameters
        ----------
        run
            Name of the directory of the flow.
        flow, label
            Name of the flow, and the label that the user gave it; None: no label.
        """
        log = cls({"run": run, "flow": flow, "label": label or ""})
        log._calls = Calls(log.directory, run)
        return log

    def note(self, node: Node, state: str, engine: str, **more: str) -> None:
        """Write the state of a job.

        Parameters
        ----------
        node
            Node of the job.
        state
            New state, one of `adatom.journal.jobs.STATES`.
        engine
            Name of the engine that runs the job.
        **more
            Other fields of the record, such as ``cause``.
        """
        self._journal.record(node.id, state, self._fields, name=node.name, recipe=node.recipe, engine=engine, **more)

    def called(self, node: Node, call: Call, whole: bool = True, timed: bool = False) -> Call:
        """Write the record of a job that is about to be given to the engine.

        Parameters
        ----------
        node, call
            Node and call of the job.
        whole
            Whether the arguments all have values, so that the job can be run again with them.
        timed
            Whether the engine wants to know how long the job may take.

        Returns
        -------
        Call
            Same call, with the time limit of this process, if it has one, and the time that the job may take.
        """
        key = call.caching.key if call.caching else None
        self._journal.record(
            call.id,
            "running" if call.noted else "pending",
            self._fields,
            name=call.name,
            recipe=node.recipe,
            engine=call.engine,
            directory=call.directory,
            key=key.digest if key else "",
            call=self._calls.keep(call.header, call.function, call.arguments) if self._calls and whole else "",
        )
        left = time_left() if is_limited() else None
        if left is None and not timed:
            return call
        if self._took is None:
            self._took = longest(Path(self.directory).parent)
        deadline = None if left is None else time.time() + left
        return replace(call, deadline=deadline, expected=self._took.get(node.recipe, 0.0))

    def close(self, nodes: Sequence[Node]) -> None:
        """End the record. If no job failed, the kept inputs of the jobs are removed.

        Parameters
        ----------
        nodes
            Nodes of all jobs and flows of the run.
        """
        if self._calls:
            ended = outcomes(nodes)
            failed = any(isinstance(outcome, Failure) for _, outcome in ended)
            self._calls.close(remove=len(ended) == len(nodes) and not failed)
