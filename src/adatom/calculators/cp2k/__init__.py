"""CP2K: one process of it as an ASE calculator, with ASE's input."""
