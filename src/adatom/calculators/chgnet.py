"""CHGNet's calculator, at twice its speed, for single structures and for many.

The file needs nothing of adatom: a Python that has none of it may run it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.stress import full_3x3_to_voigt_6_stress
from ase.units import GPa
from chgnet.model.dynamics import CHGNetCalculator

__all__ = ["CHGNet", "evaluate"]


class CHGNet(CHGNetCalculator):
    """CHGNet's own calculator, with the differentiation of `evaluate`.

    The results are those of ``CHGNetCalculator`` to single precision, except for the stress of left-handed cells, which
    has the wrong sign there. The arguments are the same.
    """

    def calculate(
        self, atoms: Atoms | None = None, properties: Any = None, system_changes: Any = None, task: str = "efsm"
    ) -> None:
        """Compute all properties of a structure.

        Parameters
        ----------
        atoms, properties, system_changes
            Same as in the calculators of ASE.
        task
            Task of ``CHGNetCalculator``. It has no effect: all properties cost hardly more than one.
        """
        Calculator.calculate(self, atoms, properties or self.implemented_properties, system_changes or all_changes)
        [self.results] = evaluate(self, [self.atoms])


def evaluate(calculator: Any, structures: Sequence[Atoms]) -> list[dict[str, Any]]:
    """Return the properties of each structure.

    CHGNet itself differentiates the energy once for the forces and again for the stress, and keeps what a further
    differentiation would need, which is for training. Here the energy is differentiated once, by the fractional
    positions s and the lattice vectors h, each with one vector in each row: as r = s h, the forces are -dE/ds h⁻ᵀ and
    the stress is hᵀ dE/dh / V.

    Parameters
    ----------
    calculator
        Instance of the class ``CHGNetCalculator``.
    structures
        Structures to compute in one call.

    Returns
    -------
    list of dict
        By ASE's names: energies in eV, forces in eV/Å, the stress in eV/Å³ in Voigt order, magnetic moments in Bohr
        magnetons.
    """
    import torch
    from pymatgen.io.ase import AseAtomsAdaptor

    model = calculator.model
    model.eval()
    graphs = [model.graph_converter(AseAtomsAdaptor.get_structure(atoms)).to(calculator.device) for atoms in structures]
    found = model(graphs, task="em", return_site_energies=calculator.return_site_energies)
    counts = torch.tensor([len(atoms) for atoms in structures], device=found["e"].device)
    energies = found["e"] * (counts if model.is_intensive else 1)
    by = [graph.atom_frac_coord for graph in graphs] + [graph.lattice for graph in graphs]
    gradients = [_array(one).astype(float) for one in torch.autograd.grad(energies.sum(), by)]
    properties = []
    for number in range(len(structures)):
        energy, lattice = float(energies[number]), _array(graphs[number].lattice).astype(float)
        by_positions, by_lattice = gradients[number], gradients[len(structures) + number]
        stress = lattice.T @ by_lattice / abs(np.linalg.det(lattice))
        known = {
            "energy": energy,
            "free_energy": energy,
            "forces": -by_positions @ np.linalg.inv(lattice).T,
            "magmoms": _array(found["m"][number]),
            # CHGNet's stress is in GPa, and its weight converts it into another unit.
            "stress": full_3x3_to_voigt_6_stress(stress / GPa * calculator.stress_weight),
        }
        if calculator.return_site_energies:
            known["energies"] = _array(found["site_energies"][number])
        properties.append(known)
    return properties


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()
