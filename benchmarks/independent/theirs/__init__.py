"""Independent routes: other codes and tools, formulas and finite differences, without adatom."""
