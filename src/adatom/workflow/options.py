"""The options of jobs and flows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import singledispatch
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from adatom.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from adatom.execution.engine import Engine
    from adatom.machines.resources import Resources

__all__ = ["FlowOptions", "JobOptions", "UnusedResourceWarning", "first_argument", "label"]

# Values of the option `cache`, but for a function.
POLICIES = (True, False, "on", "off", "inputs", "inputs+source")


class UnusedResourceWarning(UserWarning):
    """A job asks for a resource that the engine cannot give."""


@singledispatch
def label(value: Any) -> str:
    """Return a label of a job's first argument for the name of the job; empty unless the type registers a function.

    Parameters
    ----------
    value
        First argument of a job.
    """
    return ""


def first_argument(args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Return the argument that a call is named after; None if there is none.

    Parameters
    ----------
    args, kwargs
        Positional and keyword arguments of the call.
    """
    return args[0] if args else next(iter(kwargs.values()), None)


@dataclass(frozen=True)
class Options:
    """Options that jobs and flows have in common.

    Attributes
    ----------
    name
        Name that the engine shows and that names of directories contain; None: the name of the function.
    label
        Label of the run in the journal, to find it again; that of a flow holds for all jobs and flows in it. None: no
        label.
    engine_options
        Options for the engine's own decorator or submit function, handed over as they are.
    cache
        ``"inputs"``: a stored result of the same arguments is used; ``"inputs+source"``, ``"on"`` or True: of the same
        arguments and code; ``"off"`` or False: none is used. For a job also a function that is given the arguments as a
        dictionary and returns the value to compare in their place. None: as the flow around says, else the setting.
    refresh_cache
        Whether to compute stored results again, and replace them.
    """

    name: str | None = None
    label: str | None = None
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    cache: bool | str | Callable[[dict[str, Any]], Any] | None = None
    refresh_cache: bool = False

    def __post_init__(self) -> None:
        if self.cache is not None and not callable(self.cache) and self.cache not in POLICIES:
            known = ", ".join(map(repr, POLICIES))
            raise InputError(f"cache={self.cache!r}: give one of {known}, or for a job a function of its arguments.")


_O = TypeVar("_O", bound=Options)


def with_changes(options: _O, changes: Mapping[str, Any]) -> _O:
    """Return options with some of them changed.

    Parameters
    ----------
    options
        Options to start from.
    changes
        New values by the name of the option.

    Raises
    ------
    UnknownNameError
        There is no such option.
    InputError
        A value is out of range.
    """
    valid = [known.name for known in fields(options)]
    for name in changes:
        if name not in valid:
            raise UnknownNameError("option", name, valid)
    return replace(options, **changes)


