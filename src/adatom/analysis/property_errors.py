"""How far the predictions of models are from a reference, by category of structures."""

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
    """Compare what models predict with a reference, both of which structures carry under names with a prefix.

    Energies are in ``info["REF_energy"]``, forces in ``arrays["REF_forces"]``, stresses in ``info["REF_stress"]`` (six
    numbers in ASE's order, or 3 x 3) or, from -stress x volume, in ``info["REF_virial"]``. Where ``info["REF_failed"]``
    is true the structure does not count. All is read in one pass, and only sums are kept.

    Parameters
    ----------
    configs
        The structures, such as a `ConfigSet`.
    prefixes
        Of the results of one or more models; ``""``: those of ``atoms.calc``, as it has them.
    reference
        Prefix of the reference; ``""`` as above.
    by
        What a structure's category is: a key of ``atoms.info``, several of them, or a function of the structure. A
        structure without the key is in ``"none"``. None: there are no categories.
    properties
        What is compared; what no structure has is left out.
    forces
        Whether an error of forces is that of each component, or the length of the difference of each atom's.
    values
        Whether what is compared is kept, for `adatom.plots.draw.draw`.

    Raises
    ------
    InputError
        There is no structure, no model has results under a prefix, no structure has a category, or a result has not the
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
