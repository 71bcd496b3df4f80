"""Digest of the code of a function and of the helpers that it calls.

The digest is made from loaded bytecode, not from the file, which may have been edited since. Comments, layout,
docstrings, annotations of functions and line numbers do not count.
"""

from __future__ import annotations

import builtins
import dis
import sys
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module, metadata
from importlib.util import find_spec
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from adatom.cache.canonical import Canonical, UnhashableError, digest

__all__ = ["Source", "describe_code", "source_of"]

# Packages of adatom that run jobs and record them do not change the result of a job.
_OF_RUNNING = "cache cli engines errors execution journal settings utils workflow"
_NOT_COUNTED = tuple(f"adatom.{name}" for name in _OF_RUNNING.split())
_FIXED = (FunctionType, BuiltinFunctionType, ModuleType, type, str, int, float, bool, type(None))
_ABSENT = object()
_SKIPPED = frozenset({"CACHE", "NOP", "RESUME", "EXTENDED_ARG", "PRECALL", "PUSH_NULL"})  # instructions of no meaning
_HIDDEN = {"__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__annotations__", "__slotnames__"}


class Source:
    """Code of a function or class, with that of its helpers.

    Parameters
    ----------
    function
        Function or class to look into.

    Attributes
    ----------
    pieces
        Digest of each function and class of the user, of the function's own package and of adatom, by name; and the
        version of each other package that they use, by its name.
    digest
        Digest of all pieces, 32 hexadecimal digits.
    subject
        Function or class that was given.
    """

    def __init__(self, function: Any) -> None:
        self.subject = function
        self._found: dict[str, set[str]] = {}
        self._package = _package(function)
        self._seen: set[int] = set()
        self._kept: list[Any] = []  # keeps objects alive: Python reuses the id of one that is gone
        self._looked_up: list[tuple[Callable[[], Any], Any, str]] = []
        self._canonical = Canonical(self._noted)
        self._walk(function)
        # Several functions, such as lambdas, may share a name.
        self.pieces = {name: "+".join(sorted(found)) for name, found in sorted(self._found.items())}
        self.digest = digest(repr(self.pieces))

    def is_current(self) -> bool:
        """Return whether the user's names still have their values; running a notebook cell again may change them."""
        return all(
            (now := look()) is value and (type(value) in _FIXED or self._constant(now) == text)
            for look, value, text in self._looked_up
        )

    def _walk(self, value: Any) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        self._kept.append(value)
        if isinstance(value, FunctionType | type):
            if self._counts(value):
                text = self._of_function(value) if isinstance(value, FunctionType) else self._of_class(value)
                self._found.setdefault(_name(value), set()).add(digest(text))
            return
        for inner in _wrapped(value):
            self._walk(inner)

    def _counts(self, value: Any) -> bool:
        """Return whether the code of a function or class counts; otherwise the version of its package may."""
        module = getattr(value, "__module__", None) or ""
        return not module.startswith(_NOT_COUNTED) and self._is_own(module.partition(".")[0])

    def _is_own(self, package: str) -> bool:
        """Return whether the code of a package counts; of installed packages of others, record the version instead."""
        if package in ("", "builtins") or package in sys.stdlib_module_names:
            return False
        version = None if package in (self._package, "adatom") else installed_version(package)
        if version is not None:
            self._found[package] = {version}
        return version is None

    def _of_function(self, function: FunctionType) -> str:
        return self._canonical.text(
            (
                self._of_code(function.__code__, function),
                [self._constant(value) for value in function.__defaults__ or ()],
                {key: self._constant(value) for key, value in (function.__kwdefaults__ or {}).items()},
            )
        )

    def _of_class(self, kind: type) -> str:
        held = {}
        for name, value in vars(kind).items():
            if name not in _HIDDEN and not name.startswith(("_abc_", "__pydantic", "__dataclass_", "__static_attr")):
                held[name] = self._constant(value)
        for base in kind.__bases__:
            self._walk(base)
        return self._canonical.text((held, [_name(base) for base in kind.__bases__]))

    def _of_code(self, code: CodeType, function: FunctionType) -> list[Any]:
        """Return the instructions of code, each with its argument and with the value of the name that it loads."""
        steps: list[Any] = []
        of_user = not (_package(function) == "adatom" or installed_version(_package(function)))
        names = _Names(function, self._imported)
        for step in dis.get_instructions(code):
            value, look = step.argval, names.follow(step.opname, step.argval)
            if step.opname in _SKIPPED:
                continue
            meaning = self._of_code(value, function) if isinstance(value, CodeType) else self._plain(value)
            text = self._constant(names.loaded)
            if of_user and look is not None and names.loaded is not _ABSENT:
                self._looked_up.append((look, names.loaded, text))
            steps.append((step.opname, meaning, text))
        return steps

    def _imported(self, name: str) -> Any:
        """Return a module that a function imports when it is called, if its code counts."""
        if self._is_own(name.partition(".")[0]) and not name.startswith(_NOT_COUNTED):
            try:
                return import_module(name)
            except ImportError:
                pass  # an optional package that is not installed
        return _ABSENT

    def _constant(self, value: Any) -> str:
        """Return text for the value of a name: code is walked and named, data becomes canonical text."""
        if value is _ABSENT:
            return ""
        if isinstance(value, ModuleType):
            return value.__name__
        self._walk(value)
        if callable(value) or isinstance(value, property | staticmethod | classmethod):
            return _name(value)
        return self._plain(value)

    def _plain(self, value: Any) -> str:
        kind = type(value)
        if _package(kind) in ("builtins", "numpy", "ase") or self._counts(kind):
            try:
                return self._canonical.text(value)
            except (UnhashableError, RecursionError):
                pass  # such as a lock
        return _name(kind)  # such as a logger or a random generator

    def _noted(self, value: Any) -> str:
        """Return text for a function or class that is found among data."""
        self._walk(value)
        return _name(value)


