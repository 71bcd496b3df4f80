"""Batch schedulers: one file each, and one row among the entry points ``adatom.schedulers``."""
