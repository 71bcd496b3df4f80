"""A static calculation of VASP against ASE's calculator by hand, around a program that stands in for VASP.

The program, of adatom's tests, reads the true input and writes the true output; it is made to take about a second.
"""

import itertools
import os
import sys
from pathlib import Path

from _measure import arguments, compare, report, scratch
from ase.build import bulk
from ase.calculators.vasp import Vasp

from adatom.recipes.vasp import static_job

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.standins.vasp import provide

SETTINGS = {"xc": "pbe", "encut": 520, "kpts": (4, 4, 4), "gamma": True, "lwave": True}


def main() -> None:
    options = arguments(__doc__, repeats=15)
    os.environ["OMP_NUM_THREADS"] = "1"
    copper, numbers = bulk("Cu"), itertools.count()
    copper.rattle(0.05, seed=1)
    with scratch() as root:
        os.environ.update(provide(root / "vasp", "Cu"))
        program = root / "vasp" / "bin" / "vasp_std"
        program.write_text(program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\nsleep 0.4\n"))

        def by_hand() -> None:
            atoms = copper.copy()
            atoms.calc = Vasp(command=str(program), directory=root / f"by-hand-{next(numbers)}", **SETTINGS)
            atoms.get_potential_energy()
            atoms.get_forces()

        def ours() -> None:
            static_job(copper, preset=None, calc_kwargs=SETTINGS)

        rows = [compare("static", 1.03, ours, by_hand, options.repeats)]
    report("static_job of VASP on the local engine, against ASE's calculator by hand", rows, options.json)


if __name__ == "__main__":
    main()
