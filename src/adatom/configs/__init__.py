"""Streams of structures, from memory and from files, and operations on them."""

from adatom.configs.autopara import AutoparaInfo
from adatom.configs.calculate import calculate
from adatom.configs.configset import ConfigSet, Source
from adatom.configs.mapping import autoparallelize, map
from adatom.configs.outputs import OutputSpec
from adatom.configs.store import StoreWriter

__all__ = ["AutoparaInfo", "ConfigSet", "OutputSpec", "Source", "StoreWriter", "autoparallelize", "calculate", "map"]
