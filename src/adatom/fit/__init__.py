"""Fits of potentials to structures with energies, forces and stresses."""
