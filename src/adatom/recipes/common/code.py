"""A code, as recipes see it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from ase import Atoms

from adatom import job
from adatom.calculations.checks import check_atoms, check_elements, check_keywords
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.common.dispersion import WithDispersion, make_dispersion
from adatom.recipes.common.docs import with_parameter
from adatom.workflow import Flow, Job
from adatom.workflow.step import Step

__all__ = ["Choice", "Code", "effective", "unbound"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Flow[..., Any])


@dataclass(frozen=True)
class Choice:
    """A parameter that the jobs of a code have besides, and that chooses what the code is.

    Attributes
    ----------
    parameter
        Its name.
    default
        Its default.
    annotation
        Its type, as in source code.
    documented
        A function whose docstring has it.
    code
        Gives the code for a value of it.
    options
        Options of the jobs.
    """

    parameter: str
    default: Any
    annotation: str
    documented: Callable[..., Any]
    code: Callable[[Any], Code]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Code:
    """A code: how its calculator is made, and what it can do.

    Attributes
    ----------
    name
        What people call it.
    make
        Makes a calculator from keyword arguments: ASE's class, or a function that imports it first.
    elements
        Chemical symbols that it knows; None: all.
    parameters
        Keyword arguments that `make` takes; None: not known here, and left to `make`.
    check
        Called with a structure and its `calc_kwargs` before `make` is; raises what is wrong with them.
    """

    name: str
    make: Callable[..., Any]
    elements: tuple[str, ...] | None = None
    parameters: tuple[str, ...] | None = None
    check: Callable[[Atoms, Mapping[str, Any]], None] | None = None

    def calculator(self, atoms: Atoms, calc_kwargs: Mapping[str, Any] | None = None) -> Any:
        """A new calculator for a structure, which nothing else uses.

        Parameters
        ----------
        atoms
            The structure.
        calc_kwargs
            Arguments of the code's ASE calculator, in ASE's units. Any code has one more, ``dispersion``: the arguments
            of `adatom.recipes.common.dispersion.make_dispersion`, by name.

        Raises
        ------
        InputError
            The structure cannot be computed, by this code or by any, or an argument is unknown or does not fit.
        MissingExtraError
            A package is not installed.
        """
        check_atoms(atoms)
        settings = self.settings(calc_kwargs)
        if self.elements is not None:
            check_elements(atoms, self.elements, self.name)
        self.check_parameters(settings, "dispersion")
        if self.check is not None:
            self.check(atoms, settings)
        wanted = settings.pop("dispersion", None)
        if wanted is None:
            return self.build(atoms, settings)
        if not isinstance(wanted, Mapping):
            raise InputError(f"dispersion is {wanted!r}. Give {{'model': 'd3', 'method': 'PBE', 'damping': 'd3bj'}}.")
        check_keywords(make_dispersion, wanted)
        dispersion = make_dispersion(atoms, **wanted)
        return WithDispersion(self.build(atoms, settings), dispersion)

    def check_parameters(self, calc_kwargs: Mapping[str, Any], *others: str) -> None:
        """Refuse arguments that the code does not know.

        Parameters
        ----------
        calc_kwargs
            The arguments.
        *others
            Names that are known all the same.

        Raises
        ------
        UnknownNameError
            There is no such argument.
        """
        if self.parameters is not None:
            known = (*self.parameters, *others)
            for key in calc_kwargs:
                if key not in known:
                    raise UnknownNameError(f"argument of {self.name}", key, known)

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What a calculator is made of, and its dispersion.

        Parameters
        ----------
        calc_kwargs
            The user's.
        """
        return dict(calc_kwargs or {})

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Make a calculator.

        Parameters
        ----------
        atoms
            The structure.
        settings
            Arguments of `make`.
        """
        return self.make(**settings)

    def choice(self) -> Choice | None:
        """What the jobs of this code leave to the user, if anything."""
        return None

    def job(self, recipe: Callable[Concatenate[Code, P], R], name: str | None = None) -> Job[P, R]:
        """A job of this code, to be imported from the module that calls this.

        Parameters
        ----------
        recipe
            A function whose first parameter is the code.
        name
            What the job is called; the recipe's name if None.
        """
        choice = self.choice()

        @functools.wraps(recipe)
        def function(*args: Any, **kwargs: Any) -> R:
            code = choice.code(kwargs.pop(choice.parameter, choice.default)) if choice else self
            return recipe(code, *args, **kwargs)

        made: Any = function
        signature = inspect.signature(recipe)
        parameters = list(signature.parameters.values())[1:]
        if choice:
            place = next(i for i, parameter in enumerate(parameters) if parameter.name == "calc_kwargs")
            parameters.insert(
                place,
                inspect.Parameter(
                    choice.parameter,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=choice.default,
                    annotation=choice.annotation,
                ),
            )
            made.__doc__ = with_parameter(recipe.__doc__, choice.documented, choice.parameter, before="calc_kwargs")
        made.__signature__ = signature.replace(parameters=parameters)
        made.__module__ = sys._getframe(1).f_globals["__name__"]
        made.__name__ = made.__qualname__ = name or recipe.__name__
        return job(made, **(choice.options if choice else {}))

    def bind(self, flow: F, **differs: Any) -> F:
        """Return a flow that calls the jobs of the module that calls this, to be imported from that module.

        Parameters
        ----------
        flow
            A flow that is bound to no code. Each of its parameters that is a job has the name of a job of the module.
        **differs
            Default values of the flow that are others for this code, its jobs among them, by parameter name.

        Returns
        -------
        Flow
            The flow of the code.

        Raises
        ------
        InputError
            The module lacks a job that the flow calls, or the flow has no such parameter.
        """
        return self._bound(flow, sys._getframe(1).f_globals, differs)

    def bind_flows(self) -> None:
        """Give the module that calls this all flows of `adatom.recipes.common.flows` for which it has the jobs.

        A flow that the module has bound by itself stays as it is. The module imports ``*`` from the table, so that
        editors and type checkers see the names of the flows; a flow whose jobs the module lacks is taken away again.
        The code, its jobs and its flows become ``__all__`` of the module, unless the module has one.
        """
        from adatom.recipes.common import flows

        names = sys._getframe(1).f_globals
        for name, flow in vars(flows).items():
            if isinstance(flow, Flow) and names.get(name, flow) is flow:
                names.pop(name, None)
                if _jobs_of(flow) <= names.keys():
                    names[name] = self._bound(flow, names, {})
        own = [name for name, value in names.items() if isinstance(value, Code | Step) and not name.startswith("_")]
        names.setdefault("__all__", sorted(own))

    def _bound(self, flow: F, names: Mapping[str, Any], differs: Mapping[str, Any]) -> F:
        called = _jobs_of(flow) - differs.keys()
        if missing := sorted(called - names.keys()):
            raise InputError(f"{self.name} has no {' and no '.join(missing)}, which {flow.name} calls.")
        bound = flow.bind(**{name: names[name] for name in called}, **differs)
        bound.__module__ = names["__name__"]
        return bound


def _jobs_of(flow: Flow[..., Any]) -> set[str]:
    return {name for name, given in inspect.signature(flow).parameters.items() if given.default is unbound}


def unbound(*args: Any, **kwargs: Any) -> Any:
    """Stand in a flow for a job, until a code binds its own."""
    raise InputError(
        "This flow is bound to no code. Import it from one, such as adatom.recipes.emt, or give it the jobs that it "
        "calls."
    )


def effective(job: Callable[..., Any], name: str, given: T | None, default: T) -> T:
    """The value of a parameter that a flow and its job both have.

    Parameters
    ----------
    job
        The job, as the flow was given it.
    name
        The parameter of the job.
    given
        What the call of the flow says; None: nothing.
    default
        What the flow takes where nothing is said of the job either, by `bind` or `job_params`.
    """
    if given is not None:
        return given
    found = inspect.unwrap(job, stop=lambda step: isinstance(step, Step) and name in step.defaults)
    return found.defaults[name] if isinstance(found, Step) else default
