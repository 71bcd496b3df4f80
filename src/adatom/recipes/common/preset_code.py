"""A code that is set by presets."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, TypeVar

from ase import Atoms

from adatom import job
from adatom.calculators.merge import merge
from adatom.calculators.preset import Preset, load_preset
from adatom.recipes.common.code import Code
from adatom.recipes.common.docs import with_parameter
from adatom.workflow import Job

__all__ = ["PresetCode"]

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class PresetCode(Code):
    """A code whose calculator has so many parameters that they have names: each job takes a `preset`.

    Attributes
    ----------
    name, elements, parameters
        As of `Code`.
    make
        Makes a calculator from a structure and keyword arguments.
    package
        The code's name in `adatom.calculators.presets`.
    preset
        The one that is used where none is given.
    layer
        Puts keyword arguments of `make` in a form in which they can be merged.
    """

    package: str = ""
    preset: Preset = None
    layer: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The preset's arguments with the user's over them.

        Parameters
        ----------
        calc_kwargs
            The user's; `adatom.Remove` takes one of the preset away.
        """
        return merge(*(self.layer(one) for one in (load_preset(self.package, self.preset), calc_kwargs or {})))

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Make a calculator for a structure.

        Parameters
        ----------
        atoms, settings
            As of `Code`.
        """
        return self.make(atoms, **settings)

    def job(self, recipe: Callable[Concatenate[Code, P], R], name: str | None = None) -> Job[P, R]:
        """A job of this code that takes a `preset`, to be imported from the module that calls this.

        Parameters
        ----------
        recipe
            A function whose first parameter is the code.
        name
            What the job is called; the recipe's name if None.
        """
        default = self.preset

        @functools.wraps(recipe)
        def function(*args: Any, preset: Preset = default, **kwargs: Any) -> R:
            return recipe(replace(self, preset=preset), *args, **kwargs)

        made: Any = function

        parameters = list(inspect.signature(recipe).parameters.values())[1:]
        place = next(i for i, parameter in enumerate(parameters) if parameter.name == "calc_kwargs")
        own = inspect.Parameter("preset", inspect.Parameter.KEYWORD_ONLY, default=default, annotation="Preset")
        made.__signature__ = inspect.signature(recipe).replace(
            parameters=[*parameters[:place], own, *parameters[place:]]
        )
        made.__doc__ = with_parameter(recipe.__doc__, load_preset, "preset", before="calc_kwargs")
        made.__module__ = sys._getframe(1).f_globals["__name__"]
        made.__name__ = made.__qualname__ = name or recipe.__name__
        return job(made, reads=("preset",))
