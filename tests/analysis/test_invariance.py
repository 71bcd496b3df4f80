"""Measures of what should not change: under motions, in parts, far away, and from one length to the next."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from adatom.analysis.cohesion import cohesion
from adatom.analysis.endurance import endurance
from adatom.analysis.equivariance import equivariance, moved_structures
from adatom.analysis.extensivity import extensivity
from adatom.analysis.locality import locality
from adatom.analysis.scaling import scaling
from adatom.analysis.smoothness import smoothness
from adatom.errors import InputError


class Tilted(EMT):
    """Pulls along z in the frame of the laboratory, which no potential should know."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.results["forces"] = self.results["forces"] + [0, 0, 0.5]
        self.results["energy"] -= 0.5 * self.atoms.positions[:, 2].sum()


def computed(atoms, make):
    atoms = atoms.copy()
    atoms.calc = make()
    return atoms.get_potential_energy(), atoms.get_forces()


def measured(make):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.2, seed=1)
    energy, forces = computed(atoms, make)
    energies, found, expected = {}, {}, {}
    for kind, motions in moved_structures(atoms, 2).items():
        results = [computed(moved, make) for moved, _, _ in motions]
        energies[kind] = [one for one, _ in results]
        found[kind] = [one for _, one in results]
        expected[kind] = [(forces @ matrix)[places] for _, matrix, places in motions]
    return equivariance(energies, found, energy, expected)


def test_a_potential_of_distances_does_not_change():
    found = measured(EMT)
    assert max(value for key, value in found.items() if key.endswith(("energy", "forces"))) < 1e-10
    assert found["cosine"] == pytest.approx(1)


def test_a_potential_that_knows_the_laboratory_is_found_out():
    found = measured(Tilted)
    assert found["rotation_forces"] > 0.1
    assert found["rotation_energy"] > 0.01
    assert found["translation_energy"] > 0.01
    assert found["translation_forces"] < 1e-10
    assert found["permutation_energy"] < 1e-10
    assert found["cosine"] < 0.999


def test_motions_are_those_of_a_rigid_body_and_of_numbers():
    atoms = molecule("CH3OH")
    moved = moved_structures(atoms, 3, seed=4)
    distances = atoms.get_all_distances()
    for structure, matrix, places in [one for motions in moved.values() for one in motions]:
        np.testing.assert_allclose(structure.get_all_distances(), distances[np.ix_(places, places)], atol=1e-12)
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
        assert (structure.numbers == atoms.numbers[places]).all()
    handedness = {kind: [np.linalg.det(matrix) for _, matrix, _ in motions] for kind, motions in moved.items()}
    assert handedness["rotation"] == pytest.approx([1] * 3)
    assert handedness["reflection"] == pytest.approx([-1] * 3)


def test_a_whole_against_its_parts():
    found = extensivity(-10.5, [[0, 0, 1], [0, 0, -1.25]], [-5, -5], [[[0, 0, 1]], [[0, 0, -1]]])
    assert found == {"name": "extensivity", "energy_error": 0.25, "force_error": 0.25}
    assert np.isnan(extensivity(float("nan"), [[0, 0, 0]], [1], [[[0, 0, 0]]])["energy_error"])


def test_the_range_of_forces():
    before = np.zeros((4, 3))
    after = np.array([[3.0, 4, 0], [0.1, 0, 0], [0, 0, 0], [0, 5e-5, 0]])
    found = locality([0, 5, 8, 15], before, after)
    assert found["changes"].tolist() == [5, 0.1, 0, 5e-5]
    assert (found["range"], found["far_change"]) == (5, 5e-5)
    after[3] = np.nan
    assert np.isnan(locality([0, 5, 8, 15], before, after)["range"])


def test_steps_of_a_stretched_crystal():
    grid = np.linspace(1, 3, 101)
    smooth = 5 * np.exp(-3 * (grid - 1))
    assert smoothness(grid, smooth, 1)["largest_step"] < 1e-4
    stepped = smooth + np.where(grid > 2, 0.2, 0)
    found = smoothness(grid, stepped, 2)
    assert found["largest_step"] == pytest.approx(0.2 * 3 / 6 / 2, rel=0.01)  # weights 4 - 1 on one side of it, of 6
    stepped[7] = np.nan
    assert smoothness(grid, stepped, 2)["missing"] == 1


def test_the_time_that_dynamics_endure():
    assert endurance(["", "", "too hot", "needs it"]) == {"name": "endurance", "reached": 0.5, "reason": "too hot"}
    assert endurance([""])["reached"] == 1
    with pytest.raises(ValueError, match="no stages"):
        endurance([])


def test_the_growth_of_the_time():
    found = scaling([8, 64, 512], [1.0, 2.0, 128.0], 100.0)
    assert found["exponent"] == pytest.approx(2)
    assert found["seconds_per_atom"] == 0.25
    with pytest.raises(InputError, match="two sizes or more, ascending"):
        scaling([8, 8], [1, 1], 0)


def test_the_order_of_surfaces():
    order = ["111", "100", "110"]
    assert cohesion(0.0, -3.5, {"111": 1.0, "100": 1.1, "110": 1.2}, order)["disorder"] == 0
    found = cohesion(0.5, -3.0, {"111": 1.5, "100": 1.0, "110": 1.2}, order)
    assert found["disorder"] == pytest.approx(0.5)
    assert (found["cohesive_energy"], found["lowest_surface_energy"]) == (3.5, 1.0)
