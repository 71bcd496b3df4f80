"""Recipes by name: those of the codes, and jobs and flows of users."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from adatom.errors import AdatomError, InputError, UnknownNameError
from adatom.workflow import Flow, Job

__all__ = ["Recipe", "codes", "find_recipe", "recipes_of"]

_PACKAGE = "adatom.recipes"
_SHARED = ("common", "registry")
_OWN = "Your own is MODULE:FUNCTION or FILE.py:FUNCTION; `adatom recipes` lists ours."


@dataclass(frozen=True)
class Recipe:
    """A job or flow that can be run by name.

    Attributes
    ----------
    name
        Shortest name on the command line, such as ``"emt.relax_job"``.
    module
        Name of the module from which the recipe is imported.
    function
        Name of the recipe in that module.
    step
        Job or flow that is run.
    """

    name: str
    module: str
    function: str
    step: Job[..., Any] | Flow[..., Any]

    @property
    def kind(self) -> str:
        """``"job"``, ``"flow"`` or ``"subflow"``."""
        return type(self.step).__name__.lower()


@cache
def codes() -> list[str]:
    """Return the names of the codes: the modules and packages in ``adatom.recipes``, without those that codes share."""
    path = import_module(_PACKAGE).__path__
    return sorted(found.name for found in pkgutil.iter_modules(path) if found.name not in _SHARED)


@cache
def recipes_of(code: str) -> list[Recipe]:
    """Return the recipes of a code, its jobs before its flows.

    Parameters
    ----------
    code
        Name of a code, as in `codes`.

    Raises
    ------
    AdatomError
        The code needs a package that is not installed.
    """
    try:
        module = import_module(f"{_PACKAGE}.{code}")
    except AdatomError:
        raise
    except ImportError as error:
        raise InputError(f"The recipes of {code} cannot be imported: {error}.") from error
    found = [replace(recipe, name=f"{code}.{recipe.function}") for recipe in _recipes_in(module)]
    return sorted(found, key=lambda recipe: recipe.kind != "job")


def find_recipe(text: str) -> Recipe:
    """Return the recipe that has a name.

    Parameters
    ----------
    text
        ``CODE.FUNCTION``, ``MODULE:FUNCTION`` or ``FILE.py:FUNCTION``.

    Raises
    ------
    InputError
        There is no such recipe, or the object of that name is neither a job nor a flow.
    """
    if ":" in text:
        return _users_own(text)
    if text.endswith(".py"):
        raise InputError(f"{text!r} is a file; say which function is the recipe: {text}:FUNCTION.")
    path = text.removeprefix(f"{_PACKAGE}.")
    code, _, function = path.partition(".")
    if code not in codes():
        raise UnknownNameError("code", code, codes(), _OWN) if function else _without_code(code)
    known = {recipe.name: recipe for recipe in recipes_of(code)}
    if path not in known:
        raise UnknownNameError("recipe", text, known, _OWN)
    return known[path]


def _without_code(name: str) -> InputError:
    known = [recipe for code in codes() for recipe in recipes_of(code)]
    same = [recipe.name for recipe in known if recipe.function == name]
    if same:
        return InputError(f"Recipe {name!r} of which code? Valid: {', '.join(same)}.")
    return UnknownNameError("recipe", name, [recipe.name for recipe in known], _OWN)


def _recipes_in(module: ModuleType) -> Iterator[Recipe]:
    for name, value in vars(module).items():
        # Recipes that a module only imports are found in the module or package that they come from.
        if isinstance(value, Job | Flow) and _is_inside(value.__module__, module) and not name.startswith("_"):
            yield Recipe(f"{module.__name__}:{name}", module.__name__, name, value)


def _is_inside(name: str, module: ModuleType) -> bool:
    return name == module.__name__ or name.startswith(f"{module.__name__}.")


def _users_own(text: str) -> Recipe:
    where, _, name = text.rpartition(":")
    module = _import_file(Path(where)) if where.endswith(".py") else _import_module(where)
    value = getattr(module, name, None)
    if isinstance(value, Job | Flow):
        return Recipe(text, module.__name__, name, value)
    if value is None:
        raise UnknownNameError(f"recipe of {where}", name, [recipe.function for recipe in _recipes_in(module)])
    raise InputError(f"{text} is no recipe: put @job or @flow above the function.")


def _import_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise InputError(f"There is no file {str(path)!r}. {_OWN}")
    folder = str(path.parent.resolve())
    # Workers import the file by its name, after the modules on their own path: no other module may have that name.
    known = None if "." in path.stem else find_spec(path.stem)
    if "." in path.stem or (known and (known.origin is None or not path.samefile(known.origin))):
        raise InputError(f"{path.name} cannot be imported under this name; another module has it. Rename the file.")
    return _import_module(path.stem, folder)


def _import_module(name: str, folder: str = "") -> ModuleType:
    folder = folder or os.getcwd()  # `python -m` looks there first, too
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return import_module(name)
    except AdatomError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise InputError(f"{name!r} cannot be imported: {type(error).__name__}: {error}. {_OWN}") from error
