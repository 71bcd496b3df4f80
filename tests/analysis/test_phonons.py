from functools import cache

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.phonons import Phonons

from adatom.analysis import phonons as analysis
from adatom.analysis.phonons import as_phonopy, check_phonons, fit_phonons
from adatom.atoms.displacements import make_displaced, make_undisplaced
from adatom.errors import InputError

THZ = units._hplanck * 1e12 / units._e  # eV
LATTICE = 3.59  # of copper with EMT, in Å


def forces(atoms: Atoms) -> np.ndarray:
    atoms = atoms.copy()
    atoms.calc = EMT()
    return atoms.get_forces()


def phonons_of(atoms: Atoms, supercell=(3, 3, 3), **options):
    displaced = make_displaced(atoms, supercell)
    return fit_phonons(atoms, supercell, displaced, [forces(each) for each in displaced], **{"mesh": 20, **options})


@cache
def copper():
    return phonons_of(bulk("Cu", a=LATTICE))


def frequencies_at(phonons, *qpoints) -> np.ndarray:
    return as_phonopy(phonons).run_qpoints(qpoints).frequencies


def test_sum_rules():
    constants = copper()["force_constants"]
    assert constants.shape == (27, 27, 3, 3)
    assert np.abs(constants.sum(axis=0)).max() < 1e-6
    assert np.abs(constants.sum(axis=1)).max() < 1e-6
    assert np.allclose(constants, constants.transpose(1, 0, 3, 2), atol=1e-6)


def test_a_force_is_the_force_constants_times_the_displacement():
    """In a direction and of an atom that were not computed."""
    supercell = make_undisplaced(bulk("Cu", a=LATTICE), [3, 3, 3])
    displacements = np.zeros((27, 3))
    displacements[5] = 0.003, 0.001, -0.002
    supercell.positions += displacements
    expected = -np.einsum("ijab,jb->ia", copper()["force_constants"], displacements)
    assert forces(supercell) == pytest.approx(expected, abs=3e-4)
    assert np.abs(expected).max() > 0.01


@pytest.mark.parametrize(
    ("repeated", "qpoints"),
    [(2, [(0.5, 0, 0.5), (0.5, 0.5, 0.5)]), (3, [(1 / 3, 0, 1 / 3), (1 / 3, 1 / 3, 1 / 3), (1 / 3, 1 / 3, 2 / 3)])],
)
def test_frequencies_are_those_of_another_code(repeated, qpoints, tmp_path):
    """At q points where it does not matter to which image of an atom a force constant belongs."""
    atoms, supercell = bulk("Cu", a=LATTICE), (repeated, repeated, repeated)
    other = Phonons(atoms, EMT(), supercell=supercell, delta=0.01, name=str(tmp_path / "phonons"))
    other.run()
    other.read(acoustic=True, symmetrize=10)
    found = frequencies_at(phonons_of(atoms, supercell, mesh=5), *qpoints)
    assert found == pytest.approx(other.band_structure(qpoints) / THZ, rel=2e-3)


def test_acoustic_modes():
    assert np.abs(frequencies_at(copper(), (0, 0, 0))).max() < 1e-4
    assert copper()["imaginary_modes"] == 0
    assert copper()["lowest_frequency"] == pytest.approx(0, abs=1e-4)


def stress_of(atoms: Atoms, strain: np.ndarray) -> np.ndarray:
    strained = atoms.copy()
    strained.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    strained.calc = EMT()
    return strained.get_stress() / units.GPa


def test_the_speed_of_sound_is_that_of_the_elastic_constants():
    """Along [100]: rho v² is C11 for the longitudinal mode, C44 for the transversal ones."""
    atoms = bulk("Cu", a=LATTICE)
    along, across = np.zeros((2, 3, 3))
    along[0, 0], across[1, 2], across[2, 1] = 1e-3, 5e-4, 5e-4
    c11 = (stress_of(atoms, along) - stress_of(atoms, -along))[0] / 2e-3
    c44 = (stress_of(atoms, across) - stress_of(atoms, -across))[3] / 2e-3
    q = 1 / 50
    found = frequencies_at(phonons_of(atoms, (4, 4, 4), mesh=5), (0, q / 2, q / 2))[0]
    speed = found * 1e12 / (q / (LATTICE * 1e-10))  # m/s
    density = atoms.get_masses().sum() * units._amu / (atoms.get_volume() * 1e-30)
    assert density * speed**2 / 1e9 == pytest.approx([c44, c44, c11], rel=0.01)


def test_density_of_states():
    dos = copper()["dos"]
    assert np.trapezoid(dos["densities"], dos["frequencies"]) == pytest.approx(3, rel=5e-3)


def test_bands_follow_the_lattice():
    bands = copper()["bands"]
    assert bands["path"].startswith("GXWKGL")
    assert bands["labels"][:2] == ["G", "X"]
    x = bands["label_distances"][1]
    assert x == pytest.approx(2 * np.pi / LATTICE)
    at_x = bands["frequencies"][np.abs(bands["distances"] - x).argmin()]
    assert at_x == pytest.approx(frequencies_at(copper(), (0.5, 0, 0.5))[0], rel=1e-6)


def at_labels(phonons) -> np.ndarray:
    bands = phonons["bands"]
    return np.array([bands["frequencies"][np.abs(bands["distances"] - x).argmin()] for x in bands["label_distances"]])


