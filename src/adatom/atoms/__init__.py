"""Structures from structures: pure functions, nothing computed."""
