"""Insertions of a molecule, against integrals over places and orientations."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read

from adatom import JobFailure
from adatom.atoms.supercells import make_supercell
from adatom.calculations.widom import insertion_structures, run_widom
from adatom.errors import ConvergenceError, InputError
from adatom.recipes import emt, lj

T = 300.0
KT = units.kB * T
LJ = {"sigma": 3.0, "epsilon": 0.03, "rc": 7.0}
OFF = {**LJ, "epsilon": 0.0}


def host():
    """Krypton in a cell that is not at right angles."""
    return Atoms("Kr", [(0.5, 1.0, 2.0)], cell=[(7.5, 0, 0), (1.0, 8.0, 0), (-0.5, 1.0, 8.5)], pbc=True)


def dimer():
    return Atoms("Ar2", [(0, 0, 0), (0, 1.2, 0)])


def ideal(atoms):
    """Henry coefficient in mol/kg/Pa of an ideal gas in the volume of the host."""
    kilograms = atoms.get_masses().sum() * units._amu
    return atoms.get_volume() * 1e-30 / kilograms / (units._k * units._Nav * T)


def inserted(atoms, gas, parameters=None, **options):
    calculators = [LennardJones(**(parameters or LJ)) for _ in range(3)]
    return run_widom(atoms, gas, calculators, temperature=T, **options)


def potential(points, atoms):
    """Energy in eV of an atom at each of some points, with all atoms of the crystal within the cut-off."""
    shifts = np.stack(np.meshgrid(*[np.arange(-2, 3)] * 3), axis=-1).reshape(-1, 3) @ atoms.cell.array
    at_cut_off = (LJ["sigma"] / LJ["rc"]) ** 6
    energies = np.zeros(len(points))
    for position in (atoms.positions[:, None] + shifts).reshape(-1, 3):
        r2 = ((points - position) ** 2).sum(axis=1)
        c6 = np.where(r2 < LJ["rc"] ** 2, (LJ["sigma"] ** 2 / np.maximum(r2, 0.25)) ** 3, 0.0)
        energies += 4 * LJ["epsilon"] * ((c6**2 - c6) - (r2 < LJ["rc"] ** 2) * (at_cut_off**2 - at_cut_off))
    return energies


def integral(atoms, gas, number, directions):
    """Mean weight and mean energy by a regular grid of centres and of directions of an axis."""
    grid = (np.arange(number) + 0.5) / number
    centres = np.stack(np.meshgrid(grid, grid, grid), axis=-1).reshape(-1, 3) @ atoms.cell.array
    along = gas.positions[:, 1] - gas.get_center_of_mass()[1]
    # A spiral has points of equal area on the sphere.
    z = (2 * np.arange(directions) + 1) / directions - 1
    angle = np.pi * (1 + 5**0.5) * np.arange(directions)
    axes = np.column_stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z])
    energies = np.concatenate([sum(potential(centres + place * axis, atoms) for place in along) for axis in axes])
    weights = np.exp(-energies / KT)
    return weights.mean(), (energies * weights).sum() / weights.sum()


@pytest.mark.parametrize("gas", [Atoms("Ar"), molecule("CO2")], ids=["atom", "molecule"])
def test_a_gas_that_feels_nothing_is_ideal(gas):
    found = inserted(host(), gas, OFF, insertions=20, min_distance=0)
    assert found["results"]["henry_coefficient"] == pytest.approx(ideal(host()), rel=1e-9)
    assert found["results"]["heat_of_adsorption"] == pytest.approx(KT * units.mol / units.kJ, rel=1e-9)
    assert found["results"]["averaged_interaction_energy"] == 0


def test_what_is_left_of_the_cell_by_the_least_distance():
    found = inserted(host(), Atoms("Ar"), OFF, insertions=3000, min_distance=3.0)["results"]
    volume = host().get_volume()
    free = 1 - 4 / 3 * np.pi * 3.0**3 / volume
    assert found["henry_coefficient"] == pytest.approx(free * ideal(host()), abs=3 * found["henry_coefficient_error"])
    assert found["henry_coefficient_error"] == pytest.approx(ideal(host()) * np.sqrt(free * (1 - free) / 3000), rel=0.1)


@pytest.mark.parametrize(
    ("gas", "number", "directions"), [(Atoms("Ar"), 40, 1), (dimer(), 16, 30)], ids=["atom", "dimer"]
)
def test_averages_are_those_of_an_integral(gas, number, directions):
    found = inserted(host(), gas, insertions=3000)["results"]
    weight, energy = integral(host(), gas, number, directions)
    assert found["henry_coefficient"] == pytest.approx(weight * ideal(host()), abs=3 * found["henry_coefficient_error"])
    assert found["averaged_interaction_energy"] == pytest.approx(
        energy, abs=3 * found["averaged_interaction_energy_error"]
    )
    assert found["henry_coefficient_error"] < 0.05 * found["henry_coefficient"]
    assert found["averaged_interaction_energy_error"] < 0.003
    assert abs(weight - 1) > 0.2
    assert energy < -0.01


def shifted():
    atoms = host()
    atoms.positions += (1.3, -20.2, 0.7)
    return atoms


@pytest.mark.parametrize("other", [shifted(), make_supercell(host(), (2, 1, 1))], ids=["shifted", "repeated"])
def test_the_same_crystal(other):
    first, second = (inserted(atoms, dimer(), insertions=1500)["results"] for atoms in (host(), other))
    for name in ("henry_coefficient", "averaged_interaction_energy", "heat_of_adsorption"):
        error = np.hypot(first[f"{name}_error"], second[f"{name}_error"])
        assert first[name] == pytest.approx(second[name], abs=3 * error)
        assert error < 0.1 * abs(first[name])


def test_numbers_are_those_of_the_seed():
    first, again, other = (inserted(host(), dimer(), insertions=n, seed=s) for n, s in [(20, 1), (40, 1), (20, 2)])
    np.testing.assert_array_equal(again["points"]["energies"][:20], first["points"]["energies"])
    assert (other["points"]["energies"] != first["points"]["energies"]).any()
    assert first["parameters"]["seed"] == 1


def test_the_result_has_the_best_place():
    found = emt.widom_job(bulk("Cu", cubic=True), Atoms("H"), insertions=100, seed=3, min_distance=1.2)
    energies = found["points"]["energies"]
    free = np.isfinite(energies)
    assert 0 < free.sum() < 100
    assert np.isposinf(energies[~free]).all()
    host, alone, _ = insertion_structures(bulk("Cu", cubic=True), Atoms("H"))
    apart = sum(emt.static_job(one)["results"]["energy"] for one in (host, alone))
    assert found["results"]["energy"] - apart == pytest.approx(energies.min(), abs=1e-9)
    static = emt.static_job(found["atoms"])["results"]
    assert static["energy"] == pytest.approx(found["results"]["energy"], abs=1e-9)
    assert found["atoms"].get_chemical_formula() == "HCu4"
    assert found["atoms"].get_all_distances(mic=True)[-1, :-1].min() >= 1.2
    frames = read(found["trajectory"], ":")
    assert [frame.get_potential_energy() for frame in frames] == [found["results"]["energy"]]
    assert sum(path.stat().st_size for path in Path(found["dir_name"]).iterdir()) < 50_000
    assert found["converged"]


class Picky(EMT):
    """Raises for hydrogen in the lower half of the cell, and returns NaN in a part of the upper one."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        super().calculate(atoms, properties, system_changes)
        if atoms.get_chemical_formula() == "HCu4":
            height = atoms.get_scaled_positions()[-1, 2]
            if height < 0.5:
                raise ArithmeticError("not here")
            if height > 0.9:
                self.results["energy"] = float("nan")


