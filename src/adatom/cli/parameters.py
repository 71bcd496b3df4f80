"""``--set key=value``: arguments of a recipe, and structures for its other parameters."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, get_type_hints

from ase import Atoms
from pydantic import ConfigDict, TypeAdapter, ValidationError

from adatom.cli.literals import parse_value
from adatom.cli.signatures import AnyStep, jobs_of
from adatom.cli.structures import read_structures
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.registry import find_recipe
from adatom.workflow import Job

__all__ = ["read_changes", "read_parameters", "split_words"]

_Kind = inspect.Parameter
_VARIADIC = (_Kind.VAR_POSITIONAL, _Kind.VAR_KEYWORD)


def read_parameters(step: AnyStep, assignments: Iterable[str], given: Collection[str] = ()) -> dict[str, Any]:
    """Return the keyword arguments that assignments mean for a recipe.

    Parameters
    ----------
    step
        Recipe to be run; its first parameter is the structure.
    assignments
        Texts ``key=value``. Dots in a key lead into dictionaries. For a parameter that is a job, the value is the name
        of a recipe; for one that is a structure, it is a text that `read_structures` takes.
    given
        Names of parameters that have their values already.

    Returns
    -------
    dict
        Values by name of the parameter, of the types that the signature says.

    Raises
    ------
    InputError
        The recipe does not take a key, a value has a wrong type, or a parameter without a default has no value.
    """
    parameters = list(inspect.signature(step).parameters.values())
    if not parameters or parameters[0].kind is _Kind.KEYWORD_ONLY:
        raise InputError(f"{step.name} takes no structure: its first parameter is to be one.")
    structure, *others = parameters
    assigned = _tree(assignments)
    if structure.name in assigned:
        raise InputError(f"{structure.name} of {step.name} is the STRUCTURE: give it alone, without its name.")
    found = _checked(step, others, assigned)
    for parameter in others:
        needed = parameter.default is _Kind.empty and parameter.kind not in _VARIADIC
        if needed and parameter.name not in (*found, *given):
            form = "{}=STRUCTURE" if _is_structure(_hints(step).get(parameter.name)) else "--set {}=VALUE"
            raise InputError(f"{step.name} needs {parameter.name}: give {form.format(parameter.name)}.")
    return found


def split_words(step: AnyStep, words: Iterable[str]) -> tuple[list[str], list[str]]:
    """Separate the structures that a recipe is run on from structures for its other parameters.

    Parameters
    ----------
    step
        Recipe to be run on the structures.
    words
        Structures as `read_structures` takes them, some of them after ``key=``.

    Returns
    -------
    structures, assignments : list of str
        Words without and with ``key=``, as they stand on the command line.

    Raises
    ------
    InputError
        No structure is left that the recipe could be run on.
    """
    structures: list[str] = []
    assignments: list[str] = []
    hints = _hints(step)
    for word in words:
        named = _is_structure(hints.get(word.partition("=")[0]))
        (assignments if named else structures).append(word)
    if not structures:
        raise InputError(f"{step.name} has only {', '.join(assignments)}. Give the STRUCTURE to run on too, alone.")
    return structures, assignments


def read_changes(steps: Iterable[Job[..., Any]], assignments: Iterable[str]) -> dict[str, Any]:
    """Return the keyword arguments that assignments mean for jobs which have all their arguments already.

    Parameters
    ----------
    steps
        Jobs to be run again.
    assignments
        Texts ``key=value``, same as in `read_parameters`.

    Returns
    -------
    dict
        Values by name of the parameter; each is for the jobs that have the parameter.

    Raises
    ------
    InputError
        No job takes a key, or a value has a wrong type for a job that takes its key.
    """
    given = _tree(assignments)
    found: dict[str, Any] = {}
    known: set[str] = set()
    for step in steps:
        parameters = [each for each in inspect.signature(step).parameters.values() if each.kind not in _VARIADIC]
        names = {parameter.name for parameter in parameters}
        known |= names
        found |= _checked(step, parameters, {key: value for key, value in given.items() if key in names})
    for key in given:
        if key not in known:
            raise UnknownNameError("parameter of these jobs", key, known)
    return found


def _tree(assignments: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise InputError(f"--set {text!r} is not KEY=VALUE, such as fmax=0.05.")
        *path, last = (part.strip() for part in key.split("."))
        place: Any = tree
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                break
        if not isinstance(place, dict) or last in place:
            raise InputError(f"--set gives {key.strip()} twice.")
        place[last] = parse_value(value)
    return tree


def _checked(step: AnyStep, parameters: list[inspect.Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values as the types that the parameters of a recipe have."""
    known = {parameter.name: parameter for parameter in parameters if parameter.kind not in _VARIADIC}
    valid = {*known, "job_params"} if jobs_of(step) else {*known}
    takes_any = any(parameter.kind is _Kind.VAR_KEYWORD for parameter in parameters)
    for key in given:
        if key not in valid and not takes_any:
            raise UnknownNameError(f"parameter of {step.name}", key, valid)
    hints = _hints(step)
    return {key: _value(step, key, value, known.get(key), hints.get(key)) for key, value in given.items()}


