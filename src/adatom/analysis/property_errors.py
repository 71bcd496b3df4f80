"""Prediction errors of models against a reference, by category of structures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, get_args

from ase import Atoms

from adatom.analysis.comparison import Categories, Comparison
from adatom.errors import InputError, UnknownNameError
from adatom.schemas.property_errors import UNITS, Property, PropertyErrors

__all__ = ["property_errors"]


def property_errors(
    configs: Iterable[Atoms],
    prefixes: str | Sequence[str],
    reference: str = "REF_",
    *,
    by: str | Sequence[str] | Callable[[Atoms], Any] | None = None,
    properties: Sequence[Property] = get_args(Property),
    forces: Literal["components", "norm"] = "components",
    values: bool = False,
) -> PropertyErrors:
    """Compare the predictions of models with a reference, where structures carry the results of both.

    An error is a prediction error here: a predicted value minus that of the reference, and no exception. Energies are
    in ``info["REF_energy"]`` in eV, forces in ``arrays["REF_forces"]`` in eV/Å, stresses in ``info["REF_stress"]`` in
    eV/Å³ (six numbers in ASE's order, or 3 x 3). Where there is no stress, it is computed from the virial, which is
    -stress x volume in eV, in ``info["REF_virial"]``. A structure whose ``info["REF_failed"]`` is true does not count.
    The structures are read in one pass, and only sums are kept.

    Parameters
    ----------
    configs
        Structures with results, such as a `ConfigSet`.
    prefixes
        Prefix of the results of a model, or several of them; ``""`` stands for the results of ``atoms.calc``, as it has
        them.
    reference
        Prefix of the reference results; ``""`` stands for those of ``atoms.calc``.
    by
        Category of a structure: a key of ``atoms.info``, several keys, or a function of the structure. A structure
        without the key is in ``"none"``. None: there are no categories.
    properties
        Properties to compare, of ``"energy_per_atom"``, ``"energy"``, ``"forces"`` and ``"stress"``. A property that no
        structure has is left out.
    forces
        ``"components"``: the error of forces is that of each component. ``"norm"``: it is the length of the difference
        of each atom's force.
    values
        Whether all reference and predicted values are kept, so that `adatom.plots.draw.draw` can plot them.

    Raises
    ------
    InputError
        There is no structure, no structure has results under a prefix or a key of `by`, or a result does not have the
        shape that it should have.
    """
    if isinstance(configs, str | Atoms):
        raise InputError(f"{configs!r} is no set of structures. Give ConfigSet({configs!r}) or a list of them.")
    models = list(dict.fromkeys([prefixes] if isinstance(prefixes, str) else prefixes))
    if not models or reference in models:
        raise InputError(
            f"The reference is {reference!r} and the models are {models!r}. Give the prefix of at least one model, and "
            "none that is the reference's."
        )
    for name in properties:
        if name not in UNITS:
            raise UnknownNameError("property", name, UNITS)
    if forces not in ("components", "norm"):
        raise UnknownNameError("kind of error of forces", forces, ("components", "norm"))
    compared = Comparison(reference, models, list(dict.fromkeys(properties)), forces == "norm", values)
    category = Categories(by)
    number = -1
    for number, atoms in enumerate(configs):
        compared.add(number, atoms, category(atoms))
    if number < 0:
        raise InputError("There are no structures to compare results of.")
    category.check()
    return compared.result(number + 1)