class _Names:
    """Values of the names in a function's code, as far as they are known before the code runs.

    Parameters
    ----------
    function
        Function whose globals and cells the names are looked up in.
    imported
        Function that is given the name of a module and returns the module, or `_ABSENT`.

    Attributes
    ----------
    loaded
        Value that the last instruction loads; `_ABSENT` if it is not known, or if the instruction loads none.
    """

    def __init__(self, function: FunctionType, imported: Callable[[str], Any]) -> None:
        self._function, self._imported = function, imported
        self.loaded = self._module = _ABSENT
        self._local: dict[str, Any] = {}

    def follow(self, opname: str, name: Any) -> Callable[[], Any] | None:
        """Take the next instruction, and return a function that looks its name up again; None if it looks none up.

        Parameters
        ----------
        opname
            Name of the instruction, as `dis` gives it.
        name
            Argument of the instruction.
        """
        before, self.loaded = self.loaded, _ABSENT
        look: Callable[[], Any] | None = None
        if opname in _LOOKUPS:
            look = partial(_LOOKUPS[opname], self._function, name)
        elif opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(before, ModuleType | type):
            look = partial(getattr, before, name, _ABSENT)
        elif opname == "IMPORT_NAME":
            self.loaded = self._module = self._imported(name)
        elif opname == "IMPORT_FROM":
            self.loaded = getattr(self._module, name, _ABSENT)
        elif opname == "STORE_FAST":
            self._local[name] = before
        elif opname == "LOAD_FAST":
            self.loaded = self._local.get(name, _ABSENT)
        if look is not None:
            self.loaded = look()
        return look


def describe_code(value: Any) -> str:
    """Return the name of a function or class with a digest of its code or, of an installed package, with its version.

    Parameters
    ----------
    value
        Function, builtin function or class.
    """
    name, package = _name(value), _package(value)
    if isinstance(value, BuiltinFunctionType) or package in ("", "builtins") or package in sys.stdlib_module_names:
        return name
    version = None if package == "adatom" else installed_version(package)
    if version is not None:
        return f"{name}={version}"
    return f"{name}={source_of(value).digest}"


def source_of(function: Any) -> Source:
    """Return the code of a function or class. It is looked up once, and again after it has changed.

    Parameters
    ----------
    function
        Function or class to look into.
    """
    known = _known.get(id(function))
    if known is None or known.subject is not function or not known.is_current():
        if len(_known) > 1000:  # as after many functions that were made in a loop
            _known.clear()
        known = _known[id(function)] = Source(function)
    return known


_known: dict[int, Source] = {}


def _name(value: Any) -> str:
    module = getattr(value, "__module__", None) or type(value).__module__
    return f"{module}.{getattr(value, '__qualname__', None) or type(value).__qualname__}"


def _package(value: Any) -> str:
    return (getattr(value, "__module__", None) or "").partition(".")[0]


def _wrapped(value: Any) -> tuple[Any, ...]:
    """Return the functions, and the arguments of a partial function, that a callable is made of."""
    if isinstance(value, partial):
        return value.func, *value.args, *value.keywords.values()
    if isinstance(value, MethodType | staticmethod | classmethod):
        return (value.__func__,)
    if isinstance(value, property):
        return value.fget, value.fset, value.fdel
    if isinstance(getattr(value, "_fn", None), FunctionType):  # a job or flow
        return (value._fn,)
    return (value.__wrapped__,) if hasattr(value, "__wrapped__") else ()


def _global(function: FunctionType, name: str) -> Any:
    found = function.__globals__.get(name, _ABSENT)
    return _ABSENT if found is _ABSENT and hasattr(builtins, name) else found


def _cell(function: FunctionType, name: str) -> Any:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    try:
        return cells[name].cell_contents
    except (KeyError, ValueError):  # a variable of the function itself, or a cell without a value yet
        return _ABSENT


_LOOKUPS: dict[str, Callable[[FunctionType, str], Any]] = {
    "LOAD_GLOBAL": _global,
    "LOAD_NAME": _global,
    "LOAD_DEREF": _cell,
    "LOAD_CLASSDEREF": _cell,
    "LOAD_CLOSURE": _cell,
}


@cache
def installed_version(package: str) -> str | None:
    """Return the version of an installed package; None for files that the user may edit, as in an editable install.

    Parameters
    ----------
    package
        Name under which the package is imported.
    """
    try:
        spec = find_spec(package)
    except (ValueError, ImportError):  # such as of __main__
        return None
    places = [spec.origin or "", *(spec.submodule_search_locations or ())] if spec else []
    if not any(part in place for place in places for part in ("site-packages", "dist-packages")):
        return None
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:  # its distribution has another name
        names = metadata.packages_distributions().get(package, ())
        return metadata.version(names[0]) if names else ""
