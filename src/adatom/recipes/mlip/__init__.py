"""Machine-learned potentials: CHGNet, SevenNet, MACE, and any other that ASE has a calculator for."""
