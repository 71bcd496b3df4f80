"""Description of a code, from which its jobs and flows are made."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from ase import Atoms

from adatom import job
from adatom.calculations.checks import check_atoms, check_elements, check_keywords, check_real
from adatom.calculators.over_socket import OverSocket, SocketClient
from adatom.errors import InputError, UnknownNameError
from adatom.execution.context import current_meeting
from adatom.execution.needs import Need, with_needs
from adatom.recipes.common.dispersion import WithDispersion, dispersion_needs, make_dispersion
from adatom.recipes.common.docs import with_parameter
from adatom.utils.merge import merge
from adatom.workflow import Flow, Job
from adatom.workflow.step import Step

__all__ = ["Choice", "Code", "effective", "kind_of", "unbound"]

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
F = TypeVar("F", bound=Flow[..., Any])


@dataclass(frozen=True)
class Choice:
    """Further parameter of all jobs of a code, whose value selects a variant of the code.

    Attributes
    ----------
    parameter
        Name of the parameter in the jobs.
    default
        Default value of the parameter.
    annotation
        Type of the parameter, as written in source code.
    documented
        Function whose docstring has the entry of the parameter.
    code
        Function that returns the code for a value of the parameter.
    options
        Options of the jobs, by name: see `adatom.workflow.options.JobOptions`.
    """

    parameter: str
    default: Any
    annotation: str
    documented: Callable[..., Any]
    code: Callable[[Any], Code]
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Code:
    """A code: how its calculator is made, and which input it accepts.

    Attributes
    ----------
    name
        Name of the code for people, as error messages show it.
    make
        ASE's calculator class, or a function that imports it first and returns a calculator. Both take keyword
        arguments.
    elements
        Chemical symbols that the code knows. None: all elements.
    parameters
        Keyword arguments that `make` takes. None: they are not known here, and `make` checks them.
    check
        Function that is called with a structure and its `calc_kwargs` before `make`, and raises an `InputError` if they
        do not fit. None: nothing more is checked.
    derive
        Function that is called with a structure and all arguments of `make`, and returns those that the code would
        derive from the structure, as values: the numbers of k points for a spacing. A slab as third argument has the
        first two cell vectors of the structure, and what follows from these is the slab's. None: the code derives
        nothing.
    socket
        How the program of the code takes structures over a socket. None: it does not.
    """

    name: str
    make: Callable[..., Any]
    elements: tuple[str, ...] | None = None
    parameters: tuple[str, ...] | None = None
    check: Callable[[Atoms, Mapping[str, Any]], None] | None = None
    derive: Callable[[Atoms, Mapping[str, Any], Atoms | None], Mapping[str, Any]] | None = None
    socket: SocketClient | None = None

    def calculator(self, atoms: Atoms, calc_kwargs: Mapping[str, Any] | None = None) -> Any:
        """Return a new calculator for a structure, which nothing else uses.

        Parameters
        ----------
        atoms
            Structure that will be computed.
        calc_kwargs
            Arguments of the code's ASE calculator, in ASE's units. Any code has one more, ``dispersion``: the arguments
            of `adatom.recipes.common.dispersion.make_dispersion`, by name. Codes whose program can take structures over
            a socket have ``socket``: with True one process computes all structures of the calculation.

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
        elif self.check is not None:  # the others are potentials that may know atoms of no element
            check_real(atoms, self.name)
        if current_meeting() is not None:
            self.check_lockstep()
        over_socket = self._over_socket(settings.pop("socket", False))
        self.check_parameters(settings, "dispersion")
        if self.check is not None:
            self.check(atoms, settings)
        wanted = settings.pop("dispersion", None)
        if wanted is None:
            return over_socket(self.build(atoms, settings))
        if not isinstance(wanted, Mapping):
            raise InputError(f"dispersion is {wanted!r}. Give {{'model': 'd3', 'method': 'PBE', 'damping': 'd3bj'}}.")
        check_keywords(make_dispersion, wanted)
        dispersion = make_dispersion(atoms, **wanted)
        return WithDispersion(over_socket(self.build(atoms, settings)), dispersion)

    def calculators(self, structures: Sequence[Atoms], calc_kwargs: Mapping[str, Any] | None = None) -> list[Any]:
        """Return calculators for structures: one for all that have the same atoms and periodicity.

        Parameters
        ----------
        structures
            Structures that will be computed, one after the other.
        calc_kwargs
            Same as in `calculator`.

        Raises
        ------
        InputError
            The structures are none, or one of them cannot be computed.
        """
        if isinstance(structures, Atoms):
            raise InputError("The structures are one ase.Atoms. Give a list of them, or use static_job.")
        made: dict[tuple[bytes, bytes], Any] = {}
        found = []
        for atoms in structures:
            check_atoms(atoms)
            kind = kind_of(atoms)
            if kind not in made:
                made[kind] = self.calculator(atoms, calc_kwargs)
            found.append(made[kind])
        return found

    def _over_socket(self, wanted: Any) -> Callable[[Any], Any]:
        """Return the function that makes a calculator over a socket of another, if that is wanted."""
        client = self.socket
        if wanted is False:
            return lambda calculator: calculator
        if wanted is not True:
            raise InputError(f"socket is {wanted!r}. Give True or False.")
        if client is None:
            raise InputError(f"socket is True, and {self.name} takes no structures over a socket. Leave it out.")
        client.check_ranks(self.name)
        return lambda calculator: OverSocket(calculator, client)

    def check_parameters(self, calc_kwargs: Mapping[str, Any], *others: str) -> None:
        """Refuse arguments that the code does not know.

        Parameters
        ----------
        calc_kwargs
            Arguments of the calculator, by name.
        *others
            Names that are accepted besides `parameters`.

        Raises
        ------
        UnknownNameError
            An argument is neither in `parameters` nor in `others`.
        """
        if self.parameters is not None:
            known = (*self.parameters, *others)
            for key in calc_kwargs:
                if key not in known:
                    raise UnknownNameError(f"argument of {self.name}", key, known)

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return all arguments of a calculator, with ``dispersion`` where the user gives it.

        Parameters
        ----------
        calc_kwargs
            Arguments that the user gives. None: no arguments.
        """
        return merge(calc_kwargs)

    def needs(self, calc_kwargs: Mapping[str, Any] | None = None) -> list[Need]:
        """Return functions that each job of the code calls, and packages that these need besides what they import.

        Parameters
        ----------
        calc_kwargs
            Arguments of the calculator, as for `calculator`.
        """
        return [self.make, *dispersion_needs(self.settings(calc_kwargs).get("dispersion"))]

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Return a calculator from checked arguments.

        Parameters
        ----------
        atoms
            Structure that will be computed.
        settings
            Arguments of `make`, without ``dispersion``.
        """
        return self.make(**settings)

    def check_lockstep(self) -> None:
        """Refuse to compute the structures of several jobs together, unless the code can.

        Raises
        ------
        InputError
            The code computes one structure at a time.
        """
        raise InputError(f"lockstep is set, and {self.name} computes one structure at a time. Leave it out.")

    def choice(self) -> Choice | None:
        """Return the further parameter of this code's jobs, or None if they have none."""
        return None

    def job(self, recipe: Callable[Concatenate[Code, P], R], name: str | None = None) -> Job[P, R]:
        """Return a job of this code, to be imported from the module that calls this method.

        Parameters
        ----------
        recipe
            Function whose first parameter is the code.
        name
            Name of the job, which is the name that the module gives it. None: the name of the function.
        """
        choice = self.choice()

        def chosen(kwargs: dict[str, Any]) -> Code:
            return choice.code(kwargs.pop(choice.parameter, choice.default)) if choice else self

        @with_needs(lambda *args, **kwargs: chosen(kwargs).needs(kwargs.get("calc_kwargs")))
        @functools.wraps(recipe)
        def function(*args: Any, **kwargs: Any) -> R:
            return recipe(chosen(kwargs), *args, **kwargs)

        made: Any = function
        made.code = self
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
        """Return a flow with the jobs of the module that calls this method, to be imported from that module.

        Parameters
        ----------
        flow
            Flow that is bound to no code. Each of its parameters that stands for a job takes the job of that name.
        **differs
            Default values that differ for this code, by parameter name. A job among them is used instead of the
            module's own.

        Raises
        ------
        InputError
            The module lacks a job that the flow calls, or the flow has no such parameter.
        """
        return self._bound(flow, sys._getframe(1).f_globals, differs)

    def bind_flows(self) -> None:
        """Bind all flows of `adatom.recipes.common.flows` in the module that calls this method.

        The module imports ``*`` from the table before, which shows the names to editors and type checkers. A flow whose
        jobs the module lacks is removed from its names; a flow that the module has bound by hand stays as it is. The
        code, its jobs and its flows become ``__all__`` of the module, unless the module defines ``__all__``.
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


def kind_of(atoms: Atoms) -> tuple[bytes, bytes]:
    """Return what structures have in common that one calculator may compute: their atoms and periodicity.

    Parameters
    ----------
    atoms
        Structure.
    """
    return atoms.numbers.tobytes(), atoms.pbc.tobytes()


def unbound(*args: Any, **kwargs: Any) -> Any:
    """Stand for a job in a flow that no code has bound.

    Raises
    ------
    InputError
        Always: the flow needs jobs.
    """
    raise InputError(
        "This flow is bound to no code. Import it from one, such as adatom.recipes.emt, or give it the jobs that it "
        "calls."
    )


def effective(job: Callable[..., Any], name: str, given: T | None, default: T) -> T:
    """Return the value of a parameter that a flow and its job both have.

    Parameters
    ----------
    job
        Job that was given to the flow.
    name
        Name of the parameter, in the job.
    given
        Value in the call of the flow. None: the job's own default counts, as set by `bind` or `job_params`.
    default
        Value where neither the call nor the job has one.
    """
    if given is not None:
        return given
    found = inspect.unwrap(job, stop=lambda step: isinstance(step, Step) and name in step.defaults)
    return found.defaults[name] if isinstance(found, Step) else default
