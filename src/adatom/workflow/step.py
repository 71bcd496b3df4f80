"""The common base of jobs and flows: a wrapped plain function."""

from __future__ import annotations

import functools
import inspect
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any, Generic, ParamSpec, Self, TypeVar

from adatom.errors import ArgumentsError, InputError, UnknownNameError
from adatom.utils.merge import Remove, layered
from adatom.workflow.bound import BoundStep
from adatom.workflow.options import Options, with_changes

__all__ = ["Step", "strip"]

P = ParamSpec("P")
R = TypeVar("R")


class Step(ABC, Generic[P, R]):
    """A function that an engine may run.

    Parameters
    ----------
    fn
        Plain function to wrap.
    options
        Options of the job or flow.
    defaults
        Values of keyword arguments that a call need not give.
    module
        Module that this step can be imported from, under the function's name; None: the function's module.

    Attributes
    ----------
    options
        Options of the job or flow.
    name
        Name of the step, for engines and directories.
    recipe
        Module and name of the function.
    defaults
        Values of keyword arguments that `bind` has set.
    """

    options: Options
    __name__: str
    __qualname__: str

    def __init__(
        self, fn: Callable[P, R], options: Any, defaults: dict[str, Any] | None = None, module: str | None = None
    ) -> None:
        if not callable(fn) or not hasattr(fn, "__name__"):
            raise InputError(f"{fn!r} is no function with a name. Write one with def, and call it there.")
        if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
            raise InputError(f"{fn.__name__} yields, and neither jobs nor flows can: return a list.")
        functools.update_wrapper(self, fn)
        self.__dict__.pop("_made", None)  # of a step that the function wraps, which `functools.wraps` has copied
        self._fn = fn
        self.options = options
        self.defaults = defaults or {}
        self.name = self.options.name or self.__name__
        self.__module__ = module or fn.__module__
        self.recipe = f"{fn.__module__}:{getattr(fn, '__qualname__', fn.__name__)}"
        self._parameters: inspect.Signature | None = None  # found at the first call
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if "_made" in self.__dict__ and name != "_parameters" and not name.startswith("__"):
            options = [option.name for option in fields(self.options)]
            call = f"{self.name}.with_options({name}=...)" if name in options else f"{self.name}.bind(parameter=...)"
            raise InputError(f"{self.name}.{name} cannot be set. {call} returns a changed copy. Options: {options}.")
        object.__setattr__(self, name, value)

    @abstractmethod
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the step: in a job at once, in a flow as part of it, elsewhere by the selected engine."""

    @property
    def fn(self) -> Callable[P, R]:
        """Plain function, with the defaults of `bind`."""
        if not self.defaults:
            return self._fn
        plain = functools.update_wrapper(functools.partial(self._fn, **self.defaults), self._fn)
        for hidden in ("__wrapped__", "__signature__"):  # so that its signature shows the defaults
            vars(plain).pop(hidden, None)
        return plain

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.fn)

    def with_options(self, **changes: Any) -> Self:
        """Return the same step with other options.

        Parameters
        ----------
        **changes
            New values by the name of the option.

        Raises
        ------
        UnknownNameError
            There is no such option; the message lists all options.
        """
        return type(self)(self._fn, with_changes(self.options, changes), self.defaults, self.__module__)

    def bind(self, **defaults: Any) -> Self:
        """Return the same step with other default values, importable from the module that calls this method.

        Parameters
        ----------
        **defaults
            New default values by the name of the parameter. A dictionary is laid over one that is bound already, key by
            key, and so is one in a call; `adatom.Remove` in the place of a value takes it away.

        Raises
        ------
        UnknownNameError
            The function has no such parameter.
        """
        parameters = inspect.signature(self._fn).parameters
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
            for key in defaults:
                if key not in parameters:
                    raise self._unknown(key, parameters)
        module = sys._getframe(1).f_globals.get("__name__", self.__module__)
        return type(self)(self._fn, self.options, layered(self.defaults, defaults), module)

    def _over_defaults(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of a call, laid over those that `bind` has set."""
        if self.defaults.keys().isdisjoint(kwargs) and not _removes(kwargs.values()):
            return kwargs
        known = {name: self.defaults[name] for name in kwargs if name in self.defaults}
        laid = layered(known, kwargs)
        for name in kwargs.keys() - laid.keys():  # taken away: the function's own default counts
            own = inspect.signature(self._fn).parameters.get(name)
            if own is None or own.default is own.empty:
                raise InputError(
                    f"{self.name} has no default of its own for {name!r}, which the call removes. Give it."
                )
            laid[name] = own.default
        return laid

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Return the keyword arguments of a call, laid over those that `bind` has set, if they fit the function."""
        kwargs = self._over_defaults(kwargs)
        if self._parameters is None:
            try:
                self._parameters = self.__signature__
            except ValueError:  # of a function in C, it may be unknown
                self._parameters = _ANYTHING
        try:
            self._parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise self._misfit(kwargs, error) from None
        return kwargs

    def _misfit(self, kwargs: Iterable[str], error: TypeError) -> ArgumentsError:
        """Return the error for arguments that do not fit the function."""
        parameters = inspect.signature(self._fn).parameters
        open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
        for name in () if open_ended else kwargs:
            if name not in parameters:
                return ArgumentsError(str(self._unknown(name, parameters)))
        return ArgumentsError(f"{self.name}: {error}. Its parameters are {', '.join(parameters)}.")

    def _unknown(self, name: str, parameters: Mapping[str, inspect.Parameter]) -> UnknownNameError:
        """Return the error for a parameter that the function lacks, with the place where another might have it."""
        values = {key: parameter.default for key, parameter in parameters.items()} | self.defaults
        jobs = [
            key for key, value in values.items() if isinstance(value, Step) and name in value.__signature__.parameters
        ]
        what, hint = f"parameter of {self.name}", ""
        if jobs:
            hint = f"It is a parameter of its {jobs[0]}: job_params={{{jobs[0]!r}: {{{name!r}: ...}}}}."
        elif "calc_kwargs" in parameters and not UnknownNameError(what, name, parameters).suggests:
            hint = f"A parameter of the code goes into calc_kwargs: calc_kwargs={{{name!r}: ...}}."
        return UnknownNameError(what, name, parameters, hint)

    def _plain(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.fn(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else BoundStep(self, instance)

    def __reduce__(self) -> tuple[Any, ...]:
        # A step that can be imported is pickled by reference, so that a worker runs the code that it has.
        for module in (self.__module__, self._fn.__module__):
            # A module without a spec, such as that of `runpy.run_path`, cannot be imported elsewhere.
            home = _lookup(module, self.__qualname__) if getattr(sys.modules.get(module), "__spec__", None) else None
            if home is self:
                return _lookup, (module, self.__qualname__)
            if type(home) is type(self) and home._fn is self._fn:
                return _restore, (module, self.__qualname__, self.options, self.defaults, self.__module__)
        return type(self), (self._fn, self.options, self.defaults, self.__module__)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.__module__}.{self.name}>"


def _removes(values: Iterable[Any]) -> bool:
    return any(isinstance(value, str) and value == Remove for value in values)


def _anything(*args: Any, **kwargs: Any) -> None: ...


_ANYTHING = inspect.signature(_anything)


def strip(step: Step[P, R] | Callable[P, R]) -> Callable[P, R]:
    """Return the plain function in a job or flow; a plain function is returned as it is.

    Parameters
    ----------
    step
        Job, flow, subflow or plain function.
    """
    return step.fn if isinstance(step, Step) else step


def _lookup(module: str, qualname: str) -> Any:
    """Return the object that can be imported under a name; None in a script or notebook, which no worker can import."""
    if module == "__main__":
        return None
    __import__(module)
    value: Any = sys.modules[module]
    for part in qualname.split("."):
        value = getattr(value, part, None)
    return value


def _restore(module: str, qualname: str, options: Any, defaults: dict[str, Any], home: str) -> Any:
    step = _lookup(module, qualname)
    return type(step)(step._fn, options, defaults, home)
