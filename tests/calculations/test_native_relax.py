"""A code that relaxes by itself: here EMT, with an optimizer inside."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import all_changes
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read
from ase.optimize import BFGS

from adatom.calculations import run_native_relax, run_optimize
from adatom.errors import ConvergenceError, InputError


class Relaxing(EMT):
    def relax(self, atoms, *, relax_cell, pressure, fmax, max_steps, properties):
        own, images = atoms.copy(), []
        own.calc = EMT()

        def keep():
            image = own.copy()
            image.calc = SinglePointCalculator(image, **{name: own.calc.results[name] for name in ("energy", "forces")})
            images.append(image)

        optimizer = BFGS(own, logfile=None)
        optimizer.attach(keep)
        converged = optimizer.run(fmax=fmax, steps=max_steps)
        self.calculate(own, list(properties), all_changes)
        return images, bool(converged)


@pytest.fixture
def atoms():
    atoms = bulk("Cu") * (2, 2, 2)
    atoms.positions[0] += 0.1
    return atoms


def test_the_result_is_that_of_an_optimizer_outside(atoms):
    before = atoms.copy()
    own, outside = run_native_relax(atoms, Relaxing()), run_optimize(atoms, EMT())
    assert set(own) == set(outside)
    assert own["results"]["energy"] == pytest.approx(outside["results"]["energy"], abs=1e-9)
    assert own["atoms"].positions == pytest.approx(outside["atoms"].positions)
    assert own["steps"] == outside["steps"] > 1
    assert own["converged"] is True
    assert own["atoms"].calc is None
    assert atoms == before
    images = read(own["trajectory"], ":")
    assert len(images) == own["steps"] + 1
    assert images[-1].get_potential_energy() == pytest.approx(own["results"]["energy"])
    assert own["parameters"]["calculator"]["name"] == "Relaxing"


def test_unconverged(atoms):
    with pytest.raises(ConvergenceError, match=r"forces above fmax=0.01 eV/Å after 1 steps"):
        run_native_relax(atoms, Relaxing(), max_steps=1)
    result = run_native_relax(atoms, Relaxing(), max_steps=1, allow_unconverged=True)
    assert result["converged"] is False
    assert (Path(result["dir_name"]) / "UNCONVERGED").exists()
    assert np.isfinite(result["results"]["energy"])


@pytest.mark.parametrize("bad", [{"fmax": 0}, {"max_steps": 0}])
def test_bad_input_is_refused(atoms, bad, results_dir):
    with pytest.raises(InputError):
        run_native_relax(atoms, Relaxing(), **bad)
    assert not results_dir.exists()
