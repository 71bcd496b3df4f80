"""Quantum ESPRESSO: density-functional theory with plane waves and pseudopotentials."""
