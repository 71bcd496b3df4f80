"""Calculators that are installed for another Python, in a process of that Python."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.io.jsonio import decode, encode

from adatom.calculators.running import ending, last_lines, started
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.execution.context import current_job
from adatom.settings import get_settings

__all__ = ["InterpreterCalculator", "interpreter_of"]

_SERVER = Path(__file__).with_name("interpreter_server.py")
_OF_THIS_PYTHON = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP")
# Names of arrays of a structure, and of arguments of `ase.Atoms`.
_CARRIED = {"initial_magmoms": "magmoms", "initial_charges": "charges", "masses": "masses", "tags": "tags"}
_CARRIED_INFO = ("charge", "spin")  # by which models of molecules know the charge and the multiplicity


def interpreter_of(package: str, python: str | None = None) -> list[str] | None:
    """Return the command of the Python that a package is installed for; None: it is that of this process.

    Parameters
    ----------
    package
        Name of the package, in which the setting `interpreters` has ``_`` for ``-``.
    python
        Folder of an environment, or the Python in it, which comes before the setting; None: the setting counts.

    Raises
    ------
    InputError
        The command does not exist.
    """
    if python is not None:
        return [_python_in(python, package)]
    command = get_settings().interpreters.get(package.replace("-", "_"))
    if command is None:
        return None
    words = [os.path.expanduser(word) for word in shlex.split(command)]
    if len(words) == 1 and os.path.isdir(words[0]):  # of an environment
        words = [os.path.join(words[0], "bin", "python")]
    if not words or not shutil.which(words[0]):
        raise InputError(
            f"The Python of {package}, {command!r}, is not there, or cannot be run. Set {_variable(package)} to the "
            f"one that has {package}, such as /usr/bin/python3."
        )
    return words


def _python_in(given: str, package: str) -> str:
    """Return the path of the Python of an environment, which is given by its folder or by the Python itself."""
    path = os.path.expanduser(given)
    found = os.path.join(path, "bin", "python") if os.path.isdir(path) else path
    if not os.path.isabs(found) or not os.path.isfile(found) or not os.access(found, os.X_OK):
        raise InputError(
            f"The Python of {package}, {given!r}, is not there, or cannot be run: {found!r} is no program. Give as "
            f"python the folder of an environment that has {package}, from the root or from ~: ~/envs/{package}."
        )
    return found


class InterpreterCalculator(Calculator):
    """ASE calculator in a process of another Python, which lives until `close`.

    What the calculator prints is in the file ``PACKAGE.out`` of its directory.

    Parameters
    ----------
    package
        Name of the package that has the calculator, in the setting `interpreters`. Without a row there, the process has
        the Python of this one.
    make
        Class or function that makes the calculator, as ``module:attribute`` or ``file.py:attribute``.
    properties
        Properties that it computes, by ASE's names.
    arguments
        Arguments of `make`, or a function that returns them for a structure.
    carried
        Whether the calculator gets initial moments, initial charges, masses and tags of the structure, and the charge
        and spin in its ``info``.
    more
        Names of further files that the calculator writes its messages to.
    advice
        What to change where an SCF does not converge.
    anew
        Message of an error with which the calculator refuses a structure only for one before, so that the process is
        started anew. Empty: there is none.
    python
        Folder of an environment, or the Python in it, which comes before the setting; None: the setting counts.
    chooses_device
        Name of an argument of `make` for the first of ``"cuda"``, ``"mps"`` and ``"cpu"`` that torch finds there.
        Empty: there is none.

    Raises
    ------
    InputError
        The package is not installed.
    """

    discard_results_on_any_change = True

    def __init__(
        self,
        package: str,
        make: str,
        properties: Sequence[str],
        arguments: Mapping[str, Any] | Callable[[Atoms], Mapping[str, Any]],
        *,
        carried: bool = True,
        more: Sequence[str] = (),
        advice: str = "",
        anew: str = "",
        python: str | None = None,
        chooses_device: str = "",
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.implemented_properties = list(properties)
        self._package, self._make, self._arguments, self._carried = package, make, arguments, carried
        self._log, self._more, self._advice, self._anew = f"{package}.out", more, advice, anew
        self._given_python, self._chooses_device = python, chooses_device
        self._process: subprocess.Popen[str] | None = None
        self._running, self._idle = ExitStack(), True
        named = interpreter_of(package, python)
        if named is None and not find_spec(package):
            raise InputError(
                f"{package} is not installed for this Python. Install it, or set {_variable(package)} to a Python that "
                "has it, such as /usr/bin/python3."
            )
        self._python, self._is_another = named or [sys.executable], named is not None
        self.parameters.update({} if callable(arguments) else arguments, name=make.rpartition(":")[2])

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute properties of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.

        Raises
        ------
        InputError
            The other Python cannot import the calculator, or an argument cannot be sent to it.
        ConvergenceError
            The SCF did not converge.
        ProgramError
            The calculator raised another error, or its process ended.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        known = cast(Atoms, self.atoms)
        arguments = self._arguments(known) if callable(self._arguments) else self._arguments
        request = {
            "arguments": dict(arguments),
            "chooses_device": self._chooses_device,
            "atoms": self._described(known),
            "properties": list(properties),
        }
        try:
            line = encode(request)
        except TypeError as error:
            raise InputError(
                f"An argument of {self._package} cannot be sent to its Python: {error}. Give numbers, text, lists and "
                "dictionaries."
            ) from error
        line = line.replace("\n", " ")
        answer = self._ask(line)
        if self._anew and self._anew in answer.get("message", ""):
            self.close()
            answer = self._ask(line)
        if "error" in answer:
            raise self._error(answer["error"], answer["message"])
        self.results = answer["results"]

    def close(self) -> None:
        """End the process: at once if it computes, or else with its standard input."""
        if self._process is None:
            return
        process, self._process = self._process, None
        with self._running:
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what was not sent
                    if pipe is not None:
                        pipe.close()
            if self._idle:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)

    def __del__(self) -> None:
        with suppress(AttributeError):  # of one that could not be made
            self.close()

    def _described(self, atoms: Atoms) -> dict[str, Any]:
        """Return the arguments of `ase.Atoms` for what the calculator may know of a structure."""
        arrays = _CARRIED if self._carried else {}
        more = {argument: atoms.arrays[name] for name, argument in arrays.items() if name in atoms.arrays}
        info = {name: atoms.info[name] for name in _CARRIED_INFO if self._carried and name in atoms.info}
        return {
            "numbers": atoms.numbers,
            "positions": atoms.positions,
            "cell": atoms.cell.array,
            "pbc": atoms.pbc,
            **more,
            **({"info": info} if info else {}),
        }

    def _ask(self, line: str) -> Any:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        self._idle = False
        try:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        try:
            found = decode(answer)
            self._idle = "results" in found or "error" in found
        except (json.JSONDecodeError, TypeError):
            what = f"printed {answer.strip()!r} where its answer belongs" if answer else ending(process.wait())
            self.close()
            said = last_lines(Path(self.directory), *self._more, self._log)
            raise ProgramError("\n".join([f"The process of {self._package} {what}.", *said])) from None
        return found

    def _start(self) -> subprocess.Popen[str]:
        from adatom.execution.mpi import mpi_command  # which imports pydantic

        directory = Path(self.directory).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        needs = current_job().resources
        ranks = needs.ranks if needs else int(not get_settings().mpi)
        with (directory / self._log).open("a") as log:
            return self._running.enter_context(
                started(
                    mpi_command(*self._python, _SERVER, self._make, str(ranks)),
                    directory,
                    without=_OF_THIS_PYTHON if self._is_another else (),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
            )

    def _error(self, kind: str, message: str) -> Exception:
        if kind in ("ImportError", "ModuleNotFoundError"):
            advice = (
                f"Install {self._package} there, or give another python in the row of the model."
                if self._given_python
                else f"Set {_variable(self._package)} to a Python that has it."
            )
            return InputError(
                f"{shlex.join(self._python)} cannot import {self._make.rpartition(':')[0]}: {message}. {advice}"
            )
        if "converge" in f"{kind} {message}".lower():
            return ConvergenceError(f"The SCF of {self._package} did not converge: {message.strip()} {self._advice}")
        said = last_lines(Path(self.directory), *self._more)  # the log has the lines of code that led to the error
        return ProgramError("\n".join([f"{self._package} raised {kind}: {message}", *said]))


def _variable(package: str) -> str:
    return f"ADATOM_INTERPRETERS__{package.replace('-', '_').upper()}"
