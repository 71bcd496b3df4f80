"""VASP as a code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adatom.calculators.vasp.calculator import PARAMETERS
from adatom.calculators.vasp.make import k_grid, layer, make_vasp
from adatom.recipes.common.preset_code import PresetCode

__all__ = ["vasp"]


@dataclass(frozen=True)
class _Vasp(PresetCode):
    """VASP, whose calculator knows which of its arguments are the user's own."""

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        PresetCode.check_parameters(self, {key: None for key in calc_kwargs or () if key == "explicit"})
        return {**super().settings(calc_kwargs), "explicit": tuple(calc_kwargs or ())}

    def check_parameters(self, calc_kwargs: Mapping[str, Any], *others: str) -> None:
        super().check_parameters({key: value for key, value in calc_kwargs.items() if key != "explicit"}, *others)


vasp = _Vasp("VASP", make_vasp, parameters=PARAMETERS, package="vasp", preset="bulk", layer=layer, derive=k_grid)
