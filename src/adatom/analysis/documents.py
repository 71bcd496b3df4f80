"""Documents: the dictionaries of derived properties that flows return beside the results of their runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, get_args, get_origin, get_type_hints

__all__ = ["DOCUMENTS", "find_documents", "units_of"]

#: By the name of a document, which stands under ``name`` in it, the class that describes it.
DOCUMENTS = {
    "surface_energies": "adatom.analysis.surfaces:SurfaceEnergies",
    "adsorption_energies": "adatom.analysis.surfaces:AdsorptionEnergies",
    "convergence": "adatom.analysis.convergence:Convergence",
    "formation_energies": "adatom.analysis.defects:FormationEnergies",
    "elasticity": "adatom.analysis.elastic:Elasticity",
    "phonons": "adatom.analysis.phonons:Phonons",
    "qha": "adatom.analysis.qha:QuasiHarmonic",
    "eos": "adatom.analysis.eos:EquationOfState",
    "diatomic_curve": "adatom.analysis.diatomics:DiatomicCurve",
    "energy_volume_curve": "adatom.analysis.energy_volume:EnergyVolumeCurve",
    "equivariance": "adatom.analysis.equivariance:Equivariance",
    "extensivity": "adatom.analysis.extensivity:Extensivity",
    "locality": "adatom.analysis.locality:Locality",
    "smoothness": "adatom.analysis.smoothness:Smoothness",
    "reference_errors": "adatom.analysis.reference_errors:ReferenceErrors",
    "scaling": "adatom.analysis.scaling:Scaling",
    "endurance": "adatom.analysis.endurance:Endurance",
    "combustion": "adatom.analysis.combustion:Combustion",
    "cohesion": "adatom.analysis.cohesion:Cohesion",
    "reaction_path": "adatom.analysis.path:ReactionPath",
    "transition_state": "adatom.analysis.saddle:TransitionState",
}


def find_documents(
    value: Any, names: Collection[str] = DOCUMENTS, place: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the documents inside the value that a flow returned.

    Parameters
    ----------
    value
        Results and documents, nested in lists and dictionaries to any depth.
    names
        Names of the wanted documents, as they stand under ``name``.
    place
        Place of `value` inside a larger value; empty if there is none.

    Yields
    ------
    tuple
        Place of a document, such as ``"[0].eos"``, and the document.
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
    """Return the unit of each key of a document; an empty string stands for no unit.

    Parameters
    ----------
    name
        Name of a document, one of the keys of `DOCUMENTS`.
    """
    module, _, kind = DOCUMENTS[name].partition(":")
    hints = get_type_hints(getattr(import_module(module), kind), include_extras=True)
    return {key: get_args(hint)[1] if get_origin(hint) is Annotated else "" for key, hint in hints.items()}
