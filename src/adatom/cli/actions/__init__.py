"""Bodies of commands whose imports, such as ASE and NumPy, are too slow for ``--help`` and completion in a shell."""