@pytest.mark.parametrize("choice", ["cubic", "oblique", "turned"])
def test_another_cell_of_the_same_crystal_gives_the_same(choice):
    atoms, primitive = bulk("Cu", a=LATTICE, cubic=choice == "cubic"), bulk("Cu", a=LATTICE)
    whole = np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) if choice == "cubic" else np.eye(3, dtype=int)
    if choice == "oblique":
        atoms.set_cell(np.array([[1, 0, 0], [0, 1, 0], [1, 1, 1]]) @ atoms.cell.array)
    if choice == "turned":
        atoms.rotate(50, (1, 2, 3), rotate_cell=True)
    phonons, reference = phonons_of(atoms, [2, 2, 2], mesh=30), phonons_of(primitive, 2 * whole, mesh=30)
    assert len(phonons["primitive"]) == 1
    assert phonons["primitive"].get_volume() == pytest.approx(primitive.get_volume())
    assert phonons["bands"]["path"] == reference["bands"]["path"]
    assert at_labels(phonons) == pytest.approx(at_labels(reference), abs=1e-3)
    for key in ("free_energy", "entropy", "heat_capacity"):
        found, expected = (each["thermal_properties"][key] for each in (phonons, reference))
        assert found == pytest.approx(expected, rel=2e-3, abs=2e-5), key


def test_thermal_properties_are_the_sum_over_the_mesh():
    """F, S and C of independent oscillators."""
    model = as_phonopy(copper())
    model.run_mesh(20)
    quanta, weights = model.mesh.frequencies * THZ, model.mesh.weights / model.mesh.weights.sum()
    thermal = copper()["thermal_properties"]
    assert thermal["temperatures"].tolist() == list(range(0, 1001, 10))
    for index in (0, 3, 30, 100):
        kt = units.kB * max(thermal["temperatures"][index], 1e-3)
        x = np.where(quanta > 1e-6, quanta, np.nan) / kt
        free = quanta / 2 + kt * np.log1p(-np.exp(-x))
        with np.errstate(over="ignore"):
            entropy = units.kB * (x / np.expm1(x) - np.log1p(-np.exp(-x)))
            capacity = units.kB * (x / (2 * np.sinh(x / 2))) ** 2
        expected = [weights @ np.nansum(each, axis=1) for each in (free, entropy, capacity)]
        found = [thermal[key][index] for key in ("free_energy", "entropy", "heat_capacity")]
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-12)
    assert thermal["zero_point_energy"] == pytest.approx(thermal["free_energy"][0], rel=1e-9)


def test_the_heat_capacity_of_a_hot_crystal_is_that_of_dulong_and_petit():
    phonons = phonons_of(bulk("Cu", cubic=True, a=LATTICE), (2, 2, 2), t_min=5000, t_max=5000)
    modes = 3 * (1 - 1 / np.prod(phonons["mesh"]))  # without the three at Γ
    assert phonons["thermal_properties"]["heat_capacity"] == pytest.approx([modes * units.kB], rel=5e-4)


def test_forces_at_rest_are_subtracted():
    atoms = bulk("Cu", a=LATTICE)
    displaced = make_displaced(atoms, [2, 2, 2])
    residual = np.random.default_rng(1).normal(scale=0.01, size=(8, 3))
    disturbed = [forces(each) + residual for each in displaced]
    phonons = fit_phonons(atoms, [2, 2, 2], displaced, disturbed, residual_forces=residual, mesh=5)
    clean = fit_phonons(atoms, [2, 2, 2], displaced, [forces(each) for each in displaced], mesh=5)
    assert np.allclose(phonons["force_constants"], clean["force_constants"], atol=1e-9)


def test_large_force_constants_are_those_of_the_primitive_cell(monkeypatch):
    atoms = bulk("Cu", cubic=True, a=LATTICE)
    whole = phonons_of(atoms, (1, 1, 1), mesh=5)
    monkeypatch.setattr(analysis, "LARGE", 1000)  # bytes
    part = phonons_of(atoms, (1, 1, 1), mesh=5)
    assert whole["force_constants"].shape == (4, 4, 3, 3)
    assert part["force_constants"].shape == (1, 4, 3, 3)
    assert np.allclose(part["force_constants"][0], whole["force_constants"][0], atol=1e-9)
    q = (0.3, 0.1, 0.4)
    assert frequencies_at(part, q) == pytest.approx(frequencies_at(whole, q), abs=1e-6)


def test_imaginary_modes_are_counted_and_told():
    simple_cubic = bulk("Cu", "sc", a=2.4)
    with pytest.warns(UserWarning, match=r"of \d+ phonon modes of Cu are imaginary.*no thermal properties"):
        phonons = phonons_of(simple_cubic)
    model = as_phonopy(phonons)
    model.run_mesh(phonons["mesh"], is_gamma_center=True, is_mesh_symmetry=False)
    assert phonons["imaginary_modes"] == (model.mesh.frequencies < -0.01).sum() > 0
    assert phonons["lowest_frequency"] < -0.01
    assert phonons["thermal_properties"] is None
    ignored = phonons_of(simple_cubic, ignore_imaginary=True)
    assert ignored["imaginary_modes"] == phonons["imaginary_modes"]
    assert ignored["thermal_properties"]["heat_capacity"][-1] < 3 * units.kB


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ((0, 0, 1000, 10), "mesh is 0"),
        (([2, 2], 0, 1000, 10), r"mesh is \[2, 2\]"),
        ((10, -1, 1000, 10), "t_min, t_max and t_step are -1, 1000 and 10"),
        ((10, 500, 100, 10), "0 <= t_min <= t_max"),
        ((10, 0, 1000, 0), "a step above 0"),
    ],
)
def test_bad_input(given, message):
    with pytest.raises(InputError, match=message):
        check_phonons(*given)


def test_ranges_of_temperatures():
    assert len(check_phonons(100.0, 0, 1000, 10)) == 101
    assert check_phonons([2, 2, 2], 5, 6, 0.1)[-1] == pytest.approx(6)
    assert check_phonons(1.0, 300, 300, 10).tolist() == [300]
