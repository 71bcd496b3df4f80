"""Jobs and flows that all codes share, each written once."""

from ase import Atoms

from adatom.workflow.options import label


@label.register
def _(atoms: Atoms) -> str:
    return atoms.get_chemical_formula()
