"""Relaxations whose potential computes the structures of many in one call, against one relaxation after the other."""

import os
from typing import Any

import numpy as np
from _measure import arguments, compare, report, scratch
from ase import Atoms
from ase.build import bulk

from adatom.recipes.mlip import relax_job


def rattled(seed: int) -> Atoms:
    """A crystal of 8 atoms, of one of four elements."""
    name, lattice = (("Si", 5.43), ("Ge", 5.66), ("C", 3.57), ("Si", 5.5))[seed % 4]
    atoms = bulk(name, "diamond", a=lattice, cubic=True)
    atoms.rattle(0.1, seed=seed)
    return atoms


def main() -> None:
    options = arguments(
        __doc__,
        repeats=1,
        model={"default": "chgnet", "help": "name or name:file"},
        structures={"type": int, "default": 200, "help": "how many, of 8 atoms"},
        lockstep={"type": int, "nargs": "+", "default": [32], "help": "relaxations that run side by side"},
        fmax={"type": float, "default": 0.05, "help": "eV/Å"},
    )
    os.environ["OMP_NUM_THREADS"] = "1"  # a job has one core
    structures = [rattled(seed) for seed in range(options.structures)]
    given: dict[str, Any] = {"calculator": options.model, "fmax": options.fmax}
    found: dict[int | None, list[Any]] = {}

    def relax(together: int | None) -> None:
        job = relax_job.with_options(lockstep=together)
        found[together] = job.map([atoms.copy() for atoms in structures], **given)

    rows = []
    with scratch():
        relax_job(structures[0], **given)  # loads the weights
        for together in options.lockstep:
            what = f"{options.model}, {len(structures)} of 8 atoms, {together} together"
            row = compare(what, None, lambda n=together: relax(n), lambda: relax(None), options.repeats, warm_up=False)
            rows.append(row)
            pairs = list(zip(found[together], found[None], strict=True))
            energies = [abs(a["results"]["energy"] - b["results"]["energy"]) / 8 for a, b in pairs]
            steps = [np.mean([one["steps"] for one in found[key]]) for key in (together, None)]
            row.subject += f"; steps {steps[0]:.1f} and {steps[1]:.1f}, energies to {max(energies):.0e} eV/atom"
            assert all(one["converged"] for pair in pairs for one in pair)
            assert max(energies) < 1e-5
    report("relaxations together, against one by one", rows, options.json)


if __name__ == "__main__":
    main()
