"""Modules that a job imports in any case, so that a Python without them can be refused before the job is sent there."""

from __future__ import annotations

import ast
import inspect
import io
import pickle
import sys
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from adatom.engines.queue.user_code import is_own

__all__ = ["needed_modules"]

_ELSEWHERE = {*sys.stdlib_module_names, "__main__", "__mp_main__", "adatom", "cloudpickle"}  # have been seen to


@lru_cache(maxsize=128)
def needed_modules(function: bytes) -> frozenset[str]:
    """Return the top-level names of the installed modules that a function imports in any case.

    These are the modules that its pickle names, those that the function imports before it can return, and those that
    modules of the user among them import. What is imported under a condition does not count.

    Parameters
    ----------
    function
        Pickled function.
    """
    reader = _Reader(io.BytesIO(function))
    plain = inspect.unwrap(reader.load())
    left, seen = {*reader.named, *_imports(_source(plain), of_function=True)}, set()
    found = set()
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


class _Reader(pickle.Unpickler):
    """Reader of a pickle of this process that takes note of the modules that the pickle names."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self.named: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.named.add(module)
        found = super().find_class(module, name)
        return self._of(found) if name == "subimport" else found  # by which cloudpickle names a module

    def _of(self, subimport: Any) -> Any:
        def noted(name: str) -> Any:
            self.named.add(name)
            return subimport(name)

        return noted


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
    for statement in body:
        match statement:
            case ast.Import():
                yield from (alias.name for alias in statement.names)
            case ast.ImportFrom(module=str(), level=0):
                yield str(statement.module)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _ if any(isinstance(part, ast.Return) for part in ast.walk(statement)):
                return
