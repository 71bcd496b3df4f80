"""The engines: one file each, found by the entry points of the group ``adatom.engines``."""
