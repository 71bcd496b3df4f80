"""VASP under custodian, whose handlers correct the input of a run that fails, and start VASP again."""

from __future__ import annotations

import ast
import inspect
import logging
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from adatom.calculators.running import end, ending, failure_of, started
from adatom.calculators.vasp.stopping import check_stopped
from adatom.errors import AdatomError, ConvergenceError, InputError, MissingExtraError, ProgramError, UnknownNameError
from adatom.settings import get_settings

__all__ = ["Correction", "Supervision", "check_supervision", "supervision"]

logger = logging.getLogger(__name__)

# The tests see each of them at work. Left out are LargeSigmaHandler and KspacingMetalHandler, for which a smearing and
# k points that the user gave may be an error in some structures of a flow, and none in others.
HANDLERS = (
    "VaspErrorHandler",
    "StdErrHandler",
    "MeshSymmetryErrorHandler",
    "UnconvergedErrorHandler",
    "NonConvergingErrorHandler",
    "PotimErrorHandler",
    "PositiveEnergyErrorHandler",
    "FrozenJobErrorHandler",
    "IncorrectSmearingHandler",
)
VALIDATORS = ("VasprunXMLValidator", "VaspFilesValidator", "VaspNpTMDValidator")
_RECOMMENDED = "recommended"
_NOT_HERE = ("ScanMetalHandler", "WalltimeHandler")  # an old name; it counts from the first run of this process
_OF_CONVERGENCE = ("UnconvergedErrorHandler", "NonConvergingErrorHandler")
_POLL = 0.1  # s
_NEXT = "Change the input by calc_kwargs, or look at the structure."


class Correction(TypedDict):
    """Errors that one of custodian's handlers found, and its changes.

    Attributes
    ----------
    handler
        Name of the handler's class.
    errors
        Names of the errors.
    actions
        What was changed for the next run, such as ``"INCAR: ALGO = All"``.
    """

    handler: str
    errors: list[str]
    actions: list[str]


@dataclass
class Supervision:
    """Handlers and validators for one run, and what they did.

    Attributes
    ----------
    handlers, validators
        Objects of custodian.
    corrections
        Corrections that were made.
    """

    handlers: Sequence[Any]
    validators: Sequence[Any]
    corrections: list[Correction] = field(default_factory=list)

    def run(
        self,
        name: str,
        command: Callable[[], Sequence[str]],
        directory: Path,
        output: str,
        errors: str,
        watch: Callable[[], None] | None,
    ) -> dict[str, Any]:
        """Run VASP until it ends without an error, or with one that cannot be corrected.

        Parameters
        ----------
        name
            Name of the program, for messages.
        command
            Function that returns the words of the command for the input in `directory`.
        directory, output, errors, watch
            Same as in `adatom.calculators.running.run_program`.

        Returns
        -------
        dict
            Parameters of ASE's calculator that were changed.

        Raises
        ------
        ProgramError, ConvergenceError
            An error remains. The latter if it is that the SCF or the relaxation did not converge.
        """
        from custodian import custodian
        from custodian.utils import tracked_lru_cache

        def start(stack: ExitStack) -> Any:
            out, err = (stack.enter_context((directory / name).open("wb")) for name in (output, errors))
            streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err}
            return stack.enter_context(started(command(), directory, watch=watch, **streams))

        before = _input(directory)
        most, check_every = get_settings().vasp_max_errors, get_settings().vasp_check_every
        with ExitStack() as stack:
            job = _job(stack, start)
            supervisor = custodian.Custodian(
                [_stopped_first(), *self.handlers],
                [job],
                validators=self.validators,
                max_errors=most + 1,
                polling_time_step=min(_POLL, check_every),
                monitor_freq=max(1, round(check_every / _POLL)),
                directory=str(directory),
            )
            try:
                supervisor.run()
                cause = ""
            except AdatomError:
                raise
            except custodian.ReturnCodeError:
                cause = "no handler knows why"
            except custodian.ValidationError as error:
                cause = f"{type(error.validator).__name__} refuses its output"
            except custodian.CustodianError:
                cause = "an error remains"
            except Exception as error:  # of a handler, which may read a file that is not whole
                cause = f"a handler failed with {type(error).__name__}: {error}"
            finally:
                tracked_lru_cache.tracked_cache_clear()  # it knows files by their names, which a later run has again
                self._note(supervisor.run_log)
        if cause:
            ended = ending(job.process.returncode) if job.process and job.process.returncode else "failed"
            raise self._error(f"{name} {ended}, and under custodian {cause}", directory, output, errors)
        return _changes(before, _input(directory))

    def _note(self, log: Sequence[Mapping[str, Any]]) -> None:
        for found in (one for job in log for one in job["corrections"]):
            handler = type(found["handler"]).__name__
            actions = [text for action in found["actions"] or () for text in _told(action)]
            self.corrections.append(
                {"handler": handler, "errors": [str(one) for one in found["errors"]], "actions": actions}
            )
            logger.warning("VASP: %s", _sentence(self.corrections[-1]))

    def _error(self, said: str, directory: Path, output: str, errors: str) -> AdatomError:
        lines = [said, *(f"  {number}. {_sentence(one)}" for number, one in enumerate(self.corrections, 1))]
        if self.corrections:
            lines[0] += ":"
            lines.append("The files of each run that failed are in error.*.tar.gz, and INCAR has all corrections")
            if len(self.corrections) > get_settings().vasp_max_errors:
                lines[-1] += ". ADATOM_VASP_MAX_ERRORS is the number that are corrected"
        lines[-1] += f". Directory: {directory}"
        error = failure_of("\n".join(lines), directory, output, errors, "OUTCAR")
        if isinstance(error, ProgramError) and self.corrections and self.corrections[-1]["handler"] in _OF_CONVERGENCE:
            return ConvergenceError(f"{error}\n{_NEXT}")
        return type(error)(f"{error}\n{_NEXT}")


