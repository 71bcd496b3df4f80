"""Psi4 as an ASE calculator: ASE's, with Psi4's options.

The file needs nothing but ASE and Psi4, since it is imported by the Python that has Psi4.
"""

from ase.calculators.psi4 import Psi4 as Psi4OfASE

__all__ = ["Psi4"]


class Psi4(Psi4OfASE):
    """ASE's calculator, with options.

    Parameters
    ----------
    options
        Options of Psi4 by name, as ``psi4.set_options`` takes them.
    **kwargs
        Parameters of ASE's calculator.
    """

    def __init__(self, options=None, **kwargs):  # type: ignore[no-untyped-def]
        super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        self.psi4.core.clean_options()
        self.psi4.set_options(options or {})
