"""Recipes: ready-made jobs and flows, one package for each code; `common` has what all codes share."""

from ase import Atoms

from adatom.workflow.options import label


@label.register
def _(atoms: Atoms) -> str:
    return atoms.get_chemical_formula()
