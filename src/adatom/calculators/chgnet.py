"""CHGNet's calculator, at twice its speed."""

from __future__ import annotations

from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from chgnet.model.dynamics import CHGNetCalculator

from adatom.calculators.batched.chgnet import evaluate

__all__ = ["CHGNet"]


class CHGNet(CHGNetCalculator):
    """CHGNet's own calculator, with the differentiation of `adatom.calculators.batched.chgnet.evaluate`.

    The results are those of ``CHGNetCalculator`` to single precision, except for the stress of left-handed cells, which
    has the wrong sign there. The arguments are the same.
    """

    def calculate(
        self, atoms: Atoms | None = None, properties: Any = None, system_changes: Any = None, task: str = "efsm"
    ) -> None:
        """Compute all properties of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.
        task
            Task of ``CHGNetCalculator``. It has no effect: all properties cost hardly more than one.
        """
        Calculator.calculate(self, atoms, properties or self.implemented_properties, system_changes or all_changes)
        [self.results] = evaluate(self, [self.atoms])
