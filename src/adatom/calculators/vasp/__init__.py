"""VASP: its programs as an ASE calculator, and what is read from its files."""
