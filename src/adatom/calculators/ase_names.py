"""Calculators of ASE by their names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from adatom.errors import InputError, UnknownNameError

__all__ = ["calculator_class"]


def calculator_class(calculator: Any) -> Any:
    """Return the class of a calculator that is named; anything but a name is returned as it is.

    Parameters
    ----------
    calculator
        Name of a calculator in ASE, also of one that a plugin has registered there, or ``"module:Class"``.

    Raises
    ------
    UnknownNameError
        There is no such calculator.
    InputError
        Its module cannot be imported.
    """
    if not isinstance(calculator, str):
        return calculator
    from ase.calculators.calculator import external_calculators, get_calculator_class
    from ase.calculators.names import names

    module, separator, attribute = calculator.partition(":")
    known = {*names, *external_calculators}
    if not separator and calculator not in known:
        raise UnknownNameError("calculator of ASE", calculator, known, "Any other is a class: 'module:Class'.")
    try:
        return getattr(import_module(module), attribute) if separator else get_calculator_class(calculator)
    except (ImportError, AttributeError) as error:
        raise InputError(f"The calculator {calculator!r} cannot be imported: {error}.") from error
