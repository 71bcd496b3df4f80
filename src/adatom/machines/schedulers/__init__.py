"""Batch schedulers. Each has a file here, and a row among the entry points ``adatom.schedulers``."""
