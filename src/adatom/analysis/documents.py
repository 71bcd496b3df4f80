"""The documents that flows put beside their runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin, get_type_hints

__all__ = ["DOCUMENTS", "find_documents", "units_of"]

#: What a document says under ``name``, and the class that describes it.
DOCUMENTS = {
    "surface_energies": "adatom.analysis.surfaces:SurfaceEnergies",
    "adsorption_energies": "adatom.analysis.surfaces:AdsorptionEnergies",
    "convergence": "adatom.analysis.convergence:Convergence",
    "formation_energies": "adatom.analysis.defects:FormationEnergies",
    "elasticity": "adatom.analysis.elastic:Elasticity",
    "phonons": "adatom.analysis.phonons:Phonons",
    "qha": "adatom.analysis.qha:QuasiHarmonic",
    "eos": "adatom.analysis.eos:EquationOfState",
    "reaction_path": "adatom.analysis.path:ReactionPath",
    "transition_state": "adatom.analysis.saddle:TransitionState",
}


def find_documents(
    value: Any, names: Collection[str] = DOCUMENTS, place: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The documents in what a flow returned.

    Parameters
    ----------
    value
        Results and documents, in lists and dictionaries.
    names
        What those that are wanted say under ``name``.
    place
        Where `value` is, if it is a part of something.

    Yields
    ------
    tuple
        Where it is, such as ``"[0].eos"``, and the document.
    """
    if isinstance(value, Mapping):
        name = value.get("name")
        if isinstance(name, str) and name in names:
            yield place, value
            return
        for key, item in value.items():
            yield from find_documents(item, names, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from find_documents(item, names, f"{place}[{index}]")


def units_of(name: str) -> dict[str, str]:
    """Units by key, of what a document has; empty where there is none.

    Parameters
    ----------
    name
        One of `DOCUMENTS`.
    """
    module, _, kind = DOCUMENTS[name].partition(":")
    hints = get_type_hints(getattr(import_module(module), kind), include_extras=True)
    return {key: get_args(hint)[1] if get_origin(hint) is Annotated else "" for key, hint in hints.items()}
