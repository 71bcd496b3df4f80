"""Batches of structures with SevenNet."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ase import Atoms

__all__ = ["evaluate"]


_for_batches: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_copying = threading.Lock()


def evaluate(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]]:
    """Return the properties of each structure.

    Parameters
    ----------
    calculator
        Instance of the class ``SevenNetCalculator``.
    structures
        Structures to compute in one call.

    Returns
    -------
    list of dict
        By ASE's names: energies in eV, forces in eV/Å, the stress in eV/Å³ in Voigt order.
    """
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph
    from torch_geometric.data import Batch

    model = calculator.model
    with _copying:
        if model not in _for_batches:
            # The model has a switch for batches and other threads use it: switch a copy that shares its weights.
            weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
            _for_batches[model] = copy.deepcopy(model, weights)
            _for_batches[model].set_is_batch_data(True)
    graphs = []
    for atoms in structures:
        calculator.set_atoms(atoms)  # refuses elements that the model does not know
        graph = AtomGraphData.from_numpy_dict(unlabeled_atoms_to_graph(atoms, calculator.cutoff, with_shift=False))
        if calculator.modal:
            graph["data_modality"] = calculator.modal
        graphs.append(graph)
    found = _for_batches[model](Batch.from_data_list(graphs).to(calculator.device))
    energies = found["inferred_total_energy"].detach().cpu().tolist()
    stresses = -found["inferred_stress"].detach().cpu().numpy()[:, [0, 1, 2, 4, 5, 3]]  # ASE's order
    ends = found["ptr"].tolist()
    per_atom = {"forces": "inferred_force", "energies": "atomic_energy"}
    arrays = {name: found[key].detach().cpu().numpy() for name, key in per_atom.items()}
    arrays["energies"] = arrays["energies"].reshape(-1)
    return [
        {"energy": energy, "free_energy": energy, "stress": stresses[i]}
        | {name: array[ends[i] : ends[i + 1]] for name, array in arrays.items()}
        for i, energy in enumerate(energies)
    ]
