"""What can be said of a job, beside its arguments."""

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

__all__ = ["FlowOptions", "JobOptions", "UnusedResourceWarning", "label"]

# What `cache` can be, but for a function.
POLICIES = (True, False, "on", "off", "inputs", "inputs+source")


class UnusedResourceWarning(UserWarning):
    """A job asks for a resource that the engine cannot give."""


@singledispatch
def label(value: Any) -> str:
    """What names of jobs say of their first argument; nothing, unless its type registers a function here.

    Parameters
    ----------
    value
        The first argument of a job.
    """
    return ""


@dataclass(frozen=True)
class Options:
    """What jobs and flows have in common.

    Attributes
    ----------
    name
        Shown by the engine and used for directories; the function's name if None.
    label
        What the journal calls the run, to find it again; of a flow it holds for all in it.
    engine_options
        Handed to the engine's own decorator or submit function as they are.
    cache
        ``"inputs"``, ``"inputs+source"`` or True, ``"off"`` or False; None: as the flow around it, else the setting,
        says. Of a job also a function that is given the arguments as a dictionary and returns what counts of them.
    refresh_cache
        Whether to compute what is stored again, and replace it.
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
    """Options with some of them changed.

    Parameters
    ----------
    options
        What to start from.
    changes
        New values by name.

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
    """The options of a job.

    Attributes
    ----------
    name, label, engine_options, cache, refresh_cache
        As for every step.
    retries
        How often to try again after an exception or the death of the worker. Bad input is not tried again.
    retry_delay
        How long (s) to wait before each.
    timeout
        After how many seconds the work is killed, with all processes that it started.
    resources
        What one job needs: `adatom.machines.Resources`, or a dictionary of its words.
    persist_result
        Whether to store the result, and use a stored one, where `cache` does not say.
    version
        Of the function, as its author declares it: a result of another version is not used.
    failed_inputs
        What becomes of the job where one that it needs has failed: ``"skip"`` it; ``"take"``: run it, with a `Failure`
        in each place; ``"tolerate"``: run it likewise, and if it succeeds the flow does not raise for those failures.
    reads
        What the function reads that the key leaves out otherwise: ``"info"``, ``"info.KEY"``, ``"arrays"`` or
        ``"arrays.NAME"`` of structures; the name of a parameter: what is in the files and directories that it names.
    key_functions
        By parameter, a function that is given its argument and returns what counts of it in the key.
    ahead
        A function that does at once what can be done so for several calls that a worker is sent together, as ``map``
        sends short ones: it is given a list of their first arguments, and the arguments that they share. Of the list
        that it returns, each call finds its own in `adatom.execution.context.done_ahead`, and must do without where it
        is None: a call that is alone, or where the function raised.
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
    ahead: Callable[..., Sequence[Any]] | None = None

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

    @property
    def needs(self) -> Resources | None:
        """What one job needs; None if nobody says."""
        assert not isinstance(self.resources, Mapping)
        return self.resources

    def check(self, name: str, engine: Engine) -> None:
        """Warn of what an engine cannot honour.

        Parameters
        ----------
        name
            The job.
        engine
            The engine.
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
    """The options of a flow.

    Attributes
    ----------
    name, label, engine_options, cache, refresh_cache
        As for every step; `cache` and `refresh_cache` are for those of its jobs that do not say.
    runner
        What all its jobs run on, those of the flows in it too: what ``make_runner`` gives, or the engine's own object.
    on_failure
        ``"raise"`` one `FlowFailure` when all that can be finished is, or ``"return"`` each `Failure` in its place.
    """

    runner: Any = None
    on_failure: Literal["raise", "return"] = "raise"

    def __post_init__(self) -> None:
        super().__post_init__()
        if callable(self.cache):
            raise InputError("A key function is for one job: @job(cache=...).")
        if self.on_failure not in ("raise", "return"):
            raise UnknownNameError("on_failure", self.on_failure, ["raise", "return"])
