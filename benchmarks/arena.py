"""The curve of two atoms against a bare loop of calls, and a campaign of three models on two workers against one."""

import gc
import itertools
from functools import partial

from _measure import arguments, compare, report, scratch
from ase.calculators.lj import LennardJones
from ase.data import chemical_symbols

from adatom import change_settings, make_runner
from adatom.arena import run_benchmarks
from adatom.atoms.dimers import diatomic_distances, dimers
from adatom.calculators.models import make_model
from adatom.recipes.mlip import diatomic_flow

LOOP, WORKERS = 1.10, 1 / 1.8
MODELS = {f"lj {sigma}": (LennardJones, [], {"sigma": sigma, "rc": 12.0}) for sigma in (2.2, 2.4, 2.6)}
ELEMENTS = chemical_symbols[1:21]


def main():
    options = arguments(__doc__, 7, models={"nargs": "+", "default": ["emt"], "help": "models of the curve"})
    numbers = itertools.count()
    structures = dimers([("Cu", "Cu")], diatomic_distances("Cu", "Cu").tolist(), box=40.0)

    def curve(model):
        diatomic_flow("Cu", job_params={"all": {"calculator": model}})

    def loop(model):
        atoms = structures[0].copy()
        atoms.calc = make_model(model)
        for each in structures:
            atoms.positions = each.positions
            atoms.get_potential_energy()
            atoms.get_forces()

    def campaign(workers):
        def run():
            gc.collect()
            with make_runner(workers=workers, engine="local") as runner:
                run_benchmarks(
                    ["diatomics"], MODELS, elements=ELEMENTS, directory=f"bench-{next(numbers)}", runner=runner
                )

        return run

    with scratch(), change_settings(workflow_engine="local"):
        rows = [
            compare(
                f"{len(structures)} distances of Cu with {model}",
                LOOP,
                partial(curve, model),
                partial(loop, model),
                options.repeats,
            )
            for model in options.models
        ]
        rows.append(
            compare(
                f"{len(MODELS)} models, {len(ELEMENTS)} elements: two workers against one",
                WORKERS,
                campaign(2),
                campaign(1),
                min(3, options.repeats),
            )
        )
    report("Benchmarks of potentials", rows, options.json)


if __name__ == "__main__":
    main()
