"""Origin of code: an installed package, which counts with its version, or files that the user edits."""

from __future__ import annotations

import sys
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from types import ModuleType
from typing import Any

__all__ = ["installed_version", "is_builtin", "is_library", "module_of", "name_of", "package_of"]


def name_of(value: Any) -> str:
    """Return the name of a function, class or module, or of the type of anything else, with its module.

    Parameters
    ----------
    value
        Any object.
    """
    if isinstance(value, ModuleType):
        return value.__name__
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    module = module if isinstance(module, str) else type(value).__module__
    return f"{module}.{name if isinstance(name, str) else type(value).__qualname__}"


def module_of(value: Any) -> str:
    """Return the name of an object's module, which may be empty.

    Parameters
    ----------
    value
        Function, class or module.
    """
    module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
    return module if isinstance(module, str) else ""  # some types have a descriptor there


def package_of(value: Any) -> str:
    """Return the first part of the name of an object's module, which may be empty.

    Parameters
    ----------
    value
        Function, class or module.
    """
    return module_of(value).partition(".")[0]


def is_builtin(package: str) -> bool:
    """Return whether a package comes with Python.

    Parameters
    ----------
    package
        Name under which the package is imported; empty for what has no module.
    """
    return package in ("", "builtins") or package in sys.stdlib_module_names or package.startswith("_cython_")


def is_library(value: Any) -> bool:
    """Return whether code comes with Python or is of an installed package, other than adatom.

    Parameters
    ----------
    value
        Function, class or module.
    """
    package = package_of(value)
    return is_builtin(package) or (package != "adatom" and installed_version(package) is not None)


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
