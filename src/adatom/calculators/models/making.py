"""Calculators of models, and of all other forms in which one may be given."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any

from adatom.calculators.interpreters import InterpreterCalculator
from adatom.calculators.models.forms import refuse_list, triple
from adatom.calculators.models.names import named_model, parsed
from adatom.calculators.models.registry import model, model_names
from adatom.calculators.models.rows import Model
from adatom.calculators.weights import copy_calculator, weights
from adatom.errors import InputError, MissingExtraError
from adatom.execution.context import current_job
from adatom.execution.needs import Need

__all__ = ["calculator_needs", "make_model"]


def make_model(calculator: Any, **calc_kwargs: Any) -> Any:
    """Return a calculator that nothing else uses. Its weights are loaded once in a process.

    Parameters
    ----------
    calculator
        Name of a machine-learned potential: ``"chgnet"``; name and file: ``"mace:/path/my.model"``; either with
        arguments of the calculator: ``"mace:/path/my.model?dtype=float64&device=cpu"``. Or an ASE calculator, which is
        copied; its class; a function that makes one; or a tuple of class or function, positional arguments and keyword
        arguments.
    **calc_kwargs
        Arguments of the calculator. ``device`` and ``dtype`` are arguments of all models that have a choice; the
        default device is the first of ``"cuda"``, ``"mps"`` and ``"cpu"`` that torch finds.

    Raises
    ------
    InputError
        There is no such model, device, argument or file.
    MissingExtraError
        The model's package is not installed.
    """
    if isinstance(calculator, str):
        name, make, arguments = _resolve(calculator, calc_kwargs)
        made = weights.copy(name, make, arguments)
        getattr(made, "parameters", {}).update(arguments, potential=name)  # shown in the result
    elif isinstance(calculator, type):
        made = weights.copy(calculator.__name__, calculator, calc_kwargs)
    elif isinstance(calculator, tuple):
        constructor, args, kwargs = triple(calculator)
        made = make_model(partial(constructor, *args) if args else constructor, **{**kwargs, **calc_kwargs})
    elif hasattr(calculator, "calculate"):
        if calc_kwargs:
            raise InputError(f"The calculator is made already: {', '.join(calc_kwargs)} cannot be set. Give its class.")
        made = copy_calculator(calculator)
    elif callable(calculator):
        made = calculator(**calc_kwargs)
    else:
        refuse_list(calculator)
        raise InputError(f"The calculator is {calculator!r}. Give a calculator, or one of: {', '.join(model_names())}.")
    _pin_threads()
    return made


def calculator_needs(calculator: Any) -> list[Need]:
    """Return the package of a calculator that is named, or else the class or function that makes it.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.
    """
    if row := named_model(calculator):
        return [] if row.command() else [row.package]
    made = calculator[0] if isinstance(calculator, tuple) and calculator else calculator
    return [made if callable(made) else type(made)]


def _resolve(text: str, calc_kwargs: Mapping[str, Any]) -> tuple[str, Callable[..., Any], dict[str, Any]]:
    """Return the name of the model, the class or function that makes its calculator, and the arguments."""
    name, file, options = parsed(text)
    row = model(name)
    arguments = {**row.arguments, **options, **calc_kwargs}
    if file:
        arguments |= _file_argument(row, file, text)
    elif row.file_needed and row.file not in arguments:
        raise InputError(f"{row.name} has no weights of its own. Give the path of a file: '{row.name}:PATH'.")
    for word in ("device", "dtype"):
        if word in arguments and word not in row.words:
            raise InputError(f"The {word} of {row.name} cannot be chosen. Leave {word} out.")
    place = row.make_from_file if file and row.make_from_file else row.make
    chooses = row.words.get("device", "") if "device" not in arguments else ""
    if command := row.command():
        make: Callable[..., Any] = partial(_elsewhere, row, tuple(command), _file_of(place), chooses)
    else:
        make = _imported(row, place)
        if chooses:
            arguments["device"] = _device()
    return row.name, make, {row.words.get(key, key): value for key, value in arguments.items()}


def _file_argument(row: Model, file: str, text: str) -> dict[str, str]:
    """Return the argument of a model's calculator for a file with weights."""
    if row.file is None:
        raise InputError(f"{row.name} takes no file, and {text!r} names one: {row.name} alone is the model.")
    path = Path(file).expanduser().absolute()
    if not path.is_file():
        raise InputError(
            f"There is no file {str(path)!r} for {row.name}. Give the path of its weights: '{row.name}:PATH'."
        )
    return {row.file: str(path)}


def _imported(row: Model, place: str) -> Callable[..., Any]:
    """Return the class or function that makes a model's calculator."""
    module, _, attribute = place.partition(":")
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(row.package, row.extra) from error
    return attrgetter(attribute)(found)


def _file_of(place: str) -> str:
    """Return a module and attribute; of a module of adatom, which another Python need not have, the file."""
    module, _, attribute = place.partition(":")
    if not module.startswith("adatom."):
        return place
    found = find_spec(module)
    return f"{found.origin}:{attribute}" if found else place


def _elsewhere(
    row: Model, command: tuple[str, ...], place: str, chooses: str, **arguments: Any
) -> InterpreterCalculator:
    """Return a calculator in a process of another Python; the command tells calculators of two Pythons apart."""
    return InterpreterCalculator(
        row.package, place, row.properties, arguments, python=row.python, chooses_device=chooses
    )


def _device() -> str:
    if find_spec("torch") is None:  # the model does not use torch
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _pin_threads() -> None:
    """Limit torch to the threads that the job asks for. Otherwise each worker would use all cores."""
    torch = sys.modules.get("torch")
    if torch is None or not current_job().engine:
        return
    needs = current_job().resources
    asked = needs.threads_per_rank if needs and "threads_per_rank" in needs.model_fields_set else None
    torch.set_num_threads(asked or int((os.environ.get("OMP_NUM_THREADS") or "1").partition(",")[0]))
