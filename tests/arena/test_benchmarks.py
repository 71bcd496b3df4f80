"""Each benchmark on a potential of which it is known how physical it is: EMT's copper."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from pymatgen.core import Lattice, Structure

from adatom import change_settings
from adatom.analysis.documents import DOCUMENTS, units_of
from adatom.arena.benchmark import SIZES
from adatom.arena.benchmarks import BENCHMARKS, find_benchmark
from adatom.arena.benchmarks.endurance import endurance_flow
from adatom.arena.campaign import run_benchmarks
from adatom.arena.systems import crystals
from adatom.errors import MissingExtraError, UnknownNameError
from tests.codes import needs_code

LONG = {
    "conservation": "thousands of steps of dynamics",
    "heating": "thousands of steps of dynamics",
    "compression": "thousands of steps of dynamics",
}


def named(*but):
    """The benchmarks, those that take long as deep tests."""
    return [
        pytest.param(
            name,
            marks=[
                *([pytest.mark.deep(reason=LONG[name])] if name in LONG else []),
                *([needs_code("phonons")] if name == "phonons" else []),
            ],
        )
        for name in BENCHMARKS
        if name not in but
    ]


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with change_settings(workflow_engine="local", local_workers=1):
        yield


def test_a_benchmark_without_its_package_is_refused_before_all_others(tmp_path):
    lacking = replace(find_benchmark("phonons"), packages={"no_such_package": "phonons"})
    with pytest.raises(MissingExtraError, match=r"no_such_package is not .* pip install 'adatom\[phonons\]'"):
        run_benchmarks(["extensivity", lacking], {"emt": EMT}, elements=["Cu"])
    assert not [*tmp_path.iterdir()]


def test_structures_of_pymatgen_are_those_of_ase():
    crystal = Structure.from_spacegroup("Fm-3m", Lattice.cubic(3.6), ["Cu"], [[0, 0, 0]]).get_primitive_structure()
    given = {"pymatgen": crystal, "ase": bulk("Cu", a=3.6)}
    mine = replace(find_benchmark("eos"), systems=lambda size, elements: given)
    (record,) = run_benchmarks([mine], {"emt": EMT})
    theirs, ours = (record["systems"][name]["document"]["energies"] for name in given)
    assert theirs == pytest.approx(ours, abs=1e-9)


@pytest.mark.parametrize("name", named("combustion"))  # of hydrogen: tests/arena/test_combustion.py
def test_copper_is_physical(name):
    (record,) = run_benchmarks([name], {"emt": EMT}, elements=["Cu", "Al"] if name == "pairs" else ["Cu"])
    (system,) = record["systems"].values()
    assert system["failure"] is None
    assert system["missing"] == {}
    assert system["score"] > 0.94 or name == "speed", system["metrics"]
    assert all(value is not None for value in system["metrics"].values())
    for curve in record["curves"]:
        x, y = (system["document"][curve[axis]] for axis in "xy")
        assert len(x) == len(y) >= 4
        assert curve["x_unit"] == units_of(find_benchmark(name).document)[curve["x"]]


def test_a_sharp_cut_off_is_found_out():
    """The energy of Lennard-Jones that is shifted has no step at its cut-off, that of one that is cut has."""
    models = {
        "smooth": (LennardJones, [], {"sigma": 2.3, "epsilon": 0.4, "rc": 6.0, "ro": 4.0, "smooth": True}),
        "cut": (Cut, [], {"sigma": 2.3, "epsilon": 0.4, "rc": 4.0}),
    }
    found = run_benchmarks(["smoothness"], models, elements=["Cu"])
    smooth, cut = (record["systems"]["Cu"]["metrics"]["largest_step"] for record in found)
    shift = 4 * 0.4 * ((2.3 / 4) ** 12 - (2.3 / 4) ** 6)
    assert smooth < 1e-3
    # Of the shells that leave, the first is the largest: 12 neighbours, or 6 pairs for each atom. The cubic polynomial
    # beside a step sees 3 of 6 parts of it.
    assert cut == pytest.approx(6 * abs(shift) * 3 / 6, rel=0.1)


class Cut(LennardJones):
    """Lennard-Jones without the shift that takes the step away."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        distances = [
            np.linalg.norm(self.atoms.positions[j] + offset @ self.atoms.cell.array - self.atoms.positions[i], axis=1)
            for i in range(len(self.atoms))
            for j, offset in [self.nl.get_neighbors(i)]
        ]
        inside = sum(int((each < self.parameters.rc).sum()) for each in distances)
        s = self.parameters.sigma / self.parameters.rc
        self.results["energy"] += inside / 2 * 4 * self.parameters.epsilon * (s**12 - s**6)


def test_dynamics_end_with_the_stage_that_fails():
    """Without a repulsive wall atoms fall into one another as soon as they are pressed."""
    short = {"picoseconds": 0.02, "stages": 4}
    params = {"all": {"calculator": EMT}}
    found = endurance_flow(bulk("Cu", cubic=True), **short, job_params=params)
    assert found["endurance"] == {"name": "endurance", "reached": 1.0, "reason": ""}
    assert [len(run["atoms"]) for run in found["md"]] == [4] * 4
    temperatures = [run["parameters"]["temperature"] for run in found["md"]]
    assert temperatures[0][0] == 300
    assert temperatures[-1][1] == 3000
    assert temperatures[0][1] == temperatures[1][0]
    failing = endurance_flow.with_options(on_failure="return")(
        bulk("Cu", cubic=True), **short, timestep=500.0, job_params=params
    )
    assert failing["endurance"]["reached"] < 1
    assert "went wrong" in failing["endurance"]["reason"]


def test_the_table_is_whole():
    for name in BENCHMARKS:
        one = find_benchmark(name)
        assert one.name == name
        assert one.document in DOCUMENTS or one.document == "md"
        sizes = [one.systems(size, None) for size in SIZES]
        assert 0 < len(sizes[0]) <= len(sizes[1]) <= len(sizes[2])
        assert set(sizes[0]) <= set(sizes[2])
        for system in sizes[0].values():
            calls, atoms = one.calls(system)
            assert calls > 0
            assert atoms > 0
    with pytest.raises(UnknownNameError, match="Did you mean 'phonons'"):
        find_benchmark("phonon")


def test_crystals_are_near_their_experimental_density():
    """Distances between neighbours against tables of bond lengths in Å."""
    found = crystals("full")
    for name, length in {"NaCl": 2.82, "SiC": 1.89, "CsCl": 3.57, "CaF2": 2.36, "Li2O": 2.00, "SrTiO3": 1.95}.items():
        atoms = found[name] * (2, 2, 2)
        distances = atoms.get_all_distances(mic=True)
        assert distances[distances > 0].min() == pytest.approx(length, abs=0.02)
    assert len({str(atoms.symbols) for atoms in found.values()}) == len(found)
    assert list(crystals("small", ["Ti", "O", "Sr"])) == ["Ti", "Sr", "SrTiO3"]