def supervision() -> Supervision | None:
    """Return the handlers and validators of the settings; None if there are none.

    Raises
    ------
    UnknownNameError
        One of them does not exist.
    InputError
        One of them has no such options.
    MissingExtraError
        custodian is not installed.
    """
    settings = get_settings()
    if not (settings.vasp_handlers or settings.vasp_validators):
        return None
    try:
        from custodian.custodian import ErrorHandler, Validator
        from custodian.vasp import handlers, validators
    except ImportError as error:
        raise MissingExtraError("custodian", "custodian") from error
    return Supervision(
        _made("vasp_handlers", settings.vasp_handlers, HANDLERS, handlers, ErrorHandler),
        _made("vasp_validators", settings.vasp_validators, VALIDATORS, validators, Validator),
    )


def check_supervision() -> None:
    """Refuse settings of which `supervision` can make nothing. The errors are the same."""
    supervision()


def _made(key: str, calls: Sequence[str], recommended: Sequence[str], module: Any, base: type) -> list[Any]:
    known = {
        name: kind
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and issubclass(kind, base) and kind is not base and name not in _NOT_HERE
    }
    wanted: dict[str, dict[str, Any]] = {}
    for call in calls:
        if call == _RECOMMENDED:
            wanted = {**{name: {} for name in recommended}, **wanted}
            continue
        name, options = _parsed(key, call)
        if name not in known:
            hint = "adatom itself stops VASP in time." if name == "WalltimeHandler" else ""
            raise UnknownNameError(f"name in {key}", name, [*known, _RECOMMENDED], hint)
        wanted[name] = options
    made = []
    for name, options in wanted.items():
        parameters = inspect.signature(known[name]).parameters
        if unknown := sorted(options.keys() - parameters):
            raise UnknownNameError(f"option of {name}", unknown[0], parameters)
        files = {word: "vasp.err" for word, one in parameters.items() if one.default == "std_err.txt"}
        made.append(known[name](**{**files, **options}))
    return made


def _parsed(key: str, call: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of a call such as ``FrozenJobErrorHandler(timeout=3600)``."""
    try:
        tree = ast.parse(call, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
            return tree.func.id, {str(word.arg): ast.literal_eval(word.value) for word in tree.keywords}
    except (SyntaxError, ValueError):
        pass
    raise InputError(
        f"{key} has {call!r}. Give the name of a class, with options as in FrozenJobErrorHandler(timeout=3600)."
    )


def _job(stack: ExitStack, start: Callable[[ExitStack], Any]) -> Any:
    """Return custodian's job, which starts VASP as adatom does."""
    from custodian.custodian import Job

    class Vasp(Job):
        process: Any = None

        def setup(self, directory: str = "") -> None: ...

        def postprocess(self, directory: str = "") -> None: ...

        def run(self, directory: str = "") -> Any:
            stack.close()  # what the run before it has left
            self.process = start(stack)
            return self.process

        def terminate(self, directory: str = "") -> None:
            end(self.process)

        def as_dict(self) -> dict[str, Any]:
            return {"name": "vasp"}

    return Vasp()


def _stopped_first() -> Any:
    """Return a handler that lets none of those after it correct a run which has been stopped in time."""
    from custodian.custodian import ErrorHandler

    class Stopped(ErrorHandler):
        def check(self, directory: str = "") -> bool:
            check_stopped(Path(directory))
            return False

        def correct(self, directory: str = "") -> dict[str, Any]:
            raise NotImplementedError

    return Stopped()


def _input(directory: Path) -> dict[str, Any]:
    """Return INCAR and KPOINTS, as parameters of ASE's calculator."""
    from pymatgen.io.vasp.inputs import Incar, Kpoints

    found = {tag.lower(): value for tag, value in Incar.from_file(directory / "INCAR").items()}
    if (directory / "KPOINTS").exists():
        points = Kpoints.from_file(directory / "KPOINTS")
        if points.num_kpts == 0:
            found["gamma"] = points.style.name == "Gamma"
            found["kpts"] = [int(number) for number in points.kpts[0]]
    return found


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {key: after.get(key) for key in {**before, **after} if np.any(before.get(key) != after.get(key))}


def _told(action: Mapping[str, Any]) -> list[str]:
    """Return what an action of custodian changes."""
    told = []
    for verb, what in action.get("action", {}).items():
        if "file" in action:
            told.append(f"{action['file']}: {verb.strip('_').replace('_', ' ')} {what.get('dest', '')}".rstrip())
        elif verb == "_unset":
            told += [f"{action['dict']}: {tag} removed" for tag in what]
        elif "structure" in what:
            told.append(f"{action['dict']}: another structure")
        else:
            told += [f"{action['dict']}: {tag} = {value}" for tag, value in what.items()]
    return told


def _sentence(one: Correction) -> str:
    return f"{one['handler']} found {', '.join(one['errors'])}; {', '.join(one['actions']) or 'nothing helps'}"