@dataclass(frozen=True)
class JobOptions(Options):
    """Options of a job.

    Attributes
    ----------
    name, label, engine_options, cache, refresh_cache
        Same as in `Options`, for this job.
    retries
        Number of further attempts after an exception or the death of the worker. Bad input is not tried again.
    retry_delay
        Seconds to wait before each further attempt.
    timeout
        Seconds after which the job is killed, with all processes that it started; None: no limit.
    resources
        Resources that one job needs: `adatom.machines.Resources`, or a dictionary of its fields. None: nothing.
    persist_result
        Whether to store the result, and use a stored one, if `cache` is None. None: as the flow around says, else the
        setting.
    version
        Version of the function, declared by its author: a stored result of another version is not used. None: no
        version is compared.
    failed_inputs
        Treatment of the job if a job that it needs has failed: ``"skip"`` it; ``"take"``: run it, with a `Failure` in
        each place; ``"tolerate"``: run it likewise, and if it succeeds the flow does not raise for those failures.
    reads
        Data that the function reads and that the key of the cache leaves out otherwise: ``"info"``, ``"info.KEY"``,
        ``"arrays"``, ``"arrays.NAME"``, ``"results"`` or ``"results.NAME"`` of structures; the name of a parameter
        stands for the content of the files and directories that its argument names.
    key_functions
        Functions by the name of a parameter: each is given the argument and returns the value that counts in the key.
    batch_function
        Function that evaluates many items of a `map` in one call, for example with a neural network. It is given the
        list of the calls' first arguments, and the arguments that the calls share, and returns a list with one value
        for each. A call finds its value by `adatom.execution.context.batch_value`, and computes by itself where that is
        None: when it travels alone, and when `batch_function` raised.
    lockstep
        Number of items of a `map` that run side by side in one task, so that a machine-learned potential computes the
        structures of all of them in one call. None: items run one after the other.
    """

    retries: int = 0
    retry_delay: float = 0.0
    timeout: float | None = None
    resources: Resources | Mapping[str, Any] | None = None
    persist_result: bool | None = None
    version: str | int | None = None
    failed_inputs: Literal["skip", "take", "tolerate"] = "skip"
    reads: Sequence[str] = ()
    key_functions: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    batch_function: Callable[..., Sequence[Any]] | None = None
    lockstep: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.failed_inputs not in ("skip", "take", "tolerate"):
            raise UnknownNameError("failed_inputs", self.failed_inputs, ["skip", "take", "tolerate"])
        if isinstance(self.reads, str):
            raise InputError(f"reads={self.reads!r}: give a list of names.")
        if isinstance(self.resources, Mapping):
            from adatom.machines.resources import Resources

            object.__setattr__(self, "resources", Resources(**self.resources) if self.resources else None)
        if not isinstance(self.retries, int) or self.retries < 0:
            raise InputError(f"retries={self.retries!r}: give a whole number, 0 or more.")
        if not isinstance(self.retry_delay, Real) or not self.retry_delay >= 0:
            raise InputError(f"retry_delay={self.retry_delay!r}: give seconds, 0 or more.")
        if self.timeout is not None and not (isinstance(self.timeout, Real) and self.timeout > 0):
            raise InputError(f"timeout={self.timeout!r}: give seconds above 0, or None.")
        if self.lockstep is not None and (not isinstance(self.lockstep, int) or self.lockstep < 1):
            raise InputError(f"lockstep={self.lockstep!r}: give a whole number, 1 or more, or None.")
        if self.lockstep is not None and self.timeout is not None:
            raise InputError(
                f"lockstep={self.lockstep} and timeout={self.timeout}: a job with a timeout runs in a process of its "
                "own. Leave one of them out."
            )

    @property
    def needs(self) -> Resources | None:
        """Resources that one job needs; None if the options name none."""
        assert not isinstance(self.resources, Mapping)
        return self.resources

    def check(self, name: str, engine: Engine) -> None:
        """Warn of resources that an engine cannot honour.

        Parameters
        ----------
        name
            Name of the job, for the warning.
        engine
            Engine that is to run the job.
        """
        unused = set(self.needs.model_fields_set if self.needs else ()) - engine.capabilities.resources
        if unused:
            warnings.warn(
                f"{name} asks for {', '.join(sorted(unused))}, which the {engine.name} engine does not honour: "
                "give the runner workers of that size, or use engine_options.",
                UnusedResourceWarning,
                stacklevel=4,
            )


@dataclass(frozen=True)
class FlowOptions(Options):
    """Options of a flow.

    Attributes
    ----------
    name, label, engine_options, cache, refresh_cache
        Same as in `Options`; `cache` and `refresh_cache` hold for the jobs of the flow that do not set them.
    runner
        Runner for all jobs of the flow and of the flows in it, from ``make_runner`` or an object of the engine's own.
        None: the runner of the flow around, else the engine's default.
    on_failure
        ``"raise"`` one `FlowFailure` after all other jobs are done, or ``"return"`` each `Failure` in its place.
    """

    runner: Any = None
    on_failure: Literal["raise", "return"] = "raise"

    def __post_init__(self) -> None:
        super().__post_init__()
        if callable(self.cache):
            raise InputError("A key function is for one job: @job(cache=...).")
        if self.on_failure not in ("raise", "return"):
            raise UnknownNameError("on_failure", self.on_failure, ["raise", "return"])
