"""A code that is set by presets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ase import Atoms

from adatom.calculators.merge import merge
from adatom.calculators.preset import Preset, load_preset
from adatom.recipes.common.code import Choice, Code

__all__ = ["PresetCode"]


@dataclass(frozen=True)
class PresetCode(Code):
    """A code whose calculator has so many parameters that they have names: each job takes a `preset`.

    Attributes
    ----------
    name, elements, parameters
        As of `Code`.
    make
        Makes a calculator from a structure and keyword arguments.
    package
        The code's name in `adatom.calculators.presets`.
    preset
        The one that is used where none is given.
    layer
        Puts keyword arguments of `make` in a form in which they can be merged.
    """

    package: str = ""
    preset: Preset = None
    layer: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict

    def settings(self, calc_kwargs: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The preset's arguments with the user's over them.

        Parameters
        ----------
        calc_kwargs
            The user's; `adatom.Remove` takes one of the preset away.
        """
        return merge(*(self.layer(one) for one in (load_preset(self.package, self.preset), calc_kwargs or {})))

    def build(self, atoms: Atoms, settings: Mapping[str, Any]) -> Any:
        """Make a calculator for a structure.

        Parameters
        ----------
        atoms, settings
            As of `Code`.
        """
        return self.make(atoms, **settings)

    def choice(self) -> Choice:
        """A preset."""
        return Choice("preset", self.preset, "Preset", load_preset, self._with_preset, {"reads": ("preset",)})

    def _with_preset(self, preset: Preset) -> PresetCode:
        return replace(self, preset=preset)
