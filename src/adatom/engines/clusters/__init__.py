"""Engines' workers in batch jobs: one file per kind of runner."""
