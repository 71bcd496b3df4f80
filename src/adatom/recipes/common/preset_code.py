"""Codes whose calculators are set by presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ase import Atoms

from adatom.calculators.preset import Preset, load_preset
from adatom.recipes.common.code import Choice, Code
from adatom.utils.merge import merge

__all__ = ["PresetCode"]


@dataclass(frozen=True)
class PresetCode(Code):
    """A code whose calculator has many parameters, of which presets name sets: each job takes a `preset`.

    Attributes
    ----------
    name, elements, parameters, check, derive
        Same as in `Code`, for the calculator without its preset.
    make
        Function that returns a calculator for a structure and keyword arguments.
    package
        Name of the code in `adatom.calculators.presets`.
    preset
        Preset of a job that is given none.
    layer
        Function that puts keyword arguments of `make` in a form in which they can be merged.
    """

    package: str = ""
    preset: Preset = None
    layer: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the arguments of the preset, overridden by those of the user.

        Parameters
        ----------
        calc_kwargs
            Arguments that the user gives; the value `adatom.Remove` removes an argument of the preset.
        """
        return merge(*(self.layer(one) for one in (load_preset(self.package, self.preset), calc_kwargs or {})))

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Return a calculator for a structure.

        Parameters
        ----------
        atoms
            Structure that will be computed, which is the first argument of `make`.
        settings
            Further arguments of `make`, without ``dispersion``.
        """
        return self.make(atoms, **settings)

    def choice(self) -> Choice:
        """Return the parameter `preset`."""
        return Choice("preset", self.preset, "Preset", load_preset, self._with_preset, {"reads": ("preset",)})

    def _with_preset(self, preset: Preset) -> PresetCode:
        return replace(self, preset=preset)
