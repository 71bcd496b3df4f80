"""Recipes: ready-made jobs and flows, a module or package for each code.

`common` has the jobs and flows that all codes share, and `registry` finds recipes by name.
"""

from ase import Atoms

from adatom.workflow.options import label


@label.register
def _(atoms: Atoms) -> str:
    return atoms.get_chemical_formula()
