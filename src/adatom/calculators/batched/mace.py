"""Batches of structures with MACE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

__all__ = ["evaluate"]


def evaluate(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]] | list[None]:
    """Return the properties of each structure, or None for each with committees, compiled and other models.

    Parameters
    ----------
    calculator
        What makes a calculator of MACE returns: with its own dispersion this is no ``MACECalculator``.
    structures
        Structures to compute in one call.

    Returns
    -------
    list of dict or None
        By ASE's names: energies in eV, forces in eV/Å, the stress in eV/Å³ in Voigt order.
    """
    if getattr(calculator, "model_type", None) != "MACE" or len(calculator.models) > 1 or calculator.use_compile:
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
