"""Effective medium theory, with ASE's `EMT`: metals in milliseconds, to learn and to test with."""
