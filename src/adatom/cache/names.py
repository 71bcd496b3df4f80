"""Names in the bytecode of a function, and the values that they have before the code runs."""

from __future__ import annotations

import builtins
import dis
from collections.abc import Callable
from functools import lru_cache, partial
from importlib.util import resolve_name
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

__all__ = ["ABSENT", "Names", "Step", "is_builtin_name", "shape_of", "steps_of"]

ABSENT = object()
_SKIPPED = frozenset({"CACHE", "NOP", "RESUME", "EXTENDED_ARG", "PRECALL", "PUSH_NULL"})  # instructions of no meaning
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_FOLLOWED = frozenset({*_ATTRIBUTE, "STORE_FAST", "IMPORT_FROM", "POP_TOP"})
_CONSTANTS = frozenset({"Ellipsis", "NotImplemented", "__debug__", "exit", "quit"})  # of Python's own
_BY_TEXT = frozenset({"eval", "exec", "globals"})  # builtin functions that reach names which bytecode does not show


class Step(NamedTuple):
    """One instruction.

    Attributes
    ----------
    opname, argval
        Name and argument of the instruction, as `dis` gives them.
    escapes
        Whether a module that the instruction loads is used for more than the attribute that the next one loads.
    """

    opname: str
    argval: Any
    escapes: bool


@lru_cache(maxsize=10_000)
def _known_steps(identity: int, code: CodeType) -> tuple[Step, ...]:
    found = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
    after = [*(step.opname for step in found[1:]), ""]
    return tuple(
        Step(step.opname, step.argval, following not in _FOLLOWED) for step, following in zip(found, after, strict=True)
    )


def steps_of(code: CodeType) -> tuple[Step, ...]:
    """Return the instructions of code that mean something; they are looked up once, as code does not change.

    Parameters
    ----------
    code
        Code of a function, or of a function inside it.
    """
    return _known_steps(id(code), code)  # code is equal to other code with 1.0 in place of 1


def shape_of(code: CodeType) -> tuple[Any, ...]:
    """Return what code is beside its instructions: its parameters, and the ranges of its exception handlers.

    Parameters
    ----------
    code
        Code of a function, or of a function inside it.
    """
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    kind = code.co_flags & 0x2AC  # *args, **kwargs, generator, coroutine, asynchronous generator
    names = code.co_varnames[: counts[0] + counts[2] + (code.co_flags >> 2 & 1) + (code.co_flags >> 3 & 1)]
    return *counts, kind, names, code.co_exceptiontable


class Names:
    """Values of the names in a function's code, as far as they are known before the code runs.

    Parameters
    ----------
    function
        Function whose globals and cells the names are looked up in.
    imported
        Function that is given the name of a module and returns the module, or `ABSENT`.

    Attributes
    ----------
    loaded
        Value that the last instruction loads; `ABSENT` if it is not known, or if the instruction loads none.
    """

    def __init__(self, function: FunctionType, imported: Callable[[str], Any]) -> None:
        self._function, self._imported = function, imported
        self.loaded = self._module = ABSENT
        self._local: dict[str, Any] = {}
        self._constants: tuple[Any, Any] = (None, None)  # of an import: number of dots, and names

    def follow(self, step: Step) -> partial[Any] | None:
        """Take the next instruction, and return a function that looks its name up again; None if it looks none up.

        Parameters
        ----------
        step
            The instruction.
        """
        opname, name = step.opname, step.argval
        before, self.loaded = self.loaded, ABSENT
        look: partial[Any] | None = None
        if opname in _LOOKUPS:
            look = partial(_LOOKUPS[opname], self._function, name)
        elif opname in _ATTRIBUTE and isinstance(before, ModuleType | type | FunctionType):
            look = partial(getattr, before, name, ABSENT)
        elif opname == "LOAD_CONST":
            self._constants = self._constants[1], name
        elif opname == "IMPORT_NAME":
            self.loaded = self._module = self._import(name)
        elif opname == "IMPORT_FROM":
            self.loaded = getattr(self._module, name, ABSENT)
            if self.loaded is ABSENT and isinstance(self._module, ModuleType):
                self.loaded = self._imported(f"{self._module.__name__}.{name}")
        elif opname == "STORE_FAST":
            self._local[name] = before
        elif opname == "LOAD_FAST":
            self.loaded = self._local.get(name, ABSENT)
        if look is not None:
            self.loaded = look()
        return look

    def _import(self, name: str) -> Any:
        level, names = self._constants
        if level:
            package = self._function.__globals__.get("__package__")
            if not package:
                return ABSENT
            name = resolve_name("." * level + name, package)
        found = self._imported(name)
        return found if names or found is ABSENT or level else self._imported(name.partition(".")[0])

    def hidden(self, step: Step) -> bool:
        """Return whether an instruction loads a builtin function that reaches names which bytecode does not show.

        Parameters
        ----------
        step
            The instruction.
        """
        return step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and self.loaded is ABSENT and step.argval in _BY_TEXT


def _global(function: FunctionType, name: str) -> Any:
    found = function.__globals__.get(name, ABSENT)
    if found is ABSENT and name not in _CONSTANTS:
        found = getattr(builtins, name, ABSENT)
        if isinstance(found, BuiltinFunctionType | type) and found.__module__ in ("builtins", "_io"):
            return ABSENT  # what Python itself has there: whoever puts something else there changes the code
    return found


def is_builtin_name(look: partial[Any]) -> bool:
    """Return whether a name is looked up among Python's own.

    Parameters
    ----------
    look
        Function that `Names.follow` returned.
    """
    return look.func is _global and look.args[1] in vars(builtins) and look.args[1] not in look.args[0].__globals__


def _cell(function: FunctionType, name: str) -> Any:
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    try:
        return cells[name].cell_contents
    except (KeyError, ValueError):  # a variable of the function itself, or a cell without a value yet
        return ABSENT


_LOOKUPS: dict[str, Callable[[FunctionType, str], Any]] = {
    "LOAD_GLOBAL": _global,
    "LOAD_NAME": _global,
    "LOAD_DEREF": _cell,
    "LOAD_CLASSDEREF": _cell,
    "LOAD_CLOSURE": _cell,
}
