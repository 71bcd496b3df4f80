"""Calculators: what ASE lacks, such as presets and file-based codes that fail aloud."""
