import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from adatom.calculations import run_md, run_optimize, run_static, run_vibrations
from adatom.calculations.checks import check_calculator, check_count, check_elements, check_positive, check_spin
from adatom.errors import InputError


def nowhere():
    atoms = molecule("H2O")
    atoms.positions[1, 2] = np.nan
    return atoms


def infinite_cell():
    atoms = bulk("Cu")
    atoms.cell[0, 0] = np.inf
    return atoms


BAD = {
    "no atoms": (Atoms(), "no atoms"),
    "a path": ("Cu.cif", "ase.io.read"),
    "a list": ([bulk("Cu")], "once for each"),
    "NaN": (nowhere(), r"Atom 1 \(H\)"),
    "infinite cell": (infinite_cell(), "cell is"),
    "periodic without a cell": (Atoms("Cu", pbc=True), "atoms.set_cell"),
    "periodic with a flat cell": (Atoms("Cu", cell=[[1, 0, 0], [2, 0, 0], [0, 0, 1]], pbc=True), "atoms.set_cell"),
}


@pytest.mark.parametrize("run", [run_static, run_optimize, run_md, run_vibrations])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_structure_is_refused_before_a_directory_is_made(run, case, results_dir):
    atoms, said = BAD[case]
    with pytest.raises(InputError, match=said):
        run(atoms, EMT())
    assert not results_dir.exists()


def test_a_slab_without_a_third_cell_vector_is_fine():
    slab = Atoms("Cu", cell=[3, 3, 0], pbc=(True, True, False))
    assert np.isfinite(run_static(slab, EMT())["results"]["energy"])


@pytest.mark.parametrize("calculator", [EMT, None, "EMT"])
def test_what_is_no_calculator_is_refused(calculator, results_dir):
    with pytest.raises(InputError, match=r"such as EMT\(\)"):
        run_static(bulk("Cu"), calculator)
    assert not results_dir.exists()


def test_a_property_that_the_calculator_lacks_is_named_with_those_it_has():
    check_calculator(EMT(), "energy", "stress")
    with pytest.raises(InputError, match=r"EMT has no 'dipole'.*forces"):
        check_calculator(EMT(), "energy", "dipole")


def test_unknown_elements_are_named_with_the_known_ones():
    check_elements(bulk("Cu"), ["Cu"], "EMT")
    with pytest.raises(InputError, match=r"EMT has no parameters for Cl, Na.*knows: Cu, Ni"):
        check_elements(bulk("NaCl", "rocksalt", 5.6), ["Ni", "Cu"], "EMT")


@pytest.mark.parametrize("bad", [0, -1.0, np.nan, np.inf, "0.01", None, True])
def test_numbers_that_must_be_positive(bad):
    check_positive(fmax=np.float32(0.01))
    with pytest.raises(InputError, match="fmax is"):
        check_positive(fmax=bad)


@pytest.mark.parametrize("bad", [0, -3, 2.0, "7", None, True])
def test_numbers_that_must_be_counts(bad):
    check_count(steps=np.int64(3))
    with pytest.raises(InputError, match="steps is"):
        check_count(steps=bad)


@pytest.mark.parametrize("electrons", range(5))
def test_possible_multiplicities(electrons):
    """Each electron is up or down."""
    atoms = Atoms("X")
    sums = {0}
    for _ in range(electrons):
        sums = {s + spin for s in sums for spin in (-1, 1)}
    possible = {s + 1 for s in sums if s >= 0}
    for multiplicity in range(1, 8):
        moments = Atoms("X", magmoms=[1 - multiplicity])
        if multiplicity in possible:
            check_spin(atoms, electrons, multiplicity=multiplicity)
            check_spin(atoms, electrons + 1, charge=1, multiplicity=multiplicity)
            check_spin(Atoms("X", charges=[-1]), electrons - 1, multiplicity=multiplicity)
            check_spin(moments, electrons)
            continue
        said = f"multiplicities: {', '.join(map(str, sorted(possible)))}"
        with pytest.raises(InputError, match=said):
            check_spin(atoms, electrons, multiplicity=multiplicity)
        if multiplicity > 1:
            with pytest.raises(InputError, match=said):
                check_spin(moments, electrons)
    check_spin(atoms, electrons)


@pytest.mark.parametrize("charge", [0.5, float("nan"), float("inf"), "1", [1]])
def test_a_charge_is_a_whole_number(charge):
    check_spin(Atoms("X", charges=[1 - 1e-12]), 4, multiplicity=2)
    with pytest.raises(InputError, match="whole number"):
        check_spin(Atoms("X"), 4, charge=charge)


def test_many_multiplicities_are_told_in_short():
    with pytest.raises(InputError, match=r"multiplicities: 1, 3, 5, \.\.\., 21\."):
        check_spin(Atoms("X"), 20, multiplicity=2)
