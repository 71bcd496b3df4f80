"""`remote`: any function as a job of the queue engine."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from adatom.engines.queue import QueueEngine
from adatom.engines.queue.runner import QueueRunner
from adatom.engines.remote.future import RemoteFuture
from adatom.engines.remote.listening import call_and_listen
from adatom.engines.remote.session import session_of
from adatom.errors import ArgumentsError, InputError
from adatom.execution.arguments import pack_arguments
from adatom.execution.call import Call, header, pack_function
from adatom.machines.profiles.derived import derived_runner
from adatom.machines.profiles.runner import RunnerProfile
from adatom.settings import get_settings
from adatom.utils.keywords import named_arguments
from adatom.utils.names import unique_name

__all__ = ["RemoteFuture", "remote"]


@named_arguments
def remote(
    function: Callable[..., Any],
    profile: str | RunnerProfile | None = None,
    resources: Mapping[str, Any] | None = None,
    jobs: int = 10,
) -> Callable[..., RemoteFuture]:
    """Return a function that submits a call of another one, and does not wait: ``remote(fit, "cluster")(data)``.

    A job is the same if the function with its code, its arguments and the working directory are the same. A script that
    was killed finds its jobs, those that are done and those that run, when it is run again. When it has ended well, the
    answers that it has looked at are removed.

    Parameters
    ----------
    function
        Function to call, which may be one of the script itself.
    profile
        Name of a runner profile or of a machine, or a `RunnerProfile`. None: the setting ``queue_profile`` or, without
        it, worker processes of this machine.
    resources
        Values for keys of the profile, in place of its own, as ``{"walltime": "2h", "memory": "16G"}``.
    jobs
        Largest number of batch jobs at a time.

    Returns
    -------
    callable
        Function with the parameters of `function`, which returns a `RemoteFuture` at once.

    Raises
    ------
    InputError
        A profile or key does not exist, a value is not valid, or there are resources and no profile.
    """
    if not callable(function):
        raise InputError(f"remote({function!r}): give a function; its arguments come after: remote(function)(...).")
    named = profile if profile is not None else get_settings().queue_profile
    if named is None and resources:
        raise InputError(f"resources={dict(resources)!r}: they are those of batch jobs. Name a profile, too.")
    if named is not None:
        runner = QueueRunner(derived_runner(named, resources or {}), jobs=jobs)
    else:
        runner = QueueRunner()
    runner.profiles()  # which have to be there

    @wraps(function)
    def submit(*args: Any, **kwargs: Any) -> RemoteFuture:
        name = getattr(function, "__name__", type(function).__name__)
        name = "function" if name == "<lambda>" else name
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentsError(f"{name}: {error}.") from None
        except ValueError:  # of a function in C, the parameters may be unknown
            pass
        return RemoteFuture(session_of(runner), _call(name, function, args, kwargs))

    return submit


def _call(name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    given = (name, os.getcwd(), function, args, kwargs)
    packed = pack_arguments(name, call_and_listen, given, {})
    directory = get_settings().results_dir / unique_name("REMOTE", name)
    return Call(name, str(directory), header(), pack_function(name, call_and_listen), packed, QueueEngine.name)
