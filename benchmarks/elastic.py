"""The flow of elastic constants against a loop that people write by hand, which computes and writes the same."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _measure import arguments, compare, report, scratch
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.io import write
from ase.optimize import BFGS
from pymatgen.core.elasticity import DeformedStructureSet, ElasticTensor, Stress
from pymatgen.io.ase import AseAtomsAdaptor

from adatom.recipes.emt import elastic_tensor_flow

STRAINS = (-0.01, -0.005, 0.005, 0.01)
_number = itertools.count()


def relaxed(atoms: Atoms, directory: Path, cell: bool = False) -> Atoms:
    """A relaxation with a log and a trajectory."""
    directory.mkdir(parents=True)
    atoms = atoms.copy()
    atoms.calc = EMT()
    moving = FrechetCellFilter(atoms) if cell else atoms
    with BFGS(moving, logfile=str(directory / "relax.log"), trajectory=str(directory / "relax.traj")) as optimizer:
        optimizer.run(fmax=0.01)
    return atoms


def static(atoms: Atoms, directory: Path) -> Atoms:
    """A structure as it is, with a trajectory."""
    directory.mkdir(parents=True)
    atoms = atoms.copy()
    atoms.calc = EMT()
    atoms.get_potential_energy()
    write(directory / "static.traj", atoms)
    return atoms


def elastic_by_hand(run: Callable[[Atoms, Path], Atoms], atoms: Atoms, root: Path) -> np.ndarray:
    """The elastic tensor of a crystal in GPa, with pymatgen's strains and fit."""
    directory = root / f"by-hand-{next(_number)}"
    crystal = AseAtomsAdaptor.get_structure(relaxed(atoms, directory / "bulk", cell=True))
    deformed = DeformedStructureSet(crystal, norm_strains=STRAINS, shear_strains=STRAINS)
    structures = [AseAtomsAdaptor.get_atoms(structure) for structure in (crystal, *deformed)]
    runs = [run(structure, directory / f"strain-{number}") for number, structure in enumerate(structures)]
    at_rest, *stresses = (Stress(run.get_stress(voigt=False) / units.GPa) for run in runs)
    gradients = deformed.deformations
    second = [stress.piola_kirchoff_2(gradient) for stress, gradient in zip(stresses, gradients, strict=True)]
    strains = [gradient.green_lagrange_strain for gradient in gradients]
    tensor = ElasticTensor.from_independent_strains(strains, second, eq_stress=at_rest)
    return tensor.voigt_symmetrized.convert_to_ieee(crystal).voigt


def timed(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[[], None]:
    """A call whose duration is measured."""

    def call() -> None:
        function(*args, **kwargs)

    return call


def main() -> None:
    options = arguments(__doc__, repeats=15)
    copper = bulk("Cu", cubic=True)
    rows = []
    with scratch() as root:
        for ions, run in (("relaxed", relaxed), ("clamped", static)):
            by_hand = timed(elastic_by_hand, run, copper, root)
            for strains, symmetry in ((25, False), (7, True)):
                ours = timed(elastic_tensor_flow, copper, relax_ions=run is relaxed, symmetry=symmetry)
                rows.append(compare(f"{strains} strains, ions {ions}", 1.3, ours, by_hand, options.repeats))
        found = elastic_tensor_flow(copper)["elasticity"]["elastic_tensor"]["ieee_format"]
        assert np.abs(found - elastic_by_hand(relaxed, copper, root)).max() < 1.0
    report(
        "elastic_tensor_flow on the local engine, against a loop by hand of 25 strains with ASE and pymatgen",
        rows,
        options.json,
    )


if __name__ == "__main__":
    main()
