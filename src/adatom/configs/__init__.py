"""Streams of structures, from memory and from files."""

from adatom.configs.configset import ConfigSet, Source

__all__ = ["ConfigSet", "Source"]
