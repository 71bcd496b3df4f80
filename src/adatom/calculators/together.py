"""Many structures in one evaluation of a machine-learned potential, for the models whose packages can."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

from ase import Atoms
from ase.calculators.calculator import all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from adatom.calculators.models import Calculator, make_model, named_model

__all__ = ["evaluate_together", "with_results"]

# Atoms in one evaluation. On a processor more are no faster: it is the calls that small structures share.
_MOST_ATOMS = {"cpu": 16}
_MOST_ATOMS_ELSEWHERE = 2048


def evaluate_together(
    calculator: Calculator, structures: Sequence[Atoms], **calc_kwargs: Any
) -> list[dict[str, Any] | None]:
    """The properties of many structures, computed together where the model can.

    They agree with those of one by one to single precision: 1e-5 eV, eV/Å and eV/Å³ for a few tens of atoms.

    Parameters
    ----------
    calculator
        As of `adatom.calculators.models.make_model`.
    structures
        The structures.
    **calc_kwargs
        Arguments of the calculator.

    Returns
    -------
    list of dict or None
        Of each structure, by ASE's names and in ASE's units. None for all if the model computes them one by one.
    """
    row = named_model(calculator)
    if row is None or row.together is None:
        return [None] * len(structures)
    module, _, name = row.together.partition(":")
    function = getattr(import_module(module), name)
    made = make_model(calculator, **calc_kwargs)
    device = str(getattr(made, "device", "cpu")).partition(":")[0]
    most = _MOST_ATOMS.get(device, _MOST_ATOMS_ELSEWHERE)
    return [found for some in _in_parts(structures, most) for found in function(made, some)]


def _in_parts(structures: Sequence[Atoms], most: int) -> Iterator[list[Atoms]]:
    part: list[Atoms] = []
    for atoms in structures:
        if part and sum(map(len, part)) + len(atoms) > most:
            yield part
            part = []
        part.append(atoms)
    yield part


def with_results(calculator: Any, structure: Atoms, results: dict[str, Any]) -> Any:
    """A calculator that knows the properties of a structure already, and computes those of any other.

    Parameters
    ----------
    calculator
        An ASE calculator that nothing else uses.
    structure
        The structure.
    results
        Its properties.
    """
    compute, known = calculator.calculate, structure.copy()

    def calculate(atoms: Atoms, properties: Any = None, system_changes: Any = all_changes) -> None:
        if atoms != known:
            return compute(atoms, properties, all_changes)  # it has prepared nothing yet
        calculator.atoms, calculator.results = atoms.copy(), dict(results)

    calculator.calculate = calculate
    return calculator


def chgnet(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]]:
    """Properties by CHGNet.

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


_for_batches: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()
_copying = threading.Lock()


def sevennet(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]]:
    """Properties by SevenNet.

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


def mace(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]] | list[None]:
    """Properties by MACE; of models of another kind, committees and compiled ones, none.

    Parameters
    ----------
    calculator
        A ``MACECalculator``.
    structures
        The structures.
    """
    if calculator.model_type != "MACE" or len(calculator.models) > 1 or calculator.use_compile:
        return [None] * len(structures)
    import torch
    from mace import data
    from mace.tools.torch_geometric import Batch
    from mace.tools.torch_tools import default_dtype

    model = calculator.models[0]
    keys = data.KeySpecification(info_keys=calculator.info_keys, arrays_keys=calculator.arrays_keys)
    with default_dtype(calculator.default_dtype):
        graphs = [
            data.AtomicData.from_config(
                data.config_from_atoms(atoms, key_specification=keys, head_name=calculator.head),
                z_table=calculator.z_table,
                cutoff=calculator.r_max,
                heads=calculator.available_heads,
            )
            for atoms in structures
        ]
    batch = Batch.from_data_list(graphs).to(calculator.device)
    precision = next(model.parameters()).dtype
    given = {
        key: value.to(precision) if torch.is_tensor(value) and torch.is_floating_point(value) else value
        for key, value in batch.to_dict().items()
    }
    found = model(given, compute_stress=True)
    eV, Å = calculator.energy_units_to_eV, calculator.length_units_to_A
    units = {"energy": eV, "node_energy": eV, "forces": eV / Å, "stress": eV / Å**3}
    arrays = {key: found[key].detach().cpu().numpy() * unit for key, unit in units.items()}
    ends = batch.ptr.tolist()
    return [
        {
            "energy": energy,
            "free_energy": energy,
            "energies": arrays["node_energy"][ends[i] : ends[i + 1]],
            "forces": arrays["forces"][ends[i] : ends[i + 1]],
            "stress": full_3x3_to_voigt_6_stress(arrays["stress"][i]),
        }
        for i, energy in enumerate(arrays["energy"].tolist())
    ]
