"""The curve of two atoms, against Morse's and Lennard-Jones'."""

import math

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.lj import LennardJones
from ase.calculators.morse import MorsePotential
from ase.data import covalent_radii, vdw_alvarez

from adatom.analysis.diatomics import diatomic_curve
from adatom.errors import InputError

COPPER = 29
NEAREST, FARTHEST = 0.9 * covalent_radii[COPPER], 3.1 * vdw_alvarez.vdw_radii[COPPER]
GRID = np.linspace(NEAREST, FARTHEST, int((FARTHEST - NEAREST) / 0.01))
MORSE = {"epsilon": 1.0, "r0": 2.2, "rho0": 6.0, "rcut1": 20.0, "rcut2": 21.0}
MEASURES = ("repulsion", "attraction", "force_repulsion", "force_attraction")


def scan(calculator, distances=GRID):
    """The energies, and the forces on the second atom, of a potential of ASE's."""
    atoms = Atoms("Cu2", [(0, 0, 0), (1, 0, 0)], cell=[5 * FARTHEST] * 3, calculator=calculator)
    energies, forces = [], []
    for distance in distances:
        atoms.positions[1, 0] = distance
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces()[1, 0])
    return np.array(energies), np.array(forces)


@pytest.fixture(scope="module")
def morse():
    return scan(MorsePotential(**MORSE))


def test_the_known_answers_of_morse(morse):
    """Those of MLIP Arena's formulas for its grid of copper."""
    assert (len(GRID), *GRID[[0, -1]]) == (618, pytest.approx(1.188), pytest.approx(7.378))
    found = diatomic_curve(GRID, *morse, arena_compat=True)
    assert (found["tortuosity"], found["energy_flips"], found["force_flips"]) == (pytest.approx(1), 1, 1)
    assert [found[key] for key in MEASURES] == pytest.approx([-1, 1, -1, 1])
    assert found["energy_jump"] == pytest.approx(0.004455, abs=1e-6)
    assert found["energy_total_variation"] == pytest.approx(220.03533, abs=1e-5)
    assert found["conservation_deviation"] > 0.05, "differences of second order say that of an exact potential"


def test_a_potential_with_the_forces_of_its_energy_has_no_deviation(morse):
    assert diatomic_curve(GRID, *morse)["conservation_deviation"] < 1e-4
    energies, forces = morse
    assert diatomic_curve(GRID, energies, forces + 0.02)["conservation_deviation"] == pytest.approx(0.02, abs=1e-4)
    assert diatomic_curve(GRID, energies, -forces)["conservation_deviation"] > 1


def test_the_vibration_is_that_of_morse(morse):
    r"""It has ω = a √(2 D / μ), with a = ρ₀ / r₀."""
    mass = 63.546 / 2
    found = diatomic_curve(GRID, *morse, reduced_mass=mass)
    assert found["equilibrium_distance"] == pytest.approx(2.2, abs=1e-4)
    assert found["well_depth"] == pytest.approx(1, abs=1e-4)
    omega = MORSE["rho0"] / MORSE["r0"] * math.sqrt(2 / mass)  # in ASE's unit of time
    assert found["wave_number"] == pytest.approx(units._hbar * units.J * units.s * omega / units.invcm, rel=1e-3)
    assert math.isnan(diatomic_curve(GRID, *morse)["wave_number"])


def test_lennard_jones():
    grid = np.arange(2.0, 9.0, 0.01)
    found = diatomic_curve(grid, *scan(LennardJones(sigma=2.5, epsilon=0.4, rc=30), grid))
    assert found["equilibrium_distance"] == pytest.approx(2.5 * 2 ** (1 / 6), abs=1e-4)
    assert [found[key] for key in MEASURES] == pytest.approx([-1, 1, -1, 1])
    assert found["conservation_deviation"] < 1e-3


def test_the_order_of_the_points_and_the_zero_of_energy_do_not_matter(morse):
    energies, forces = morse
    shuffled = np.random.default_rng(1).permutation(len(GRID))
    one = diatomic_curve(GRID, energies, forces)
    other = diatomic_curve(GRID[shuffled], energies[shuffled] - 7, forces[shuffled])
    for key, value in one.items():
        np.testing.assert_allclose(other.pop(key), value, atol=1e-8) if key != "name" else other.pop(key)
    assert not other


def test_a_hole_in_the_wall_is_seen(morse):
    energies, forces = (values.copy() for values in morse)
    energies[:30] = energies[30] - 2 * np.arange(30)[::-1]
    forces[:30] = -200.0
    found = diatomic_curve(GRID, energies, forces)
    assert found["tortuosity"] > 1.1
    assert found["energy_flips"] == found["force_flips"] == 2
    assert math.isnan(found["repulsion"]), "there is no wall"


def test_points_without_a_number_are_counted(morse):
    energies, forces = (values.copy() for values in morse)
    energies[:20] = np.nan
    forces[25] = np.inf
    found = diatomic_curve(GRID, energies, forces)
    assert found["missing"] == 21
    assert len(found["distances"]) == len(found["energies"]) == len(found["forces"]) == 618 - 21
    nothing = diatomic_curve(GRID, np.full(618, np.nan), forces)
    assert nothing["missing"] == 618
    assert math.isnan(nothing["tortuosity"])
    assert set(nothing) == set(found)


def test_a_potential_that_knows_no_interaction():
    nothing = np.zeros(618)
    found = diatomic_curve(GRID, nothing, nothing)
    assert math.isnan(found["tortuosity"])
    assert math.isnan(found["attraction"])
    assert (found["energy_flips"], found["well_depth"], found["missing"]) == (0, 0, 0)


def test_bad_points_and_masses_are_refused(morse):
    with pytest.raises(InputError, match="shapes of distances, energies, forces"):
        diatomic_curve(GRID, morse[0], morse[1][1:])
    for mass in (0, -1.0, math.nan):
        with pytest.raises(InputError, match=f"reduced_mass is {mass}"):
            diatomic_curve(GRID, *morse, reduced_mass=mass)
