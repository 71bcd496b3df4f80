"""A static calculation of Quantum ESPRESSO against pw.x itself, started by hand on the same input."""

import itertools
import os
import shutil
import subprocess
from pathlib import Path

from _measure import arguments, compare, report, scratch
from ase.build import bulk

from adatom.recipes.espresso import static_job

# A run of about a second.
SETTINGS = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {"input_data": {"ecutwfc": 25, "ecutrho": 100}, "kpts": (4, 4, 4)},
}


def main() -> None:
    options = arguments(__doc__, repeats=15)
    os.environ["OMP_NUM_THREADS"] = "1"
    silicon = bulk("Si")
    silicon.rattle(0.05, seed=1)  # no symmetry, so that all k points are computed
    numbers = itertools.count()
    with scratch() as root:
        given = Path(static_job(silicon, **SETTINGS)["dir_name"]) / "espresso.pwi"

        def by_hand() -> None:
            directory = root / f"by-hand-{next(numbers)}"
            directory.mkdir()
            shutil.copy(given, directory)
            with (directory / "espresso.pwo").open("wb") as output:
                subprocess.run(["pw.x", "-in", given.name], cwd=directory, stdout=output, check=True)

        def ours() -> None:
            static_job(silicon, **SETTINGS)

        rows = [compare("static", 1.03, ours, by_hand, options.repeats)]
    report("static_job of Quantum ESPRESSO on the local engine, against pw.x by hand", rows, options.json)


if __name__ == "__main__":
    main()
