"""VASP as a code."""

from adatom.calculators.vasp import PARAMETERS, k_grid, layer, make_vasp
from adatom.recipes.common.preset_code import PresetCode

__all__ = ["vasp"]

vasp = PresetCode("VASP", make_vasp, parameters=PARAMETERS, package="vasp", preset="bulk", layer=layer, derive=k_grid)
