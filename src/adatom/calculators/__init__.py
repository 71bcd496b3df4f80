"""Calculators that ASE lacks: presets, file-based codes that report failures, and machine-learned potentials."""
