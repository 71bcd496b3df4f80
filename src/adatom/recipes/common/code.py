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
from adatom.errors import InputError, UnknownNameError
from adatom.runners.checks import check_atoms, check_elements
from adatom.workflow import Job

__all__ = ["Code", "unbound"]

P = ParamSpec("P")
R = TypeVar("R")


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
        Called with a structure and the arguments of `make` before that is; raises what is wrong with them.
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
            Arguments of the code's ASE calculator, in ASE's units.

        Raises
        ------
        InputError
            The structure cannot be computed, by this code or by any, or an argument is unknown or does not fit.
        """
        calc_kwargs = calc_kwargs or {}
        check_atoms(atoms)
        if self.elements is not None:
            check_elements(atoms, self.elements, self.name)
        for key in calc_kwargs:
            if self.parameters is not None and key not in self.parameters:
                raise UnknownNameError(f"argument of {self.name}", key, self.parameters)
        if self.check is not None:
            self.check(atoms, calc_kwargs)
        return self.make(**calc_kwargs)

    def job(self, recipe: Callable[Concatenate[Code, P], R], name: str | None = None) -> Job[P, R]:
        """A job of this code, to be imported from the module that calls this.

        Parameters
        ----------
        recipe
            A function whose first parameter is the code.
        name
            What the job is called; the recipe's name if None.
        """

        @functools.wraps(recipe)
        def function(*args: P.args, **kwargs: P.kwargs) -> R:
            return recipe(self, *args, **kwargs)

        signature = inspect.signature(recipe)
        function.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=list(signature.parameters.values())[1:]
        )
        function.__module__ = sys._getframe(1).f_globals["__name__"]
        function.__name__ = function.__qualname__ = name or recipe.__name__
        return job(function)


def unbound(*args: Any, **kwargs: Any) -> Any:
    """Stand in a flow for a job, until a code binds its own."""
    raise InputError(
        "This flow is bound to no code. Import it from one, such as adatom.recipes.emt, or give it the jobs that it "
        "calls."
    )
