"""Pure functions that make structures from structures, without computing energies or forces."""
