from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.io import read
from ase.stress import voigt_6_to_full_3x3_stress

from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError


@pytest.mark.parametrize(("symbol", "energy"), [("Cu", -0.0056815), ("Al", -0.0015020)])
def test_energy_of_a_crystal(symbol, energy):
    assert run_static(bulk(symbol), EMT())["results"]["energy"] == pytest.approx(energy, abs=5e-8)


def test_energy_of_a_distorted_crystal(distorted):
    assert run_static(distorted, EMT())["results"]["energy"] == pytest.approx(0.07001766638245854, rel=1e-6)


def test_everything_that_the_calculator_found_is_kept_and_its_own(distorted):
    calculator = EMT()
    results = run_static(distorted, calculator)["results"]
    assert results["forces"].shape == (8, 3)
    assert results["stress"].shape == (6,)
    forces = results["forces"].copy()
    calculator.results["forces"][:] = 0  # as calculators do that use their arrays again
    np.testing.assert_array_equal(results["forces"], forces)


def test_stress_is_six_numbers_also_where_the_calculator_has_nine():
    class Nine(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["stress"] = voigt_6_to_full_3x3_stress(self.results["stress"])

    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    six, nine = (run_static(atoms, calculator)["results"]["stress"] for calculator in (EMT(), Nine()))
    assert nine == pytest.approx(six)


def test_a_molecule_has_no_stress():
    assert "stress" not in run_static(molecule("H2O"), EMT())["results"]


def test_the_structure_is_on_disk_with_its_energy(results_dir):
    result = run_static(bulk("Cu"), EMT(), name="single")
    written = read(result["trajectory"])
    assert written.get_potential_energy() == result["results"]["energy"]
    assert Path(result["dir_name"]).parent == results_dir
    assert Path(result["dir_name"]).name.startswith("single-")


def test_properties_are_computed_together():
    asked = []

    class Spy(EMT):
        def calculate(self, atoms, properties, system_changes):
            asked.append(sorted(properties))
            super().calculate(atoms, properties, system_changes)

    run_static(bulk("Cu"), Spy(), properties=["energy", "forces", "stress"])
    assert asked == [["energy", "forces", "stress"]]


@pytest.mark.parametrize("bad", ["energy", []])
def test_properties_must_be_a_list(bad):
    with pytest.raises(InputError, match="properties is"):
        run_static(bulk("Cu"), EMT(), properties=bad)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_energy_that_is_no_number_is_no_result(results_dir):
    class Nan(EMT):
        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            self.results["energy"] = float("nan")

    with pytest.raises(ConvergenceError, match="not a number"):
        run_static(bulk("Cu"), Nan())
    assert [path.name.startswith("failed-") for path in results_dir.iterdir()] == [True]
