"""Digest of the code of a function, of the helpers that it calls, and of the values that they reach.

The digest is made from loaded bytecode, not from the file, which may have been edited since. Comments, layout,
docstrings, annotations of functions and line numbers do not count.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import EnumType
from functools import partial
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any

from adatom.cache.canonical import Canonical
from adatom.cache.classes import HIDDEN_DEFAULTS, counted_attributes, is_foreign
from adatom.cache.fixed import fixed_parts, is_fixed, parts_of_step
from adatom.cache.names import ABSENT, Names, is_builtin_name, shape_of, steps_of
from adatom.cache.packages import installed_version, is_builtin, module_of, name_of, package_of
from adatom.cache.places import Places, is_same
from adatom.cache.reduced import is_made, type_name
from adatom.cache.refinement import refined
from adatom.cache.unhashable import UnhashableError, digest

__all__ = ["Source", "describe_code", "source_of"]

# Packages of adatom that run jobs and record them do not change the result of a job.
_OF_RUNNING = "cache cli engines errors execution journal settings utils workflow"
_NOT_COUNTED = tuple(f"adatom.{name}" for name in _OF_RUNNING.split())
# Packages with types of plain values.
_OF_VALUES = frozenset({"argparse", "ase", "builtins", "datetime", "decimal", "fractions", "numpy", "types"})
_CODE = (FunctionType, type, ModuleType)


class Source:
    """Code of a function, class or module, with that of its helpers, and the values that they reach.

    Parameters
    ----------
    subject
        Function, class or module to look into.

    Attributes
    ----------
    pieces
        Digest of each function and class of the user, of the function's own package and of adatom, by name; and the
        version of each other package that they use, by its name.
    digest
        Digest of all that counts, 32 hexadecimal digits.
    subject
        Function, class or module that was given.

    Raises
    ------
    UnhashableError
        The code reaches a value that has no canonical text; the message names it.
    """

    def __init__(self, subject: Any) -> None:
        self.subject = subject
        self._package = package_of(subject)
        self._versions: dict[str, str] = {}
        self._numbers: dict[int, int] = {}  # of what is met, by id
        self._met: list[Any] = []  # keeps objects alive, too: Python reuses the id of one that is gone
        self._watched: dict[Any, tuple[partial[Any], Any, tuple[Any, ...] | None, Any]] = {}
        self._places = Places()
        self._watched_names: set[tuple[int, str]] = set()
        self._canonical = Canonical(self._noted, ("info", "arrays", "results"))
        self._is_shipped = False  # whether the code that is looked into is adatom's
        self._number(getattr(subject, "_fn", subject))
        texts, met = [], []
        for found in self._met:  # grows on the way
            self._canonical.met = []
            self._is_shipped = package_of(found) == "adatom"
            texts.append(self._text_of(found))
            met.append(self._canonical.met)
        pieces: dict[str, set[str]] = {}  # several functions, such as lambdas, may share a name
        for found, text in zip(self._met, texts, strict=True):
            pieces.setdefault(name_of(found), set()).add(digest(text))
        self.pieces = {name: "+".join(sorted(found)) for name, found in sorted(pieces.items())}
        self.pieces |= dict(sorted(self._versions.items()))
        self.digest = digest(repr((refined(texts, met), sorted(self._versions.items()))))

    def is_current(self) -> bool:
        """Return whether all names still have their values; running a notebook cell again may change them."""
        if not self._places.are_current():
            return False
        for find, value, parts, described in self._watched.values():
            found = find()
            same = found is value and parts is not None and (not parts or is_same(parts_of_step(found), parts))
            if not same and self._described(found) != described:
                return False
        return True

    def _described(self, value: Any) -> Any:
        before, self._canonical.met = self._canonical.met, []
        try:
            return self._canonical.text(value), self._canonical.met
        except (UnhashableError, RecursionError):
            return type_name(value), []
        finally:
            self._canonical.met = before

    def _number(self, value: Any) -> int:
        number = self._numbers.setdefault(id(value), len(self._met))
        if number == len(self._met):
            self._met.append(value)
        return number

    def _noted(self, value: Any) -> str:
        """Return the name of a function, class or module, and look into it later if its content counts."""
        if module_of(value).startswith(_NOT_COUNTED):
            return name_of(value)
        own = self._is_own(package_of(value))
        if isinstance(value, ModuleType):
            counts = own and not self._is_lenient(value)
        else:
            counts = isinstance(value, FunctionType | type) and (own or is_made(value))
        if counts:
            self._canonical.met.append(self._number(value))
        elif isinstance(value, type):
            self._note_patches(value)
        return name_of(value)

    def _note_patches(self, kind: type) -> None:
        """Look into functions of the user that are attributes of a library's class."""
        if not self._is_shipped:
            self._places.add_class(kind)
        for function in filter(is_foreign, vars(kind).values()):
            self._noted(function)

    def _is_own(self, package: str) -> bool:
        """Return whether the code of a package counts; of installed packages of others, record the version instead."""
        if is_builtin(package):
            return False
        version = None if package in (self._package, "adatom") else installed_version(package)
        if version is not None:
            self._versions[package] = version
        return version is None

    def _value(self, look: partial[Any], where: str, lenient: bool = False, inside: str = "") -> str:
        """Return the text of a value, which is looked up again when the source is asked for again."""
        value, outer = look(), self._canonical.met
        met: list[Any] = []
        self._canonical.met = met
        try:
            text = self._canonical.text(value, where)
        except (UnhashableError, RecursionError) as error:
            if not lenient:
                where, why = error.args if isinstance(error, UnhashableError) else (where, "which is nested too deep")
                raise UnhashableError(where + inside, why) from None
            text = type_name(value)
            met.clear()
        self._canonical.met = outer
        outer.extend(met)
        self._watch(look, value, (text, met))
        return text

    def _watch(self, look: partial[Any], value: Any, described: Any) -> None:
        if self._is_shipped:  # adatom's own values are not expected to change, but its functions may be replaced
            home, name, *_ = *look.args, None, None
            space = getattr(home, "__globals__", None) or (vars(home) if isinstance(home, ModuleType) else {})
            if isinstance(name, str):
                space = space if name in space else vars(builtins)
                if name in space and (id(space), name) not in self._watched_names:
                    self._watched_names.add((id(space), name))
                    self._places.add_name(space, name)
            return
        place = look.func, *map(id, look.args)
        self._watched[place] = look, value, fixed_parts(value), described

    def _text_of(self, value: Any) -> str:
        values = _OF_KIND[next(kind for kind in _OF_KIND if isinstance(value, kind))]
        return "\0".join(values(self, value))

    def _of_function(self, function: FunctionType) -> Iterator[str]:
        name = name_of(function)
        if not self._is_shipped:
            self._places.add_function(function)
        if hasattr(function, "registry") and hasattr(function, "dispatch"):  # `functools.singledispatch` has made it
            yield self._value(partial(dict, function.registry), name)
            return
        yield from self._of_code(function.__code__, function)
        for attribute in ("__defaults__", "__kwdefaults__"):
            if getattr(function, attribute):
                yield attribute + self._value(partial(getattr, function, attribute), f"a default of {name}")
        for key in sorted(function.__dict__):
            yield f"{key}{self._value(partial(function.__dict__.get, key, ABSENT), f'{name}.{key}')}"

    def _of_class(self, kind: type) -> Iterator[str]:
        name = name_of(kind)
        attributes = vars(kind)
        self._places.add_class(kind)
        yield self._canonical.text([kind.__bases__, type(kind)])
        if isinstance(kind, EnumType):
            members: Mapping[str, Any] = kind.__members__
            yield self._canonical.text({key: member.value for key, member in members.items()}, name)
        for key in counted_attributes(kind):
            yield f"{key}{self._value(partial(attributes.get, key, ABSENT), f'{name}.{key}', self._is_lenient(kind))}"
        for key, hidden in HIDDEN_DEFAULTS.items():
            if key in attributes:
                yield self._value(partial(hidden, kind), name)

    def _of_object(self, value: Any) -> Iterator[str]:
        yield self._value(partial(_given, value), type_name(value))

    def _of_module(self, module: ModuleType) -> Iterator[str]:
        for key in sorted(vars(module)):
            value = vars(module)[key]
            if not (key.startswith("__") or isinstance(value, ModuleType)):
                yield f"{key}{self._value(partial(vars(module).get, key, ABSENT), f'{module.__name__}.{key}')}"

    def _of_code(self, code: CodeType, function: FunctionType) -> Iterator[str]:
        """Return the instructions of code, each with its argument and with the value of the name that it loads."""
        names = Names(function, self._imported)
        lenient = self._is_lenient(function)
        yield self._canonical.text(shape_of(code))
        for step in steps_of(code):
            before = names.loaded
            look = names.follow(step)
            yield step.opname
            if isinstance(step.argval, CodeType):
                yield from self._of_code(step.argval, function)
            else:
                yield self._meaning(step.argval, lenient)
            where, inside = str(step.argval), f" in {name_of(function)}"
            if names.hidden(step) and not lenient:
                raise UnhashableError(where + inside, "which may reach any value")
            if names.loaded is ABSENT:
                if look and is_builtin_name(look):  # until somebody puts something else in its place
                    self._watch(look, ABSENT, None)
                continue
            if isinstance(names.loaded, ModuleType):
                yield self._of_loaded_module(names.loaded, look, step.escapes and not lenient)
            else:
                of_library = isinstance(before, ModuleType) and not self._is_own(package_of(before))
                if of_library and not self._has_text(names.loaded):
                    yield type_name(names.loaded)
                else:
                    yield self._value(look or partial(_given, names.loaded), where, lenient or of_library, inside)

    def _has_text(self, value: Any) -> bool:
        """Return whether a library's value counts: `os.environ` and the like do not, as they are not code."""
        package = package_of(type(value))
        return value is not sys.modules and (package in _OF_VALUES or self._is_own(package))

    def _of_loaded_module(self, module: ModuleType, look: partial[Any] | None, escapes: bool) -> str:
        if look:
            self._watch(look, module, None)
        return self._noted(module) if escapes else module.__name__

    def _meaning(self, argument: Any, lenient: bool) -> str:
        text = self._canonical.text(argument)
        if not lenient and isinstance(argument, str) and not is_fixed(argument):  # it may name a file
            self._watch(partial(_given, argument), argument, (text, []))
        return text

    def _is_lenient(self, value: Any) -> bool:
        """Return whether code is a package's, where a value without a canonical text goes by the package's version."""
        package = package_of(value)
        return package == "adatom" or is_builtin(package) or installed_version(package) is not None

    def _imported(self, name: str) -> Any:
        """Return a module that a function imports when it is called, if its code counts."""
        if self._is_own(name.partition(".")[0]) and not name.startswith(_NOT_COUNTED):
            try:
                return import_module(name)
            except ImportError:
                pass  # an optional package that is not installed
        return ABSENT


