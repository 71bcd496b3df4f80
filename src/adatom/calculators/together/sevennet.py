"""Many structures at once by SevenNet."""

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
    """The properties of each.

    Parameters
    ----------
    calculator
        A ``SevenNetCalculator``.
    structures
        The structures.
    """
    from sevenn.atom_graph_data import AtomGraphData
    from sevenn.train.dataload import unlabeled_atoms_to_graph
    from torch_geometric.data import Batch

    model = calculator.model
    with _copying:
        if model not in _for_batches:
            # It is told whether it is given batches, and other threads use it: a copy that shares its weights.
            weights = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
            _for_batches[model] = copy.deepcopy(model, weights)
            _for_batches[model].set_is_batch_data(True)
    graphs = []
    for atoms in structures:
        calculator.set_atoms(atoms)  # which refuses elements that it does not know
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
