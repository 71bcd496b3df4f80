"""The registry of models: all tables together, and each model by any of its names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from adatom.calculators.models.rows import Model, rows_of
from adatom.calculators.weights import stamp
from adatom.errors import InputError, UnknownNameError
from adatom.settings import get_settings
from adatom.utils.tables import read_yaml

__all__ = ["find_model", "model", "model_names"]


@dataclass(frozen=True)
class _Registry:
    """Rows by name, and the name of the row of each name and alias."""

    rows: dict[str, Model]
    names: dict[str, str]


def model_names() -> list[str]:
    """Return the names of all known models, installed or not, in alphabetical order."""
    return sorted(_registry().rows)


def model(name: str) -> Model:
    """Return a model by its name, or by an alias.

    Parameters
    ----------
    name
        Name of a model, one of `model_names`, or one of its aliases.

    Raises
    ------
    UnknownNameError
        There is no such model.
    """
    found = find_model(name)
    if found is None:
        raise UnknownNameError("model", name, _registry().rows, "Yours is a row in the file that ADATOM_MODELS names.")
    return found


def find_model(name: str) -> Model | None:
    """Return a model by its name, or by an alias; None: there is no such model.

    Parameters
    ----------
    name
        Name that may be one of a model.
    """
    known = _registry()
    return known.rows[known.names[name]] if name in known.names else None


def _registry() -> _Registry:
    file = get_settings().models
    return _with_file(file, *stamp(file)) if file else _own()


@cache
def _own() -> _Registry:
    rows: dict[str, Model] = {}
    for file in sorted(Path(__file__).with_name("tables").glob("*.yaml")):
        rows |= _read(file)
    for point in metadata.entry_points(group="adatom.models"):
        rows |= rows_of(point.load(), f"The entry point {point.name} ({point.value})")
    return _Registry(rows, _names(rows))


@cache
def _with_file(file: Path, *when: int) -> _Registry:
    rows = _own().rows | _read(file)
    return _Registry(rows, _names(rows))


def _read(file: Path) -> dict[str, Model]:
    return rows_of(read_yaml(file, f"The models in {file}"), str(file))


def _names(rows: dict[str, Model]) -> dict[str, str]:
    """Return the name of the row for each name and alias."""
    names = {name: name for name in rows}
    for row in rows.values():
        for alias in row.aliases:
            other = names.setdefault(alias, row.name)
            if other != row.name:
                raise InputError(
                    f"{alias!r} names two models: it is an alias of {row.name}, and "
                    f"{'the name of another' if other == alias else f'one of {other}'}. Take it out of the aliases, or "
                    "give the other model another name."
                )
    return names
