"""Quantum ESPRESSO: pw.x as an ASE calculator, and the programs that read its files."""