def test_insertions_that_fail_are_said():
    copper, gas = bulk("Cu", cubic=True), Atoms("H")
    whole = run_widom(copper, gas, [EMT() for _ in range(3)], insertions=200, min_distance=1.2)
    found = run_widom(copper, gas, [EMT(), EMT(), Picky()], insertions=200, min_distance=1.2)
    energies = found["points"]["energies"]
    failed = np.isnan(energies)
    assert [int(number) for number in found["missing"]] == np.flatnonzero(failed).tolist()
    assert {why.partition(":")[0] for why in found["missing"].values()} == {"ArithmeticError", "ConvergenceError"}
    np.testing.assert_array_equal(energies[~failed], whole["points"]["energies"][~failed])
    assert not found["converged"]
    weights = np.exp(-energies[~failed] / KT)
    factor = found["results"]["henry_coefficient"] / ideal(copper)
    assert factor == pytest.approx(weights.mean(), rel=1e-6)


class Failing(EMT):
    """Raises for each structure that is not pure copper."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        if "H" in atoms.symbols:
            raise ArithmeticError("no hydrogen")
        super().calculate(atoms, properties, system_changes)


@pytest.mark.parametrize(
    ("calculators", "said"),
    [
        ([EMT, Failing, EMT], "The molecule alone failed: ArithmeticError: no hydrogen"),
        ([EMT, EMT, Failing], r"All \d+ insertions with room failed, the first by ArithmeticError"),
    ],
)
def test_all_that_fail_are_an_error(calculators, said):
    with pytest.raises(ConvergenceError, match=said):
        run_widom(bulk("Cu", cubic=True), Atoms("H"), [make() for make in calculators], insertions=50, min_distance=1.2)


@pytest.mark.parametrize(
    ("atoms", "gas", "options", "said"),
    [
        (Atoms("Kr", cell=[8, 8, 8], pbc=(True, True, False)), Atoms("Ar"), {}, "periodic in three directions"),
        (host(), Atoms(), {}, "has no atoms"),
        (host(), Atoms("Ar2", [(0, 0, 0), (0, 0, 9)]), {}, "would meet its own images"),
        (host(), Atoms("Ar"), {"temperature": 0}, "temperature is 0"),
        (host(), Atoms("Ar"), {"insertions": 0.5}, "insertions is 0.5"),
        (host(), Atoms("Ar"), {"min_distance": -1}, "min_distance is -1"),
        (host(), Atoms("Ar"), {"min_distance": 20.0}, "Kr has no room: each of 5000"),
        (host(), Atoms("Ar"), {"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_refused(atoms, gas, options, said, results_dir):
    with pytest.raises(JobFailure, match=said) as caught:
        lj.widom_job(atoms, gas, **options)
    assert caught.value.failure.kind == "InputError"
    assert not list(results_dir.rglob("widom*"))


def test_a_property_is_missing():
    class NoEnergy(EMT):
        implemented_properties = ("forces",)

    with pytest.raises(InputError, match="NoEnergy has no 'energy'"):
        run_widom(host(), Atoms("Ar"), [EMT(), EMT(), NoEnergy()])
