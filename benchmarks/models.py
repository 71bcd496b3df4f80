"""Machine-learned potentials: `static_job.map` and `calculate`, also one by one, against a plain loop of ASE's."""

import os
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from _measure import arguments, compare, report, scratch
from ase.build import bulk

from adatom.calculators.models import make_model, model, model_names
from adatom.configs import AutoparaInfo, calculate
from adatom.errors import MissingExtraError
from adatom.recipes.mlip import static_job

ONE = AutoparaInfo(workers=1)


def installed() -> list[str]:
    names = []
    for name in model_names():
        if not model(name).file_needed and name != "matcalc":  # which is as fast as the model that it is told to take
            with suppress(MissingExtraError):
                make_model(name)
                names.append(name)
    return names


def of_the_package(name: str) -> Any:
    """The calculator that the model's own documentation says to use."""
    if name == "chgnet":
        from chgnet.model import CHGNetCalculator

        return CHGNetCalculator()
    return make_model(name)


def main() -> None:
    options = arguments(
        __doc__,
        repeats=5,
        model={"action": "append", "help": "name or name:file; all that are installed if not given"},
        structures={"type": int, "default": 48, "help": "how many"},
        cells={"type": int, "nargs": "+", "default": [1, 2, 4], "help": "of 4 atoms, in a structure"},
    )
    os.environ["OMP_NUM_THREADS"] = "1"  # a job has one core, and so has the loop
    names = options.model or installed()
    rows = []
    with scratch():
        for name in names:
            for cells in options.cells:
                structures = [bulk("Cu", cubic=True) * (cells, 1, 1) for _ in range(options.structures)]
                for seed, atoms in enumerate(structures):
                    atoms.rattle(0.05, seed=seed)
                calculator = of_the_package(name)

                def by_hand(structures=structures, calculator=calculator):
                    for atoms in structures:
                        atoms.calc = calculator
                        atoms.get_forces()

                def ours(structures=structures, name=name):
                    static_job.map([atoms.copy() for atoms in structures], calculator=name)

                # ASE finds nothing to reuse: each structure differs from the one that the calculator had before.
                what = f"{name}, {len(structures)} of {4 * cells} atoms"
                rows.append(compare(f"map, {what}", 1.05, ours, by_hand, options.repeats))
                for how, given in {"together": name, "one by one": partial(make_model, name)}.items():

                    def evaluated(structures=structures, given=given):
                        calculate(structures, None, given, ["energy", "forces"], "M_", autopara_info=ONE)

                    rows.append(compare(f"calculate {how}, {what}", 1.05, evaluated, by_hand, options.repeats))
        found = static_job.map(structures, calculator=names[-1])
        assert all(
            np.allclose(one["results"]["forces"], atoms.get_forces(), atol=1e-5)
            for one, atoms in zip(found, structures, strict=True)
        )
    report("static_job.map and calculate in this process, against a loop by hand", rows, options.json)


if __name__ == "__main__":
    main()
