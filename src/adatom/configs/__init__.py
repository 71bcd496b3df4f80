"""Streams of structures, from memory and from files, and operations on them."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatom.configs.autopara import AutoparaInfo
    from adatom.configs.calculation import calculate
    from adatom.configs.configset import ConfigSet, Source
    from adatom.configs.mapping import autoparallelize, map
    from adatom.configs.outputs import OutputSpec
    from adatom.configs.remote import RemoteInfo
    from adatom.configs.store import StoreWriter

__all__ = [
    "AutoparaInfo",
    "ConfigSet",
    "OutputSpec",
    "RemoteInfo",
    "Source",
    "StoreWriter",
    "autoparallelize",
    "calculate",
    "map",
]

# Names are imported on first use: a worker starts in half the time without the modules that read and write files.
_MODULES = {
    "AutoparaInfo": "autopara",
    "ConfigSet": "configset",
    "OutputSpec": "outputs",
    "RemoteInfo": "remote",
    "Source": "configset",
    "StoreWriter": "store",
    "autoparallelize": "mapping",
    "calculate": "calculation",
    "map": "mapping",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
