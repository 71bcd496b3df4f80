"""The engines that are known, and the selected one."""

from __future__ import annotations

import logging
import os
import sys
import threading
import warnings
from concurrent.futures import wait
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from adatom.errors import MissingExtraError, UnknownNameError
from adatom.execution.engine import Engine
from adatom.settings import EMBEDDED_ENGINE, foreign_variables, get_settings

__all__ = [
    "close_engines",
    "engine_class",
    "engine_names",
    "get_engine",
    "installed_engine",
    "lasting_engine",
    "release",
]

logger = logging.getLogger(__name__)


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="adatom.engines")}


def engine_names() -> list[str]:
    """Return the names of all known engines, installed or not."""
    return sorted(_entry_points())


def engine_class(name: str) -> type[Engine]:
    """Return the class of an engine, whether its package is installed or not.

    Parameters
    ----------
    name
        Name of the engine, as in ``ADATOM_WORKFLOW_ENGINE``.

    Raises
    ------
    UnknownNameError
        No package registers such an engine.
    """
    points = _entry_points()
    if name not in points:
        raise UnknownNameError("engine", name, points, "Set ADATOM_WORKFLOW_ENGINE.")
    module, _, attribute = points[name].value.partition(":")
    return getattr(import_module(module), attribute)


def lasting_engine() -> str:
    """Return the name of the engine whose jobs go on without the script, for work that is to be done in batch jobs."""
    return next(name for name in engine_names() if engine_class(name).capabilities.outlives_driver)


def is_installed(kind: type[Engine]) -> bool:
    """Return whether the package of an engine is installed.

    Parameters
    ----------
    kind
        Class of the engine.
    """
    return kind.package is None or find_spec(kind.package.split(".")[0]) is not None


def local_workers() -> int:
    """Return the number of workers that an engine starts on this machine: the setting, or two to four by default."""
    return get_settings().local_workers if get_settings().local_workers > 1 else min(4, max(2, os.cpu_count() or 1))


@cache
def announce(message: str) -> None:
    """Say once that an engine started processes that the user did not ask for.

    Parameters
    ----------
    message
        Text that names the processes and their lifetime.
    """
    print(message, file=sys.stderr)


_engines: dict[tuple[str, Any], Engine] = {}
_making = threading.RLock()  # two threads at first use get one engine


def get_engine(runner: Any = None) -> Engine:
    """Return the selected engine, made at first use and kept until the interpreter ends.

    Parameters
    ----------
    runner
        Runner for the jobs; None: the engine chooses one, as `Engine` says.

    Raises
    ------
    UnknownNameError
        No package registers the selected engine.
    MissingExtraError
        The package of the engine is not installed.
    EngineError
        The engine cannot be reached or started, or takes no runner.
    """
    settings = get_settings()
    name = settings.workflow_engine
    if runner is None and engine_class(name).runs_this():
        name, runner = EMBEDDED_ENGINE, 1  # one worker: this process
    of_settings = tuple(getattr(settings, setting) for setting in engine_class(name).of_settings)
    key = (name, id(runner) if runner is not None else of_settings)
    engine = _engines.get(key)
    if engine is None or engine.runner is not runner or engine.lost:
        with _making:
            engine = _engines.get(key)
            if engine and engine.lost:
                _drop(engine)
                engine = None
            if engine is None or engine.runner is not runner:
                if line := foreign_variables():
                    announce(line)
                engine = _engines[key] = installed_engine(name)(runner)
                # The standard library's hook for pools: by the time of `atexit` no thread pool works any more.
                threading._register_atexit(_end, engine, os.getpid())  # type: ignore[attr-defined]
                if engine.has_helpers():
                    threading.Thread(target=_look_after, args=(engine,), daemon=True).start()
    return engine


def _look_after(engine: Engine) -> None:
    """Give up an engine when a helper process without which it cannot work has died."""
    told = False
    while not engine.ended.wait(_INTERVAL):
        try:
            reason = engine.look_after()
        except Exception:  # a look that fails says nothing about the helpers, and the next one may not
            if not told:
                logger.warning("adatom cannot see whether the helpers of %s live.", engine.name, exc_info=True)
            told = True
            continue
        if reason:
            engine.give_up(reason)
            return


_INTERVAL = 1.0  # seconds between two looks at the helper processes of an engine


def installed_engine(name: str) -> type[Engine]:
    """Return the class of an engine, whose package must be installed.

    Parameters
    ----------
    name
        Name of the engine, as in ``ADATOM_WORKFLOW_ENGINE``.

    Raises
    ------
    UnknownNameError
        No package registers such an engine.
    MissingExtraError
        The package of the engine is not installed.
    """
    kind = engine_class(name)
    if not is_installed(kind):
        assert kind.package is not None
        raise MissingExtraError(kind.package, name)
    return kind


def _forget() -> None:
    """Let a process that was forked make engines of its own: it has none of the threads of these."""
    global _making
    _engines.clear()
    _making = threading.RLock()


os.register_at_fork(after_in_child=_forget)


def _end(engine: Engine, pid: int) -> None:
    """End an engine at exit, after all submitted jobs, as with every pool, unless the user pressed Ctrl-C."""
    if os.getpid() != pid:
        return
    interrupted = getattr(sys, "last_type", None) is KeyboardInterrupt
    if not interrupted:
        wait(list(engine.standing))
        for future in engine.standing:
            if not getattr(future, "seen", True):
                print(f"Nobody looked at this failure:\n{future.result().describe()}", file=sys.stderr)
    if engine in _engines.values():
        _drop(engine, at_once=interrupted)


def drop_engine(engine: Engine, at_once: bool = False) -> None:
    """End an engine; the next use makes a new one.

    Parameters
    ----------
    engine
        Engine that is to end.
    at_once
        Whether to end the running jobs, too, as the user asked for the end. What goes wrong then is a warning: the
        user's Ctrl-C must not be lost for it.
    """
    for key, known in list(_engines.items()):
        if known is engine:
            del _engines[key]
    engine.ended.set()
    if at_once:
        for end in (engine.interrupt, engine.close):
            try:
                end()
            except Exception as error:
                _warn_of_end(engine, error)
    else:
        engine.close()


def release(runner: Any, at_once: bool = False) -> None:
    """End the engines that use a runner which is about to close.

    Parameters
    ----------
    runner
        Runner that the engines were given.
    at_once
        Whether to end the running jobs, too.
    """
    for engine in [engine for engine in _engines.values() if engine.runner is runner]:
        _drop(engine, at_once)


def close_engines() -> None:
    """End all engines of this process, with all that they started."""
    for engine in list(_engines.values()):
        _drop(engine)


def _drop(engine: Engine, at_once: bool = False) -> None:
    try:
        drop_engine(engine, at_once)
    except Exception as error:  # one engine that cannot end must not keep another alive
        _warn_of_end(engine, error)


def _warn_of_end(engine: Engine, error: Exception) -> None:
    said = str(error) or type(error).__name__
    warnings.warn(f"The {engine.name} engine did not end in order: {said}", stacklevel=1)
