"""Modules and packages that a call needs in any case, so that a Python without them can be refused beforehand."""

from __future__ import annotations

import ast
import inspect
import io
import pickle
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

import cloudpickle

from adatom.engines.queue.user_code import is_own
from adatom.execution.arguments import read_arguments
from adatom.execution.call import Call, read_function
from adatom.execution.needs import needs_said

__all__ = ["needs_of"]

_ELSEWHERE = {*sys.stdlib_module_names, "__main__", "__mp_main__", "adatom", "cloudpickle"}  # have been seen to


def needs_of(call: Call) -> frozenset[str]:
    """Return the names of the installed modules and packages that a call needs in any case.

    These are the modules that the pickles of its function and arguments name, those that the function imports before it
    can return, those that modules of the user among them import, and what the function says itself. What is imported
    under a condition does not count.

    Parameters
    ----------
    call
        Call of a job, or of a part of a stream.
    """
    found = _of_function(call.function) | _installed(_named(call.arguments))
    said = needs_said(read_function(call.function), *read_arguments(call.arguments))
    return found.union(*({need} if isinstance(need, str) else _of_plain(_plain(need)) for need in said))


@lru_cache(maxsize=128)
def _of_function(function: bytes) -> frozenset[str]:
    """Return the modules that a pickled function needs in any case."""
    return _installed(_named(function) | {*_imports(_source(_plain(read_function(function))), of_function=True)})


@lru_cache(maxsize=128)
def _of_plain(function: Callable[..., Any]) -> frozenset[str]:
    return _of_function(cloudpickle.dumps(function))


@lru_cache(maxsize=128)
def _installed(names: frozenset[str]) -> frozenset[str]:
    """Return the top-level names of the installed modules among some, and among those that the user's import."""
    left, seen, found = {*names}, set(), set()
    while left:
        name = left.pop()
        if name in seen or name.partition(".")[0] in _ELSEWHERE:
            continue
        seen.add(name)
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and is_own(file):
            left |= {*_imports(Path(file).read_text(errors="replace")), name.rpartition(".")[0]} - {""}
        else:
            found.add(name.partition(".")[0])
    return frozenset(found)


def _named(packed: bytes) -> frozenset[str]:
    """Return the modules that pickles of this process, one behind the other, name."""
    file = io.BytesIO(packed)
    named: set[str] = set()
    while file.tell() < len(packed):
        _Reader(file, named).load()
    return frozenset(named)


class _Reader(pickle.Unpickler):
    """Reader of a pickle of this process that takes note of the modules that the pickle names."""

    def __init__(self, file: io.BytesIO, named: set[str]) -> None:
        super().__init__(file)
        self._names = named

    def find_class(self, module: str, name: str) -> Any:
        self._names.add(module)
        found = super().find_class(module, name)
        return self._of(found) if name == "subimport" else found  # by which cloudpickle names a module

    def _of(self, subimport: Any) -> Any:
        def noted(name: str) -> Any:
            self._names.add(name)
            return subimport(name)

        return noted


def _plain(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function that a decorated function, a method or one with given arguments calls, or else the class."""
    while isinstance(function := inspect.unwrap(function), partial):
        function = function.func
    function = getattr(function, "__func__", function)
    known = isinstance(function, FunctionType | BuiltinFunctionType | type)
    return function if known else type(function)  # an instance may be large, or have no hash


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):  # it has none
        return ""


def _imports(source: str, of_function: bool = False) -> Iterator[str]:
    """Yield the names of the modules that a function, or a module, imports without a condition."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a part of an expression
        return
    if of_function:
        body = body[0].body if body and isinstance(body[0], ast.FunctionDef | ast.AsyncFunctionDef) else []
    yield from _imports_of(body)


def _imports_of(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Import():
                yield from (alias.name for alias in statement.names)
            case ast.ImportFrom(module=str(), level=0):
                yield str(statement.module)
            case ast.Try() if all(isinstance(handler.body[-1], ast.Raise) for handler in statement.handlers):
                yield from _imports_of(statement.body)  # a module that is missing ends in another exception
        if any(isinstance(part, ast.Return) for part in ast.walk(statement)):
            return
