"""Molecular dynamics with programs that stay and get structures over a socket, against one run for each structure."""

import os
from functools import partial

from _measure import arguments, compare, report, scratch
from ase.build import bulk, molecule

from adatom.recipes import abinit, espresso, nwchem

SILICON = bulk("Si")
SILICON.rattle(0.05, seed=1)
WATER = molecule("H2O")
CASES = {
    "ABINIT, 2 atoms of Si, 8 k points": (
        abinit,
        SILICON,
        {"pps": "hgh", "ecut": 250, "kpts": [2, 2, 2]},
    ),
    "NWChem, H2O, PBE/3-21G": (nwchem, WATER, {"xc": "pbe", "basis": "3-21G"}),
    "pw.x, 2 atoms of Si, 8 k points": (
        espresso,
        SILICON,
        {"input_data": {"ecutwfc": 20}, "pseudopotentials": {"Si": "Si.pbe-rrkj.UPF"}, "kpts": (2, 2, 2)},
    ),
}


def main() -> None:
    options = arguments(__doc__, repeats=3)
    os.environ["OMP_NUM_THREADS"] = "1"

    def run(module, atoms, settings, socket):
        module.md_job(atoms, steps=10, timestep=2.0, calc_kwargs={**settings, "socket": socket})

    with scratch():
        rows = [
            compare(name, None, partial(run, *case, True), partial(run, *case, False), options.repeats)
            for name, case in CASES.items()
        ]
    report("10 steps of molecular dynamics over a socket, against one run a step", rows, options.json)


if __name__ == "__main__":
    main()
