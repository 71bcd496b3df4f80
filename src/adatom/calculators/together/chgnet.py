"""Many structures at once by CHGNet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

__all__ = ["evaluate"]


def evaluate(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]]:
    """The properties of each.

    Parameters
    ----------
    calculator
        A ``CHGNetCalculator``.
    structures
        The structures.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    model = calculator.model
    graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(atoms)) for atoms in structures]
    found = model.predict_graph(
        graphs, task="efsm", return_site_energies=calculator.return_site_energies, batch_size=len(graphs)
    )
    properties = []
    for atoms, one in zip(structures, found if len(graphs) > 1 else [found], strict=True):
        energy = one["e"] * (len(atoms) if model.is_intensive else 1)
        known = {"energy": energy, "free_energy": energy, "forces": one["f"], "magmoms": one["m"]}
        known["stress"] = full_3x3_to_voigt_6_stress(one["s"] * calculator.stress_weight)
        if calculator.return_site_energies:
            known["energies"] = one["site_energies"]
        properties.append(known)
    return properties
