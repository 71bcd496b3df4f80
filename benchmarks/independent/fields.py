"""The fields in the order of the page."""

from . import defects, elasticity, energies, eos, gases, lattice, motion, paths, pw, surfaces, symmetry

FIELDS = {
    field.__name__.rpartition(".")[2]: field
    for field in (energies, eos, elasticity, lattice, surfaces, defects, paths, gases, motion, symmetry, pw)
}
