"""What is written down of a run while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from adatom.execution.call import Call
from adatom.execution.deadline import is_limited, time_left
from adatom.execution.failure import Failure
from adatom.journal.calls import Calls
from adatom.journal.jobs import longest
from adatom.journal.journal import JOURNAL, fields, journal_in
from adatom.settings import get_settings
from adatom.workflow.future import Node

__all__ = ["RunLog"]


class RunLog:
    """What is written down of a flow with all flows in it, or of a job that no flow calls.

    Parameters
    ----------
    about
        What the journal says with each of its jobs.
    directory
        Where the journals are; None: where the settings say.

    Attributes
    ----------
    about, directory
        The same.
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
        """That of a flow, with the inputs of its jobs until all of them are done.

        Parameters
        ----------
        run
            The name of its directory.
        flow, label
            What it is called, and by the user.
        """
        log = cls({"run": run, "flow": flow, "label": label or ""})
        log._calls = Calls(log.directory, run)
        return log

    def note(self, node: Node, state: str, engine: str, **more: str) -> None:
        """Write what became of a job.

        Parameters
        ----------
        node
            The job.
        state
            One of `journal.jobs.STATES`.
        engine
            Who runs it.
        **more
            What else is known.
        """
        self._journal.record(node.id, state, self._fields, name=node.name, recipe=node.recipe, engine=engine, **more)

    def called(self, node: Node, call: Call, whole: bool = True) -> Call:
        """Write all that is known of a job that is about to be given to its engine.

        Parameters
        ----------
        node, call
            The job.
        whole
            Whether its arguments are all there, so that it can be run again with them.

        Returns
        -------
        Call
            The same, with the time that this process has.
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
        if not is_limited() or (left := time_left()) is None:
            return call
        if self._took is None:
            self._took = longest(Path(self.directory).parent)
        return replace(call, deadline=time.time() + left, expected=self._took.get(node.recipe, 0.0))

    def close(self, nodes: Iterable[Node]) -> None:
        """End it: where all went well the inputs of the jobs are not wanted any more.

        Parameters
        ----------
        nodes
            All jobs.
        """
        if self._calls:
            well = all(node.done() and not isinstance(node.result(), Failure) for node in nodes)
            self._calls.close(remove=well)
