"""A call of a model in the process of another Python against one of the same model here, for 8 atoms."""

import gc
import sys
import time

from _measure import absolute, arguments, compare, report, scratch
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import change_settings
from adatom.calculators.models import make_model

EXTRA = 1.0  # ms of a call
RATIO = 1.1  # of a model that takes longer than 10 ms
TABLE = "there: {{package: ase, make: 'ase.calculators.emt:EMT', properties: [energy, forces], python: '{}'}}"


class Calls:
    """Calls of a calculator, each with a structure that it has not seen."""

    def __init__(self, calculator, count):
        self.atoms, self.count, self.steps = bulk("Cu", cubic=True) * (2, 1, 1), count, 0
        self.atoms.calc = calculator
        self.atoms.get_forces()

    def __call__(self):
        """Seconds of one call."""
        start = time.perf_counter()
        for _ in range(self.count):
            self.steps += 1
            self.atoms.positions[0, 0] = 1e-4 * (self.steps % 100) + 1e-8 * self.steps
            self.atoms.get_forces()
        return (time.perf_counter() - start) / self.count


def main():
    options = arguments(__doc__, 21, calls={"type": int, "default": 100, "help": "calls of a run"})
    with scratch() as folder:
        (folder / "models.yaml").write_text(TABLE.format(sys.executable))
        with change_settings(models=folder / "models.yaml"):
            model = make_model("there")
        model.directory = str(folder)
        there, here = Calls(model, options.calls), Calls(EMT(), options.calls)
        extra = []
        for _ in range(options.repeats):
            gc.collect()
            extra.append((there() - here()) * 1e3)
        rows = [
            absolute("what the way there and back adds to a call", EXTRA, extra, "ms"),
            compare("EMT there against EMT here", None, there, here, options.repeats),
        ]
        model.close()
    rows[1].subject += f" (a model may have 1 ms more, or {RATIO} times as much)"
    report("A model in another Python, 8 atoms of Cu", rows, options.json)


if __name__ == "__main__":
    main()
