"""Recipes, called as they are, against plain ASE code that computes the same and writes the same files."""

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path

from _measure import Row, absolute, arguments, compare, report, scratch
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io.trajectory import Trajectory
from ase.optimize import BFGS

from adatom.recipes.emt import relax_job, static_job

_number = itertools.count()


def ase_static(atoms: Atoms, directory: Path) -> dict:
    """One structure as it is, with a trajectory."""
    directory.mkdir()
    atoms = atoms.copy()
    atoms.calc = EMT()
    results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    with Trajectory(directory / "static.traj", "w") as trajectory:
        trajectory.write(atoms)
    return {"atoms": atoms, "results": results}


def ase_relax(atoms: Atoms, directory: Path) -> dict:
    """A relaxation, with a log and a trajectory."""
    directory.mkdir()
    atoms = atoms.copy()
    atoms.calc = EMT()
    logfile, trajectory = str(directory / "relax.log"), str(directory / "relax.traj")
    with BFGS(atoms, logfile=logfile, trajectory=trajectory) as optimizer:
        converged = optimizer.run(fmax=0.01, steps=1000)
    results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    return {"atoms": atoms, "results": results, "converged": converged}


def rattled(cells: int, primitive: bool = False) -> Atoms:
    """A cube of copper, its atoms out of place."""
    atoms = bulk("Cu", cubic=not primitive) * (cells, cells, cells)
    atoms.rattle(0.1, seed=1)
    return atoms


def _files(directory: str | Path) -> set[str]:
    return {path.name for path in Path(directory).iterdir()}


def row(
    subject: str, target: float, job: Callable, plain: Callable, atoms: Atoms, calls: int, root: Path, repeats: int
) -> Row:
    """A recipe against plain ASE, `calls` calls at a time."""
    directory = root / f"ase-{next(_number)}"
    expected, found = plain(atoms, directory), job(atoms)
    assert abs(found["results"]["energy"] - expected["results"]["energy"]) < 1e-9
    assert _files(found["dir_name"]) == _files(directory)

    def run_job() -> None:
        for _ in range(calls):
            job(atoms)

    def run_plain() -> None:
        for _ in range(calls):
            plain(atoms, root / f"ase-{next(_number)}")

    return compare(f"{subject}, {calls} call{'s' * (calls > 1)}", target, run_job, run_plain, repeats)


def main() -> None:
    options = arguments(__doc__, repeats=30)
    copper, cube = bulk("Cu"), rattled(2)
    with scratch() as root:
        rows = [
            row("static, bulk Cu", 1.25, static_job, ase_static, copper, 20, root, options.repeats),
            row("relax, bulk Cu", 1.15, relax_job, ase_relax, copper, 20, root, options.repeats),
            row("relax, 32 rattled Cu", 1.10, relax_job, ase_relax, cube, 1, root, options.repeats),
        ]
        size = len(pickle.dumps(relax_job(rattled(3, primitive=True))))
    rows.append(absolute("result of a relax of 27 Cu, pickled", 8, [size / 1e3], "kB"))
    report("Recipes on the local engine, against ASE doing and writing the same", rows, options.json)


if __name__ == "__main__":
    main()
