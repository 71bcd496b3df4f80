"""ORB's calculator, by the name of its weights.

The file needs nothing of adatom: a Python that has none of it may run it.
"""

from __future__ import annotations

from typing import Any

from orb_models.forcefield import pretrained

__all__ = ["orb"]


def orb(model: str, device: str = "cpu", precision: str = "float32-high", compile: bool | None = None) -> Any:
    """Return the calculator of ORB with the weights of a name.

    Parameters
    ----------
    model
        Name of the weights, such as ``"orb-v3-conservative-inf-omat"``.
    device
        Device of torch.
    precision
        ``"float32-high"``, ``"float32-highest"`` or ``"float64"``.
    compile
        Whether torch compiles the model at the first call; None: wherever it can.
    """
    loaded = pretrained.ORB_PRETRAINED_MODELS[model](device=device, precision=precision, compile=compile)
    if isinstance(loaded, tuple):  # since its version 0.6, with what makes graphs of structures
        from orb_models.forcefield.inference.calculator import ORBCalculator

        return ORBCalculator(loaded[0], atoms_adapter=loaded[1], device=device)
    from orb_models.forcefield.calculator import ORBCalculator

    return ORBCalculator(loaded, device=device)
