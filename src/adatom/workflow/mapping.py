"""One job on many items: short ones travel together."""

from __future__ import annotations

import threading
import warnings
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from adatom.execution.arguments import Arguments, pack_arguments
from adatom.execution.batching import BatchSize
from adatom.execution.call import Call, pack_function
from adatom.execution.calls import Calls
from adatom.execution.failure import Failure
from adatom.utils.nested import collect
from adatom.workflow.future import Future, Node
from adatom.workflow.graph import Graph
from adatom.workflow.options import label

if TYPE_CHECKING:
    from adatom.workflow.job import Job

__all__ = ["map_in_batches"]


def map_in_batches(
    graph: Graph, job: Job[Any, Any], items: list[tuple[Any, ...]], common: dict[str, Any], at_once: bool = False
) -> list[Future]:
    """Run a job once for each item, and return the futures in the order of the items.

    The first tasks hold few items and tell what an item costs; later ones hold as many as make a task worth its cost
    (`BatchSize`). So long jobs spread over all workers, and short ones do not pay for a task each.

    Parameters
    ----------
    graph
        Flow that the jobs belong to.
    job
        Job to run once for each item.
    items
        Positional arguments of each call.
    common
        Other arguments, the same for all items.
    at_once
        Whether the caller waits for the results, so that the items cannot be changed meanwhile.
    """
    can, options = graph.engine.capabilities, job.options
    worthwhile = can.concurrent or options.batch_function is not None or options.lockstep is not None
    possible = can.waits_in_flow and not collect((items, common), Future)
    if not (worthwhile and possible) or len(items) < 2:
        if options.lockstep is not None and not possible:
            why = "some arguments are futures" if can.waits_in_flow else f"{graph.engine.name} sends each item alone"
            warnings.warn(f"{job.name}: items of the map run one by one, not in lockstep, as {why}.", stacklevel=4)
        return [graph.add(job, item, common) for item in items]
    job.options.check(job.name, graph.engine)
    nodes = [graph.node(job.name, job.recipe) for _ in items]
    if at_once or not can.concurrent:
        taken = [_Item(node, item) for node, item in zip(nodes, items, strict=True)]
    else:
        taken = [_Item.taken(node, item, job, common) for node, item in zip(nodes, items, strict=True)]
    _Map(graph, job, deque(taken), common).start()
    return [graph.future_type(node) for node in nodes]


class _Item(NamedTuple):
    """One item of a map, with its node; packed, with a label, where it has to stay as it is."""

    node: Node
    args: tuple[Any, ...]
    packed: bytes = b""
    about: str = ""

    @classmethod
    def taken(cls, node: Node, args: tuple[Any, ...], job: Job[Any, Any], common: dict[str, Any]) -> _Item:
        try:
            return cls(node, (), pack_arguments(job.name, job, args, common), label(args[0]))
        except Exception:  # which is the failure of this item when its turn comes
            return cls(node, args)


class _Map:
    """Items of a map that wait for a task."""

    def __init__(self, graph: Graph, job: Job[Any, Any], items: deque[_Item], common: dict[str, Any]) -> None:
        self._graph, self._job, self._items, self._common = graph, job, items, common
        self._tasks = 2 * graph.engine.slots  # one runs while the next is on its way
        self._size = BatchSize(graph.engine, (job._fn.__module__, job._fn.__qualname__))
        self._lock = threading.Lock()
        function = job.options.batch_function
        self._batch_function = b""
        if function and job.options.timeout is None:
            self._batch_function = pack_function(job.name, partial(function, **job.defaults))

    def start(self) -> None:
        """Send the first tasks; each task that ends sends the next."""
        if self._graph.engine.capabilities.concurrent:
            for _ in range(self._tasks):
                self._send_next()
        else:  # a task has ended when it has been sent
            while self._items and not self._graph.root.cancelled:
                self._send_next()

    def _send_next(self) -> None:
        graph, concurrent = self._graph, self._graph.engine.capabilities.concurrent
        while taken := self._take():
            packed = [(item.node, call) for item in taken if (call := self._packed(item))]
            if not packed:  # all results are stored
                continue
            first, call = packed[0]
            name = call.name if len(packed) == 1 else f"{self._job.name} x{len(packed)}"
            task = Calls(
                [(call, node.settle) for node, call in packed],
                graph.has_other_workers,
                (name, self._batch_function, self._job.options.lockstep is not None),
                self._size,
            )
            graph.tell(first, "started", len(packed))
            try:
                ended = self._send_next if concurrent else None
                graph.dispatcher.send(task, self._job.options.engine_options, ended)
                return
            except Exception as error:  # the engine refuses the options, say
                task.fail(error)

    def _take(self) -> list[_Item]:
        with self._lock:
            if self._graph.root.cancelled or not self._items:
                return []
            size = self._job.options.lockstep or self._size.next(len(self._items), self._tasks)
            size = min(size, len(self._items))
            return [self._items.popleft() for _ in range(size)]

    def _packed(self, item: _Item) -> Call | None:
        """Return the call for an item; None where its result is stored, or it cannot be packed."""
        node, given = item.node, item.packed or (item.args, self._common)
        try:
            about = item.about if item.packed else label(item.args[0])
            return self._graph.prepare(node, self._job, Arguments(given), about)
        except Exception as error:
            node.settle(Failure.of(error, node.name, node.directory))
            return None
