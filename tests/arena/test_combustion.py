"""Combustion of hydrogen: its boxes, and runs whose numbers are computed here anew."""

import numpy as np
import pytest
from ase import units
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.io import read
from ase.neighborlist import neighbor_list

from adatom import change_settings
from adatom.analysis.combustion import count_molecules
from adatom.arena.benchmarks.combustion import COMBUSTION, combustion_flow, make_mixture, systems
from adatom.arena.campaign import run_benchmarks
from adatom.errors import InputError

KCAL = units.kcal / units.mol
#: Distances in Å in water, and that below which atoms of different molecules repel each other.
OXYGEN_HYDROGEN, HYDROGEN_HYDROGEN, APART = 0.96, 1.51, 2.2


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1, results_dir=tmp_path):
        yield


class Springs(Calculator):
    """Springs from each oxygen to two atoms of hydrogen, and between these: any mixture becomes water.

    Atoms of different molecules repel each other.
    """

    implemented_properties = ("energy", "forces")
    stiffness, longest = 8.0, 0.05  # eV/Å², and the stretch in Å beyond which the pull does not grow

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        hydrogen, oxygen = (np.flatnonzero(self.atoms.symbols == symbol) for symbol in "HO")
        owners = np.zeros(len(self.atoms), dtype=int)
        owners[oxygen], owners[hydrogen] = np.arange(len(oxygen)), np.arange(len(hydrogen)) // 2
        inside = owners[:, None] == owners
        alike = self.atoms.numbers[:, None] == self.atoms.numbers
        lengths = np.where(alike, HYDROGEN_HYDROGEN, OXYGEN_HYDROGEN)
        vectors = self.atoms.get_all_distances(mic=True, vector=True)
        distances = np.linalg.norm(vectors, axis=-1) + np.eye(len(self.atoms))
        stretched = np.where(inside, distances - lengths, np.minimum(distances - APART, 0))
        np.fill_diagonal(stretched, 0)
        pulls = self.stiffness * np.clip(stretched, -self.longest, self.longest)
        energy = (pulls * (stretched - pulls / self.stiffness / 2)).sum() / 2  # of each pair there are two
        self.results = {"energy": energy, "forces": ((pulls / distances)[..., None] * vectors).sum(axis=1)}


class Pushed(EMT):
    """EMT with a force on all atoms that is not one of the energy."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results["forces"] = self.results["forces"] + (0.01, 0, 0)


class Broken(EMT):
    """EMT that loses its atoms as soon as they are hot."""

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        if atoms.get_temperature() > 1500:
            raise ArithmeticError("lost")


def run(calculator, picoseconds=0.1, **more):
    job_params = {"all": {"calculator": calculator}}
    flow = combustion_flow.with_options(on_failure="return")
    return flow((2, picoseconds), job_params=job_params, **more)


@pytest.mark.parametrize("oxygens", [1, 2, 16, 64])
def test_a_mixture(oxygens):
    mixture = make_mixture(oxygens)
    assert count_molecules(mixture) == {"H2": 2 * oxygens, "O2": oxygens}
    density = mixture.get_masses().sum() * units._amu * 1e3 / (mixture.get_volume() * 1e-24)
    assert density == pytest.approx(0.25)
    distances = neighbor_list("d", mixture, 2.0)
    assert len(distances) == 6 * oxygens  # those of the bonds, seen from both ends
    assert distances.max() < 1.3
    assert make_mixture(oxygens) == mixture
    assert make_mixture(oxygens, seed=1) != mixture


def test_all_that_the_numbers_say():
    found = run("emt")
    document, runs = found["combustion"], found["md"]
    assert document["reached"] == 1
    frames = [frame for each in runs for frame in read(each["trajectory"], ":")]
    start, end = frames[0], runs[-1]["atoms"]
    np.testing.assert_allclose(start.positions, make_mixture(2).positions)
    assert document["water_yield"] == count_molecules(end).get("H2O", 0) / 4
    assert document["drift"] == pytest.approx(np.linalg.norm(end.get_center_of_mass() - start.get_center_of_mass()))
    assert document["drift"] < 1e-9
    steps = sum(each["parameters"]["steps"] for each in runs)
    assert steps == pytest.approx(200, abs=12)
    assert document["steps_per_second"] == steps / sum(each["provenance"]["duration"] for each in runs)
    knots = [each["parameters"]["temperature"] for each in runs]
    assert knots[0] == [300, 975]
    assert knots[-1] == pytest.approx([975, 300])
    assert [pair for pair in knots if pair == [3000, 3000] or pair == 3000] == knots[4:8]
    assert {each["parameters"]["dynamics"] for each in runs} == {"Bussi"}
    assert len({each["parameters"]["seed"] for each in runs}) == 12


def test_a_mixture_that_burns():
    """The energy of the reaction is that of the springs, by the number of molecules."""
    found = run(Springs, 0.6, temperatures=(300, 300))
    document, end = found["combustion"], found["md"][-1]["atoms"]
    assert count_molecules(end) == {"H2O": 4}
    assert document["water_yield"] == 1
    energies = []
    for atoms in (make_mixture(2), end):
        atoms.calc = Springs()
        energies.append(atoms.get_potential_energy())
    expected = (energies[1] - energies[0]) / 4 / KCAL
    assert document["reaction_energy"] == pytest.approx(expected, rel=1e-9)
    assert expected < -10
    assert all(each["parameters"]["temperature"] == 300 for each in found["md"])
    error = {metric.name: metric.value(document) for metric in COMBUSTION.metrics}["reaction_error"]
    assert error == pytest.approx(abs(expected + 68.3078), rel=1e-9)


def test_forces_that_push_the_whole():
    found = run(Pushed)
    mass, force = make_mixture(2).get_masses().sum(), 12 * 0.01
    steps = sum(each["parameters"]["steps"] for each in found["md"])
    time = steps * 0.5 * units.fs
    assert found["combustion"]["drift"] == pytest.approx(force / mass * time**2 / 2, rel=0.02)


def test_the_part_before_a_failure():
    found = run(Broken)["combustion"]
    assert 0 < found["reached"] < 1
    assert "lost" in found["reason"]
    assert np.isnan(found["reaction_energy"])
    assert np.isfinite(found["drift"])


def test_systems_of_a_size():
    assert systems("small", None) == {"H8O4": (2, 2.0)}
    assert systems("full", None)["H256O128"] == (64, 1000.0)
    assert systems("small", ["H", "O", "Cu"]) == systems("full", None)
    with pytest.raises(InputError, match="has no system of Cu alone"):
        COMBUSTION.chosen("small", ["Cu"])


def test_a_model_that_knows_no_oxygen_scores_nothing(monkeypatch):
    class NoOxygen(EMT):
        def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
            raise NotImplementedError("no parameters for O")

    monkeypatch.setattr("adatom.arena.benchmarks.combustion._SYSTEMS", {"small": (1, 0.01), "full": (1, 0.01)})
    (record,) = run_benchmarks(["combustion"], {"none": NoOxygen})
    (system,) = record["systems"].values()
    assert system["score"] == 0
    assert "no parameters for O" in system["document"]["reason"]