def _value(step: AnyStep, key: str, value: Any, parameter: inspect.Parameter | None, hint: Any) -> Any:
    """Return a value as its parameter takes it; None stands for a parameter or a type that the signature lacks."""
    jobs = jobs_of(step)
    if parameter is None:
        return _job_params(step, jobs, value) if key == "job_params" and jobs else value
    if key in jobs and isinstance(value, str):
        return find_recipe(value).step
    if _is_structure(hint):
        return _structure(step, key, value)
    return value if hint is None else _of_type(step, parameter, hint, value)


def _job_params(step: AnyStep, jobs: Mapping[str, Job[..., Any]], given: Any) -> dict[str, Any]:
    found = {}
    for name, values in given.items() if isinstance(given, dict) else [("", given)]:
        if not isinstance(values, dict):
            raise InputError(
                f"job_params of {step.name} are given as job_params.JOB.KEY=VALUE; JOB: {', '.join(jobs)}, all."
            )
        if name not in (*jobs, "all"):
            raise UnknownNameError(f"job of {step.name}", name, [*jobs, "all"])
        parameters = list(inspect.signature(jobs[name]).parameters.values()) if name in jobs else []
        found[name] = _checked(jobs[name], parameters, values) if name in jobs else values
    return found


def _hints(step: AnyStep) -> dict[str, Any]:
    try:
        return get_type_hints(step)
    except Exception:  # annotations may name objects that only a type checker imports
        return {}


def _is_structure(hint: Any) -> bool:
    return hint is Atoms


def _structure(step: AnyStep, key: str, value: Any) -> Any:
    if not isinstance(value, str):
        raise InputError(f"{key} is {value!r}, but {step.name} takes a structure: a file, bulk:Cu or molecule:H2O.")
    structures = read_structures(value)
    if len(structures) != 1:
        raise InputError(
            f"{key} of {step.name} is one structure, and {value} has {len(structures)}. Choose with FILE@2."
        )
    return structures[0]


def _of_type(step: AnyStep, parameter: inspect.Parameter, hint: Any, value: Any) -> Any:
    """Return a value as the type of its parameter, if a number or a list only needs to be converted."""
    try:
        adapter = TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True))
    except Exception:  # pydantic knows no rules for this type
        return value
    try:
        converted = adapter.validate_python(value)
    except ValidationError:
        fits = False
    else:
        fits = not isinstance(value, bool) or isinstance(converted, bool)  # pydantic would take true for the number 1
    if not fits:
        annotation = parameter.annotation
        wanted = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
        number = re.match(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?(?=\s*[^\W\d_])", value) if isinstance(value, str) else None
        unit = " Give the number alone: `adatom recipes RECIPE` shows the unit." if number else ""
        raise InputError(f"{parameter.name} is {value!r}, but {step.name} takes: {wanted}.{unit}")
    return converted
