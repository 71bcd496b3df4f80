"""CHGNet's calculator, in half of the time."""

from __future__ import annotations

from typing import Any

from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from chgnet.model.dynamics import CHGNetCalculator

from adatom.calculators.together.chgnet import evaluate

__all__ = ["CHGNet"]


class CHGNet(CHGNetCalculator):
    """CHGNet's own calculator, with the differentiation of `adatom.calculators.together.chgnet.evaluate`.

    The numbers are those of ``CHGNetCalculator`` to single precision, except for the stress of left-handed cells, which
    has the wrong sign there. It takes what that takes.
    """

    def calculate(
        self, atoms: Atoms | None = None, properties: Any = None, system_changes: Any = None, task: str = "efsm"
    ) -> None:
        """Compute all properties.

        Parameters
        ----------
        atoms, properties, system_changes
            As of ASE.
        task
            CHGNet's; all is computed whatever it says, as it costs next to nothing.
        """
        Calculator.calculate(self, atoms, properties or self.implemented_properties, system_changes or all_changes)
        [self.results] = evaluate(self, [self.atoms])