def _given(value: Any) -> Any:
    return value


_OF_KIND: dict[type, Callable[[Source, Any], Iterator[str]]] = {
    FunctionType: Source._of_function,
    type: Source._of_class,
    ModuleType: Source._of_module,
    object: Source._of_object,
}


def describe_code(value: Any) -> str:
    """Return the name of a function or class with a digest of its code or, of an installed package, with its version.

    Parameters
    ----------
    value
        Function, builtin function, class or module.
    """
    name, package = name_of(value), package_of(value)
    if not isinstance(value, _CODE):
        return name
    if isinstance(value, ModuleType) or not is_made(value):
        if is_builtin(package):
            return name
        version = None if package == "adatom" else installed_version(package)
        if version is not None:
            return f"{name}={version}"
    return f"{name}={source_of(value).digest}"


def source_of(subject: Any) -> Source:
    """Return the code of a function, class or module. It is looked up once, and again after it has changed.

    Parameters
    ----------
    subject
        Function, class or module to look into.
    """
    known = _known.get(id(subject))
    if known is None or known.subject is not subject or not known.is_current():
        if len(_known) > 1000:  # as after many functions that were made in a loop
            _known.clear()
        known = _known[id(subject)] = Source(subject)
    return known


_known: dict[int, Source] = {}
