"""`phonon_flow` of copper against phonopy with ASE by hand, which computes the same."""

import numpy as np
from _measure import Row, arguments, compare, report, scratch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from adatom.recipes.emt import phonon_flow


def by_hand(atoms: Atoms, matrix: np.ndarray, run_relax: bool) -> dict:
    """Relaxation, displacements, forces, force constants, density of states, bands, thermal properties."""
    atoms = atoms.copy()
    if run_relax:
        atoms.calc = EMT()
        with BFGS(FrechetCellFilter(atoms), logfile="relax.log", trajectory="relax.traj") as optimizer:
            optimizer.run(fmax=1e-3)
    cell = PhonopyAtoms(atoms.get_chemical_symbols(), cell=atoms.cell.array, positions=atoms.positions)
    phonons = Phonopy(cell, matrix, primitive_matrix="P")
    phonons.generate_displacements(distance=0.01)
    forces = []
    for displaced in phonons.supercells_with_displacements:
        supercell = Atoms(displaced.symbols, positions=displaced.positions, cell=displaced.cell, pbc=True)
        supercell.calc = EMT()
        forces.append(supercell.get_forces())
    phonons.forces = forces
    phonons.produce_force_constants(calculate_full_force_constants=False)
    phonons.symmetrize_force_constants()
    phonons.run_mesh(100.0)
    dos = phonons.run_total_dos()
    thermal = phonons.run_thermal_properties(exclude_gamma_acoustic=True)
    path = atoms.cell.bandpath(density=20)
    bands = phonons.run_qpoints(path.kpts)
    return {"dos": dos.dos, "free_energy": thermal.free_energy, "bands": bands.frequencies}


def row(length: float, target: float | None, run_relax: bool, repeats: int) -> Row:
    """The flow against the same by hand, in a supercell of a least length (Å)."""
    atoms = bulk("Cu")
    found = phonon_flow(atoms, min_length=length, run_relax=run_relax)["phonons"]
    matrix = np.array(found["supercell_matrix"])
    expected = by_hand(atoms, matrix, run_relax)
    assert np.allclose(found["bands"]["frequencies"], expected["bands"], atol=1e-4)
    size = round(np.linalg.det(matrix))
    return compare(
        f"{length:g} Å, {size} atoms{', relaxed first' if run_relax else ''}",
        target,
        lambda: phonon_flow(atoms, min_length=length, run_relax=run_relax) and None,
        lambda: by_hand(atoms, matrix, run_relax) and None,
        repeats,
    )


def main() -> None:
    options = arguments(__doc__, repeats=5)
    with scratch():
        rows = [row(10, None, True, options.repeats), row(20, 1.2, True, options.repeats)]
    report("phonon_flow on EMT, Cu, on the local engine, against phonopy and ASE", rows, options.json)


if __name__ == "__main__":
    main()
