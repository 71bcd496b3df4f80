"""Rows of the registry of models, and the tables that they stand in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from importlib import metadata
from pathlib import Path
from typing import Any

from adatom.calculators.interpreters import interpreter_of
from adatom.errors import InputError, UnknownNameError

__all__ = ["Model", "rows_of"]


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
    aliases
        Other names of the model, which mean the same.
    python
        Folder of an environment that has the package, such as ``~/envs/mace``, or the Python in it. The model is
        computed in a process there. It comes before the setting `interpreters`.
    tried
        Whether the tests of adatom compute with the model.
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
    aliases: Sequence[str] = ()
    python: str | None = None
    tried: bool = False
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

    def command(self) -> list[str] | None:
        """Return the command of the Python that computes the model; None: this one does.

        Raises
        ------
        InputError
            The Python is not there.
        """
        return interpreter_of(self.package, self.python)

    def version_of(self, package: str) -> str | None:
        """Return the version of a package that the model computes with; None: it cannot be seen without a process.

        Parameters
        ----------
        package
            Name of the package for pip.

        Raises
        ------
        InputError
            The Python of the model is not there.
        """
        command = self.command()
        if command is None:
            try:
                return metadata.version(package)
            except metadata.PackageNotFoundError:
                return None
        if len(command) > 1:  # such as `env ... python`
            return None
        environment = Path(shutil.which(command[0]) or command[0]).parent.parent
        places = [str(place) for place in environment.glob("lib/python*/*-packages")]
        return next((found.version for found in metadata.distributions(name=package, path=places)), None)


_KEYS = {own.name: own for own in fields(Model) if own.name != "name"}
_NEEDED_KEYS = {name for name, own in _KEYS.items() if own.default is MISSING and own.default_factory is MISSING}
_ENDS = (":", "?")  # of the name in a text


def rows_of(table: Any, where: str) -> dict[str, Model]:
    """Return the rows of a table, by name.

    Parameters
    ----------
    table
        Dictionary of dictionaries with the keys of `Model`, by the names of the models.
    where
        Where the table stands, for messages.

    Raises
    ------
    InputError
        The table has another form, or a row has a key that there is not, lacks one, or has a wrong value.
    """
    if not isinstance(table, Mapping) or not all(isinstance(row, Mapping) for row in table.values()):
        raise InputError(f"{where} is no table of models. Give for each name its package, make, and so on.")
    for name, row in table.items():
        for key in row:
            if key not in _KEYS:
                raise UnknownNameError(f"key of model {name} in {where}", key, _KEYS)
        if missing := sorted(_NEEDED_KEYS - row.keys()):
            raise InputError(f"The model {name} in {where} has no {', '.join(missing)}.")
        _check_aliases(row.get("aliases", ()), f"The aliases of the model {name} in {where}")
        python = row.get("python")
        if python is not None and not isinstance(python, str):
            raise InputError(
                f"The python of the model {name} in {where} is {python!r}. Give the path of an environment, such as "
                "~/envs/mace."
            )
    return {name: Model(name, **row) for name, row in table.items()}


def _check_aliases(aliases: Any, what: str) -> None:
    if not isinstance(aliases, list | tuple) or not all(isinstance(alias, str) and alias for alias in aliases):
        raise InputError(f"{what} are {aliases!r}. Give a list of names, such as [7net-0].")
    for alias in aliases:
        if any(end in alias for end in _ENDS):
            raise InputError(f"{what} have {alias!r}. A name is without : and ?, which end it where it is given.")
