"""The Python of the workers on a host: its versions, and the modules and packages that it finds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Set
from typing import Any

from adatom.engines.queue.far_end import version_of
from adatom.errors import InputError, SchedulerError

__all__ = ["FarPython"]

_NEEDED = ("adatom", "cloudpickle")  # packages without which no worker can read a task
_COMPARED = ("python", *_NEEDED, "ase", "numpy", "pymatgen")


class FarPython:
    """Interpreter on a host, of which exchanges bring knowledge.

    Parameters
    ----------
    command
        Command of the interpreter.
    host
        Host, as messages name it.

    Attributes
    ----------
    versions
        Versions of Python and packages there, by name, from the first exchange on.
    asked
        Modules and packages that the next exchange asks for.
    """

    def __init__(self, command: str, host: str) -> None:
        self.command, self._host = command, host
        self.versions: dict[str, str] = {}
        self.asked: Set[str] = set()
        self._found: dict[str, bool] = {}

    @property
    def question(self) -> dict[str, Any]:
        """Part of a message to the far end."""
        return {"packages": () if self.versions else _COMPARED, "modules": sorted(self.asked)}

    def learn(self, versions: dict[str, str], modules: Mapping[str, bool]) -> None:
        """Take note of the answer to `question`. Other versions than those here are a warning.

        Parameters
        ----------
        versions
            Versions by name of package; empty: it is not there.
        modules
            Whether modules and packages are there, by name.

        Raises
        ------
        SchedulerError
            A package without which no task can be read is not there.
        """
        self._found |= modules
        self.asked = set()
        if not versions:
            return
        self.versions = versions
        if missing := [name for name in _NEEDED if not versions[name]]:
            raise SchedulerError(
                f"{self.command} {self._host} has no {' and no '.join(missing)}, without which it cannot read a task. "
                f"Install it there (pip install {' '.join(missing)}), or name another `python` in the runner profile."
            )
        here = {name: version_of(name) for name in _COMPARED}
        if differ := [name for name in here if here[name] != versions[name]]:
            listed = ", ".join(f"{name} {versions[name] or 'is missing'} (here {here[name]})" for name in differ)
            warnings.warn(f"{self.command} {self._host} has other versions: {listed}.", stacklevel=2)

    def unknown(self, modules: Set[str]) -> Set[str]:
        """Return those modules and packages of which nothing is known yet.

        Parameters
        ----------
        modules
            Names of modules and packages.
        """
        return modules - self._found.keys()

    def check(self, name: str, modules: Set[str]) -> None:
        """Refuse a job that needs what is known to be missing.

        Parameters
        ----------
        name
            Name of the job.
        modules
            Names of the modules and packages that it needs.

        Raises
        ------
        InputError
            A module or package is not there.
        """
        if missing := sorted(module for module in modules if not self._found.get(module, True)):
            raise InputError(
                f"{name} imports {' and '.join(missing)}, which {self.command} {self._host} does not find. Install it "
                "there, or name another `python` in the runner profile."
            )
