import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read

from adatom import JobFailure
from adatom.calculations.scan import run_scan
from adatom.errors import ConvergenceError, InputError
from adatom.recipes import emt


def crystals(number=6):
    found = []
    for seed in range(number):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.set_cell(atoms.cell * (1 + 0.01 * seed), scale_atoms=True)
        found.append(atoms)
    return found


class Picky(EMT):
    """Raises for one structure, and returns NaN for another."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        if atoms.info.get("bad") == "raises":
            raise ArithmeticError("not this one")
        if atoms.info.get("bad") == "nan":
            self.results["energy"] = float("nan")


def test_each_structure_has_the_properties_that_it_has_alone():
    structures = [*crystals(), bulk("Al"), Atoms("Cu2", [(0, 0, 0), (0, 0, 2.4)])]
    wanted = ["forces", "stress"]
    found = run_scan(structures[:7], EMT_OF(structures[:7]), properties=wanted)
    for number, atoms in enumerate(structures[:7]):
        alone = emt.static_job(atoms, properties=["energy", *wanted])["results"]
        assert found["points"]["energies"][number] == pytest.approx(alone["energy"], abs=1e-12)
        np.testing.assert_allclose(found["points"]["forces"][number], alone["forces"], atol=1e-12)
        np.testing.assert_allclose(found["points"]["stresses"][number], alone["stress"], atol=1e-12)
    assert found["missing"] == {}
    assert found["converged"]


def EMT_OF(structures):
    """A calculator for all structures of the same atoms."""
    made = {}
    return [made.setdefault(str(atoms.symbols), EMT()) for atoms in structures]


def test_the_result_has_the_structure_with_the_lowest_energy():
    structures = crystals()
    found = run_scan(structures, [EMT()] * len(structures))
    lowest = int(np.argmin(found["points"]["energies"]))
    assert found["atoms"] == structures[lowest]
    assert found["atoms"].calc is None
    assert found["results"]["energy"] == found["points"]["energies"][lowest]
    assert read(found["trajectory"]).get_potential_energy() == found["results"]["energy"]
    assert structures[0].calc is None


def test_a_structure_that_fails_leaves_a_gap():
    structures = crystals(4)
    structures[1].info["bad"], structures[2].info["bad"] = "raises", "nan"
    found = run_scan(structures, [Picky()] * 4)
    assert list(found["missing"]) == ["1", "2"]
    assert found["missing"]["1"] == "ArithmeticError: not this one"
    assert "the energy is not a number" in found["missing"]["2"]
    assert np.isnan(found["points"]["energies"]).tolist() == [False, True, True, False]
    assert np.isnan(found["points"]["forces"][1]).all()
    alone = emt.static_job(structures[3])["results"]
    assert found["points"]["energies"][3] == pytest.approx(alone["energy"], abs=1e-12)
    assert not found["converged"]


def test_all_that_fail_are_an_error():
    structures = crystals(2)
    for atoms in structures:
        atoms.info["bad"] = "raises"
    with pytest.raises(ConvergenceError, match="All 2 structures of the scan failed, the first by Arith"):
        run_scan(structures, [Picky()] * 2)


@pytest.mark.parametrize(
    ("structures", "properties", "message"),
    [
        ([], ["energy"], "There are no structures"),
        (["Cu"], ["energy"], "is a str, not an ase.Atoms"),
        ([Atoms("Cu")], "energy", "properties is 'energy'"),
        ([Atoms("Cu")], ["dipole"], r"properties is \['dipole'\]"),
    ],
)
def test_bad_input_is_refused(structures, properties, message, results_dir):
    with pytest.raises(InputError, match=message):
        run_scan(structures, [LennardJones()] * len(structures), properties=properties)
    assert not results_dir.exists()


def test_the_job_refuses_what_its_code_does_not_know():
    with pytest.raises(JobFailure, match="EMT has no parameters for Si"):
        emt.scan_job([bulk("Cu"), bulk("Si")])
    with pytest.raises(JobFailure, match="Give a list of them, or use static_job"):
        emt.scan_job(bulk("Cu"))
    with pytest.raises(JobFailure, match="cutoff"):
        emt.scan_job([bulk("Cu")], calc_kwargs={"cutoff": 3})
