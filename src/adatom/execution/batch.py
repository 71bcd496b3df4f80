"""Many short jobs in few tasks of the engine."""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle

from adatom.errors import WorkerDiedError
from adatom.execution.call import Batch, Call, pack_function
from adatom.execution.directories import mark_interrupted
from adatom.execution.dispatch import dispatch_again, interrupted, settle
from adatom.execution.failure import Failure
from adatom.execution.worker import unpack
from adatom.utils.nested import collect
from adatom.workflow.future import Future, Node
from adatom.workflow.scope import Scope

if TYPE_CHECKING:
    from adatom.workflow.job import Job

__all__ = ["map_in_batches"]


def map_in_batches(scope: Scope, job: Job[Any, Any], items: list[Any], common: dict[str, Any]) -> list[Future]:
    """Run a job once for each item.

    The first tasks of the first map hold one item each and tell what an item costs; later ones hold as many as make a
    batch worth its while. So long jobs still spread over all workers, and short ones do not pay for a task each.

    Parameters
    ----------
    scope
        The flow they belong to.
    job
        The job.
    items
        Values of its first parameter.
    common
        Its other arguments.

    Returns
    -------
    list of Future
        In the order of the items.
    """
    engine = scope.engine
    can = engine.capabilities
    worthwhile = can.waits_in_flow and (can.concurrent or job.options.ahead is not None)
    if not worthwhile or len(items) < 2 or collect((items, common), Future):
        return [scope.add(job, (item,), common) for item in items]
    run = _Map(scope, job, items, common)
    run.start()
    return [(engine.future_type or Future)(node) for node in run.nodes]


class _Map:
    def __init__(self, scope: Scope, job: Job[Any, Any], items: list[Any], common: dict[str, Any]) -> None:
        self._scope, self._job, self._common = scope, job, common
        job.options.check(job.name, scope.engine)
        self.nodes = [scope.node(job.name, job.recipe) for _ in items]
        self._tasks = 2 * scope.engine.slots  # one runs while the next is on its way; asked once, as it may cost a call
        self._todo = deque(zip(self.nodes, items, strict=True))
        self._costs = scope.engine.item_costs
        self._measured = False  # these items; those of a map before may have been of another size
        ahead = job.options.ahead
        if ahead and job.options.timeout is None:
            self._ahead = pack_function(job.name, partial(ahead, **job.defaults))
        else:
            self._ahead = b""
        self._key = (job._fn.__module__, job._fn.__qualname__)
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()

    def start(self) -> None:
        if self._scope.engine.capabilities.concurrent:
            for _ in range(self._tasks):
                self._next()
        else:  # a batch is done when it is submitted
            while self._todo and not self._scope.root.cancelled:
                self._next()

    def _size(self) -> int:
        """How many items the next batch may hold."""
        aim = self._scope.engine.capabilities.worthwhile
        worth = aim / max(self._costs.get(self._key, aim), 1e-6)
        share = -(-len(self._todo) // self._tasks)  # so that all workers end together
        least = worth / 4 if self._measured else 1  # to balance less than that costs more than it saves
        return max(1, round(min(worth, max(share, least))))

    def _next(self) -> None:
        packed: list[tuple[Node, Call]] = []
        while not packed:
            with self._lock:
                taken = [self._todo.popleft() for _ in range(min(self._size(), len(self._todo)))]
            if not taken or self._scope.root.cancelled:
                return
            packed = self._pack(taken)
        name = packed[0][1].name if len(packed) == 1 else f"{self._job.name} x{len(packed)}"
        batch = Batch(name, [call for _, call in packed], self._ahead, self._job.recipe)
        options = dict(self._job.options.engine_options)
        self._scope.tell(packed[0][0], "started", len(packed))
        try:
            future = self._scope.engine.submit(batch, options)
        except Exception as error:
            for node, call in packed:
                node.settle(call.failure(error))
            self._next()
        else:
            future.add_done_callback(lambda future: self._done(future, packed))

    def _pack(self, taken: list[tuple[Node, Any]]) -> list[tuple[Node, Call]]:
        """The calls of these items, but for those whose results are stored."""
        packed = []
        for node, item in taken:
            try:
                call = self._scope.prepare(node, self._job, (item,), self._common)
            except Exception as error:
                node.settle(Failure.of(error, node.name, node.directory))
            else:
                if call:
                    packed.append((node, call))
        return packed

    def _done(self, future: Any, packed: list[tuple[Node, Call]]) -> None:
        try:
            results, elapsed = unpack(future.result())
        except WorkerDiedError as error:
            for node, call in packed:
                self._context.copy().run(self._again, node, call, str(error), len(packed) == 1)
        except CancelledError:
            for node, call in packed:
                node.settle(interrupted(call.name))
        except BaseException as error:
            for node, call in packed:
                node.settle(call.failure(error))
        else:
            self._costs[self._key] = elapsed / len(packed)
            self._measured = True
            for (node, call), result in zip(packed, results, strict=True):
                self._context.copy().run(settle, node, call, cloudpickle.loads(result))
        if self._scope.engine.capabilities.concurrent:
            self._context.copy().run(self._next)

    def _again(self, node: Node, call: Call, why: str, guilty: bool) -> None:
        """After a worker died: alone in its task, so that only the guilty one fails."""
        marked = mark_interrupted(Path(call.directory), why, make=guilty)
        if guilty and not call.retries:
            node.settle(call.failure(WorkerDiedError(why), marked))
        elif guilty:
            dispatch_again(self._scope, node, replace(call, attempt=1), dict(self._job.options.engine_options))
        else:
            directory = f"{call.directory}-alone"
            node.directory = directory
            dispatch_again(
                self._scope, node, replace(call, directory=directory), dict(self._job.options.engine_options)
            )
