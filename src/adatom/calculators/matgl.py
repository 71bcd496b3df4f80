"""MatGL's calculator, by the name of its weights.

The file needs nothing of adatom: a Python that has none of it may run it.
"""

from __future__ import annotations

from typing import Any

import matgl
from matgl.ext.ase import PESCalculator

__all__ = ["matgl_model"]


def matgl_model(model: str, **others: Any) -> Any:
    """Return the calculator of MatGL with the weights of a name, with ASE's units and order of the stress.

    Parameters
    ----------
    model
        Name of the weights, such as ``"TensorNet-PES-MatPES-PBE-2025.2"``, or the folder of a saved model.
    **others
        Further arguments of MatGL's ``PESCalculator``.
    """
    return PESCalculator(matgl.load_model(model), stress_unit="eV/A3", use_voigt=True, **others)
