import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from adatom.atoms.results import get_result, prefixes_of, without_results


def computed():
    atoms = bulk("Cu", cubic=True)
    atoms.info = {
        "config_type": "bulk",
        "REF_energy": -1.0,
        "REF_free_energy": -1.1,
        "REF_stress": np.zeros(6),
        "MODEL_failed": True,
        "MODEL_energy": -2.0,
        7: "a key that is no name",
    }
    atoms.set_array("REF_forces", np.ones((4, 3)))
    atoms.set_array("only_forces", np.ones((4, 3)))
    atoms.set_initial_magnetic_moments([1, 0, 0, 0])
    atoms.set_initial_charges([1, 0, 0, 0])
    return atoms


def test_prefixes_are_those_of_results_and_of_nothing_that_was_given():
    assert prefixes_of(computed()) == ["MODEL_", "REF_", "only_"]
    assert prefixes_of(Atoms("Cu", info={"free_energy": 1.0})) == []
    assert prefixes_of(Atoms("Cu", info={"energy": 1.0})) == [""]
    assert prefixes_of(Atoms("Cu", info={"X_virial": np.zeros((3, 3))})) == ["X_"]


def test_a_calculator_counts_once_it_knows_something():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    assert prefixes_of(atoms) == []
    energy = atoms.get_potential_energy()
    assert prefixes_of(atoms) == [""]
    assert get_result(atoms, "", "energy") == energy
    atoms.positions += 0.1
    atoms.rattle(0.1, seed=1)
    assert get_result(atoms, "", "energy") is None
    assert atoms.calc.results["energy"] == energy  # it was asked, and keeps what it knows


def test_nothing_is_computed():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    assert get_result(atoms, "", "energy") is None
    assert atoms.calc.results == {}


def test_what_a_calculator_does_not_know_may_stand_in_the_structure():
    atoms = bulk("Cu")
    atoms.calc = SinglePointCalculator(atoms, energy=1.0)
    atoms.info |= {"energy": 2.0, "virial": 3.0}
    atoms.set_array("forces", np.ones((1, 3)))
    assert get_result(atoms, "", "energy") == 1.0
    assert get_result(atoms, "", "virial") == 3.0
    assert get_result(atoms, "", "forces").tolist() == [[1, 1, 1]]


def test_a_copy_has_no_results_and_all_else():
    atoms = computed()
    atoms.calc = SinglePointCalculator(atoms, energy=1.0)
    copy = without_results(atoms)
    assert copy.calc is None
    assert copy.info == {"config_type": "bulk", 7: "a key that is no name"}
    assert set(copy.arrays) == {"numbers", "positions", "initial_magmoms", "initial_charges"}
    assert "REF_energy" in atoms.info
    assert "REF_forces" in atoms.arrays
