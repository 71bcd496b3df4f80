"""Machine-learned potentials: a registry, and the construction of their calculators.

Rows of the registry come from `models.yaml` beside this file, from entry points of the group ``adatom.models``, whose
objects are dictionaries of rows by name, and from the YAML file that the setting `models` names. A later row replaces
an earlier one of the same name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache, partial
from importlib import import_module, metadata
from importlib.util import find_spec
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from ase.calculators.calculator import BaseCalculator

from adatom.calculators.interpreters import InterpreterCalculator, interpreter_of
from adatom.calculators.weights import copy_calculator, stamp, weights
from adatom.errors import InputError, MissingExtraError, UnknownNameError
from adatom.execution.context import current_job
from adatom.execution.needs import Need
from adatom.settings import get_settings
from adatom.utils.tables import read_yaml

__all__ = [
    "Calculator",
    "Model",
    "calculator_needs",
    "identify_model",
    "make_model",
    "model",
    "model_label",
    "model_names",
    "named_model",
]

Triple = tuple[Callable[..., Any], Sequence[Any], Mapping[str, Any]]
Calculator = str | BaseCalculator | type[BaseCalculator] | Callable[..., BaseCalculator] | Triple | None


@dataclass(frozen=True)
class Model:
    """Row of the registry of models.

    Attributes
    ----------
    name
        Name of the model in adatom.
    package
        Package that provides the model, by its name for pip. The setting `interpreters` may name a Python that has it.
    make
        Class of its calculator, or a function that makes one, as ``module:attribute``.
    extra
        Extra of adatom that installs the package; None: there is none.
    make_from_file
        Function that makes the calculator from a file, as ``module:attribute``; None: `make` does.
    file
        Argument of the calculator that takes a file with weights; None: it takes none.
    file_needed
        Whether the model has no weights without a file.
    arguments
        Arguments that the calculator always gets, unless a file takes their place.
    words
        Names of the calculator's arguments for ``device`` and ``dtype``. Without a name the user cannot choose.
    properties
        Properties that the model computes, by ASE's names.
    batched
        Function that computes many structures in one call, as ``module:function``. It gets the calculator and a list of
        structures, and returns a dictionary of properties for each structure. None: one structure at a time.
    licence, doi, training_data, purpose
        Licence of the code or the weights; DOI of the paper; training data of the weights; intended use.
    """

    name: str
    package: str
    make: str
    extra: str | None = None
    make_from_file: str | None = None
    file: str | None = None
    file_needed: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)
    properties: Sequence[str] = ("energy", "forces")
    batched: str | None = None
    licence: str = "not stated"
    doi: str = "not stated"
    training_data: str = "not stated"
    purpose: str = "not stated"


_KEYS = {own.name: own for own in fields(Model) if own.name != "name"}
_NEEDED_KEYS = {name for name, own in _KEYS.items() if own.default is MISSING and own.default_factory is MISSING}


def model_names() -> list[str]:
    """Return the names of all known models, installed or not, in alphabetical order."""
    return sorted(_rows())


def model(name: str) -> Model:
    """Return a model by its name.

    Parameters
    ----------
    name
        Name of a model, one of `model_names`.

    Raises
    ------
    UnknownNameError
        There is no such model.
    """
    if name not in _rows():
        raise UnknownNameError("model", name, _rows(), "Yours is a row in the file that ADATOM_MODELS names.")
    return _rows()[name]


def named_model(calculator: Any) -> Model | None:
    """Return the model that a calculator names, or None if it names none.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.
    """
    row = _rows().get(_parse(calculator)[0]) if isinstance(calculator, str) else None
    # The process of another Python computes one structure at a time.
    return replace(row, batched=None) if row and interpreter_of(row.package) else row


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
        constructor, args, kwargs = _triple(calculator)
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
        return [] if interpreter_of(row.package) else [row.package]
    made = calculator[0] if isinstance(calculator, tuple) and calculator else calculator
    return [made if callable(made) else type(made)]


def identify_model(calculator: Any) -> Any:
    """Return the identity of a calculator, by which two calculations are the same or not.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.

    Returns
    -------
    object
        For a model by name, its calculator, the version of its package, its file or arguments, and the options; for a
        tuple, a list; otherwise the calculator itself.
    """
    if isinstance(calculator, tuple):
        return list(_triple(calculator))
    row = named_model(calculator)
    if row is None:
        return calculator  # an unknown name is refused when the calculator is made
    _, file, options = _parse(calculator)
    try:
        version = metadata.version(row.package)
    except metadata.PackageNotFoundError:
        version = None
    given = {"file": Path(file)} if file else dict(row.arguments)
    return {"make": row.make, "version": version, "given": given, "options": options}


def model_label(calculator: Any) -> str:
    """Return the name of a calculator's model, or of its class or function.

    Parameters
    ----------
    calculator
        Calculator in any form that `make_model` takes.
    """
    if isinstance(calculator, str):
        return _parse(calculator)[0]
    made = _triple(calculator)[0] if isinstance(calculator, tuple) else calculator
    return str(getattr(made, "__name__", None) or type(made).__name__)


def refuse_list(calculator: Any) -> None:
    """Refuse a list of constructor, positional arguments and keyword arguments, which has to be a tuple.

    Parameters
    ----------
    calculator
        Calculator that was given; anything but such a list is left alone.

    Raises
    ------
    InputError
        It is such a list: other lists are committees.
    """
    match calculator:
        case [make, list() | tuple(), Mapping()] if isinstance(calculator, list) and callable(make):
            name = getattr(make, "__name__", repr(make))
            raise InputError(
                f"The calculator is the list {calculator!r}. Did you mean the tuple ({name}, {calculator[1]!r}, "
                f"{calculator[2]!r})?"
            )


def _triple(calculator: tuple[Any, ...]) -> Triple:
    if len(calculator) != 3 or not callable(calculator[0]) or not isinstance(calculator[2], Mapping):
        raise InputError(
            f"The calculator is {calculator!r}. As a tuple it is (constructor, [arguments], {{keyword arguments}})."
        )
    return calculator[0], calculator[1] or (), calculator[2]


@cache
def _own_rows() -> dict[str, Model]:
    rows = _read(Path(__file__).with_name("models.yaml"))
    for point in metadata.entry_points(group="adatom.models"):
        rows |= _checked(point.load(), f"The entry point {point.name} ({point.value})")
    return rows


def _rows() -> dict[str, Model]:
    file = get_settings().models
    return _own_rows() | (_read_again(file, *stamp(file)) if file else {})


@cache
def _read_again(file: Path, *when: int) -> dict[str, Model]:
    return _read(file)


def _read(file: Path) -> dict[str, Model]:
    return _checked(read_yaml(file, f"The models in {file}"), str(file))


def _checked(rows: Any, where: str) -> dict[str, Model]:
    if not isinstance(rows, Mapping) or not all(isinstance(row, Mapping) for row in rows.values()):
        raise InputError(f"{where} is no table of models. Give for each name its package, make, and so on.")
    for name, row in rows.items():
        for key in row:
            if key not in _KEYS:
                raise UnknownNameError(f"key of model {name} in {where}", key, _KEYS)
        if missing := sorted(_NEEDED_KEYS - row.keys()):
            raise InputError(f"The model {name} in {where} has no {', '.join(missing)}.")
    return {name: Model(name, **row) for name, row in rows.items()}


def _parse(text: str) -> tuple[str, str, dict[str, Any]]:
    import yaml

    what, _, query = text.partition("?")
    name, _, file = what.partition(":")
    return name, file, {key: yaml.safe_load(value) for key, value in parse_qsl(query, keep_blank_values=True)}


def _resolve(text: str, calc_kwargs: Mapping[str, Any]) -> tuple[str, Callable[..., Any], dict[str, Any]]:
    """Return the name of the model, the class or function that makes its calculator, and the arguments."""
    name, file, options = _parse(text)
    row = model(name)
    arguments = {**row.arguments, **options, **calc_kwargs}
    if file:
        arguments |= _file_argument(row, file, text)
    elif row.file_needed and row.file not in arguments:
        raise InputError(f"{name} has no weights of its own. Give the path of a file: '{name}:PATH'.")
    make = _maker(row, from_file=bool(file))
    for word in ("device", "dtype"):
        if word in arguments and word not in row.words:
            raise InputError(f"The {word} of {name} cannot be chosen. Leave {word} out.")
    if "device" in row.words:
        arguments.setdefault("device", _device())
    return name, make, {row.words.get(key, key): value for key, value in arguments.items()}


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


def _maker(row: Model, from_file: bool) -> Callable[..., Any]:
    """Return the class or function that makes a model's calculator."""
    place = row.make_from_file if from_file and row.make_from_file else row.make
    if interpreter_of(row.package):
        return partial(_elsewhere, row.package, place, tuple(row.properties))
    module, _, attribute = place.partition(":")
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtraError(row.package, row.extra) from error
    return attrgetter(attribute)(found)


def _elsewhere(package: str, place: str, properties: tuple[str, ...], **arguments: Any) -> InterpreterCalculator:
    return InterpreterCalculator(package, place, properties, arguments)


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
