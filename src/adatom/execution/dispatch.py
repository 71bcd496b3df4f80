"""A call on its way through an engine: given to it, and again where its worker died or had no more time."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from adatom.errors import IncompleteError, WorkerDiedError
from adatom.execution.call import Call, Outcome
from adatom.execution.deadline import stop_reason
from adatom.execution.directories import mark_interrupted
from adatom.execution.failure import Failure
from adatom.execution.worker import unpack
from adatom.workflow.future import Node

if TYPE_CHECKING:
    from adatom.workflow.scope import Scope

__all__ = ["dispatch", "dispatch_again", "interrupted", "settle"]


def dispatch(scope: Scope, node: Node, call: Call, engine_options: Mapping[str, Any]) -> None:
    """Give a call to the engine of a flow, and again if its worker dies and it has retries left.

    Parameters
    ----------
    scope
        The flow.
    node
        Gets the call's outcome.
    call
        The call.
    engine_options
        For the engine.
    """

    def done(future: Any) -> None:
        try:
            given = future.result()
            outcome = given.value if isinstance(given, Outcome) else unpack(given)
        except WorkerDiedError as error:
            last = call.attempt >= call.retries
            marked = mark_interrupted(Path(call.directory_of(call.attempt)), str(error), make=last)
            if not last and not scope.root.cancelled:
                context.copy().run(dispatch_again, scope, node, _next_attempt(call), engine_options)
                return
            outcome = call.failure(error, marked)
        except CancelledError:  # it waited in a pool that was closed
            outcome = interrupted(call.name)
        except BaseException as error:  # whatever an engine raises, the flow goes on
            outcome = call.failure(error)
        if isinstance(outcome, Failure) and _goes_on(scope, call, outcome):
            # Where nothing limits the flow itself, it was the time of a batch job that was over: no retry is used.
            again = _next_attempt(call) if call.deadline else replace(_next_attempt(call), retries=call.retries + 1)
            context.copy().run(dispatch_again, scope, node, again, engine_options)
        elif call.caching and not call.noted:  # a thread of the engine's has other settings
            context.copy().run(settle, node, call, outcome)
        else:
            node.settle(outcome)

    context = contextvars.copy_context()
    scope.engine.submit(call, dict(engine_options)).add_done_callback(done)


def dispatch_again(scope: Scope, node: Node, call: Call, engine_options: Mapping[str, Any]) -> None:
    """`dispatch`, from a thread of the engine's.

    Parameters
    ----------
    scope, node, call, engine_options
        As there.
    """
    scope.log.again(call)
    try:
        dispatch(scope, node, call, engine_options)
    except Exception as error:  # nobody would see it there
        node.settle(call.failure(error))


def _next_attempt(call: Call) -> Call:
    return replace(call, attempt=call.attempt + 1)


def _goes_on(scope: Scope, call: Call, failure: Failure) -> bool:
    """Whether a job that stopped because its worker's time was over is to go on in another worker."""
    incomplete = isinstance(failure.cause, IncompleteError)
    here = not scope.engine.capabilities.processes or scope.root.cancelled or stop_reason() is not None
    return incomplete and not here and (call.deadline is None or call.attempt < call.retries)


def settle(node: Node, call: Call, outcome: Any) -> None:
    """Set the outcome of a job, and store a result that its worker could not store.

    Parameters
    ----------
    node, call
        The job.
    outcome
        Its value or a `Failure`.
    """
    if call.caching and not isinstance(outcome, Failure):
        call.caching.confirm(call.name, outcome)
    node.settle(outcome)


def interrupted(name: str, directory: str | None = None) -> Failure:
    """What became of a job whose flow was interrupted.

    Parameters
    ----------
    name, directory
        The job.
    """
    return Failure(name, directory, "Interrupted", stop_reason() or "the flow was interrupted")
