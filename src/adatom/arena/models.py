"""Models by name, in the words of MLIP Arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import Enum
from functools import lru_cache
from typing import Any, cast

from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes

from adatom.calculators.models import Model, model, model_names
from adatom.recipes.common.code import Code
from adatom.recipes.mlip import mlip

__all__ = ["ModelCalculator", "get_calculator", "model_enum", "registry"]

#: Dispersion where it is only wanted: that of the functional that most models are trained on.
DISPERSION = {"model": "d3", "method": "PBE", "damping": "d3bj"}


class ModelCalculator(AseCalculator):
    """ASE calculator of a model by name, which loads the model when it first computes.

    It is light: it travels to workers as a name and arguments, and each worker loads the model once.

    Parameters
    ----------
    name
        Name of the model, as `adatom.calculators.models.make_model` takes it.
    calc_kwargs
        Arguments of the model's calculator, and ``dispersion``.
    """

    def __init__(self, name: str, calc_kwargs: Mapping[str, Any] | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model, self._calc_kwargs = name, dict(calc_kwargs or {})
        self.implemented_properties = list(model(name.partition(":")[0].partition("?")[0]).properties)
        self.parameters.update(self._calc_kwargs, potential=name)
        self._made: Any = None

    def calculate(
        self, atoms: Atoms | None = None, properties: Sequence[str] = ("energy",), system_changes: Any = all_changes
    ) -> None:
        """Compute properties of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.
        """
        super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
        known = cast(Atoms, self.atoms)
        if self._made is None:
            self._made, system_changes = _code(self.model).calculator(known, self._calc_kwargs), all_changes
        self._made.directory = self.directory  # a model of another Python writes its messages there
        self._made.calculate(known, list(properties), system_changes)
        self.results = dict(self._made.results)

    def close(self) -> None:
        """End the process of a model of another Python."""
        if close := getattr(self._made, "close", None):
            close()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_made": None, "results": {}, "atoms": None}

    def __repr__(self) -> str:
        return f"get_calculator({self.model!r})"


def _code(name: str) -> Code:
    choice = mlip.choice()
    assert choice is not None
    return choice.code(name)


def get_calculator(
    name: str | Enum,
    calculator_kwargs: Mapping[str, Any] | None = None,
    dispersion: bool | Mapping[str, Any] = False,
    device: str | None = None,
) -> ModelCalculator:
    """Return the calculator of a model.

    Parameters
    ----------
    name
        Name of a model, or a member of ``MLIPEnum``.
    calculator_kwargs
        Arguments of the model's calculator.
    dispersion
        Whether DFT-D3 of PBE is added; or the arguments of `adatom.recipes.common.dispersion.make_dispersion`.
    device
        Device that the model runs on. None: the first of ``"cuda"``, ``"mps"`` and ``"cpu"`` that torch finds.

    Raises
    ------
    UnknownNameError
        There is no such model.
    """
    given = dict(calculator_kwargs or {}) | ({} if device is None else {"device": device})
    if dispersion:
        given["dispersion"] = DISPERSION if dispersion is True else dict(dispersion)
    return ModelCalculator(name.value if isinstance(name, Enum) else name, given)


def model_enum() -> type[Enum]:
    """Return the names of all models as an enumeration, whose aliases are names that other packages have for them."""
    rows = [model(name) for name in model_names()]
    return _enum(tuple((name, row.name) for row in rows for name in (row.name, *row.aliases)))


@lru_cache(1)  # so that a member that comes back from a worker is the same
def _enum(names: tuple[tuple[str, str], ...]) -> type[Enum]:
    return Enum("MLIPEnum", names, module="adatom.arena")  # type: ignore[return-value]


def registry() -> dict[str, dict[str, Any]]:
    """Return the rows of all models by name, as plain dictionaries."""
    found: dict[str, Model] = {name: model(name) for name in model_names()}
    return {name: asdict(row) for name, row in found.items()}
