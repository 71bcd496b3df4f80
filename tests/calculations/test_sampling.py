import threading
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import FileIOCalculator, all_changes
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.constraints import FixAtoms
from ase.io import read

from adatom.atoms.criteria import ForcesAbove, TemperatureAbove, TooClose
from adatom.calculations import run_md, sample_md
from adatom.configs import AutoparaInfo, ConfigSet, calculate, map
from adatom.errors import ConvergenceError, InputError, ItemError, UnfinishedError, UnknownNameError
from adatom.execution.context import current_job, job_context

SAME_MOTION = pytest.mark.deep(reason="test_the_motion_is_that_of_a_run_with_files: statistics are those of test_md.py")
ONE, TWO = AutoparaInfo(workers=1), AutoparaInfo(workers=2)
TRIPLE = (EMT, [], {})


class After:
    """Ends a run at the given look at it."""

    def __init__(self, looks):
        self.looks, self.seen = looks, 0

    def __call__(self, atoms):
        self.seen += 1
        return self.seen >= self.looks


class EverySecond:
    def __init__(self):
        self.seen = 0

    def __call__(self, atoms):
        self.seen += 1
        return self.seen % 2 == 0


class Locked:
    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, atoms):
        return False


class OnDisk(FileIOCalculator):
    """Shows where a code that runs on files would write them."""

    implemented_properties = ["energy", "forces"]  # noqa: RUF012

    def __init__(self, **kwargs):
        super().__init__(command="true", **kwargs)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        self.atoms = atoms.copy()
        Path(self.directory, "input.txt").write_text(str(atoms.symbols))
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}


class Breaking(EMT):
    """Loses its energy after some evaluations."""

    def __init__(self, after):
        super().__init__()
        self.left = after

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.left -= 1
        if self.left < 0:
            self.results["energy"] = np.nan


@pytest.fixture
def crystal():
    return bulk("Cu", cubic=True) * (2, 2, 2)


def rng(seed=1):
    return np.random.default_rng(seed)


def positions(structures):
    return np.array([atoms.positions for atoms in structures])


def crystals(number=4):
    made = [bulk("Cu", cubic=True) for _ in range(number)]
    for seed, atoms in enumerate(made):
        atoms.rattle(0.03, seed=seed)
    return made


def test_energy_is_conserved(crystal):
    found = sample_md(crystal, EMT(), dynamics="NVE", temperature=600, steps=100, timestep=2.0, every=5, rng=rng())
    total = [atoms.get_total_energy() for atoms in found]
    assert len(found) == 21
    assert np.ptp(total) < 0.02 * np.ptp([atoms.get_kinetic_energy() for atoms in found])
    np.testing.assert_allclose(found[-1].get_momenta().sum(axis=0), 0, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "fast"),
    [
        ("NVT", {"friction": 0.05 / units.fs}),
        pytest.param("Bussi", {"taut": 20 * units.fs}, marks=SAME_MOTION),
        pytest.param("NPTBerendsen", {}, marks=SAME_MOTION),
    ],
)
def test_thermostats_hold_the_temperature(name, fast, crystal):
    found = sample_md(
        crystal,
        EMT(),
        dynamics=name,
        temperature=400,
        steps=300,
        timestep=4.0,
        every=2,
        rng=rng(),
        dynamics_kwargs=fast,
    )
    assert np.mean([atoms.get_temperature() for atoms in found[50:]]) == pytest.approx(400, rel=0.1)


def test_temperature_goes_from_knot_to_knot(crystal):
    options = {"steps": 300, "timestep": 4.0, "every": 2, "dynamics_kwargs": {"taut": 20 * units.fs}}
    found = sample_md(crystal, EMT(), dynamics="Bussi", temperature=[200, 1000, 1000], rng=rng(), **options)
    temperatures = [atoms.get_temperature() for atoms in found]
    assert temperatures[0] < 400
    assert np.mean(temperatures[-50:]) == pytest.approx(1000, rel=0.15)


@SAME_MOTION
def test_pressure_compresses(crystal):
    options = {"dynamics": "NPTBerendsen", "temperature": 300, "steps": 60, "timestep": 4.0, "every": 60}
    volumes = [
        sample_md(crystal, EMT(), pressure=pressure, rng=rng(), **options)[-1].get_volume()
        for pressure in (0.0, 20 * units.GPa)
    ]
    assert volumes[1] < 0.98 * volumes[0]


@pytest.mark.parametrize("name", ["NVE", "NVT", "Bussi", "NPT"])
def test_the_motion_is_that_of_a_run_with_files(name, crystal):
    options = {"dynamics": name, "temperature": 300.0, "steps": 20}
    found = sample_md(crystal, EMT(), **options, every=5, rng=rng(7))
    frames = read(run_md(crystal, EMT(), **options, interval=5, seed=7)["trajectory"], ":")
    assert len(found) == len(frames) == 5
    for one, other in zip(found, frames, strict=True):
        np.testing.assert_array_equal(one.positions, other.positions)
        np.testing.assert_array_equal(one.cell.array, other.cell.array)
        np.testing.assert_array_equal(one.get_momenta(), other.get_momenta())
        np.testing.assert_array_equal(one.get_forces(), other.get_forces())
        assert one.get_potential_energy() == other.get_potential_energy()


def test_results_belong_to_their_structures(crystal):
    crystal.set_constraint(FixAtoms([0]))
    for atoms in sample_md(crystal, EMT(), temperature=500, steps=20, rng=rng()):
        anew = atoms.copy()
        anew.calc = EMT()
        assert atoms.get_potential_energy() == pytest.approx(anew.get_potential_energy())
        np.testing.assert_allclose(atoms.get_forces(), anew.get_forces(), atol=1e-12)
        np.testing.assert_array_equal(atoms.positions[0], crystal.positions[0])
        assert isinstance(atoms.constraints[0], FixAtoms)


def test_the_structure_and_the_calculator_stay_as_they_are(crystal):
    calculator = EMT()
    crystal.info["notes"] = ["kept"]
    crystal.info["REF_energy"] = -1.0
    crystal.arrays["REF_forces"] = np.ones((32, 3))
    before = crystal.copy()
    found = sample_md(crystal, calculator, temperature=300, steps=20, rng=rng())
    assert (crystal == before, crystal.calc, calculator.results, crystal.has("momenta")) == (True, None, {}, False)
    # What was computed of the structure at the start is not of those on the way.
    assert all(atoms.info == {"notes": ["kept"]} for atoms in found)
    assert not any("REF_forces" in atoms.arrays for atoms in found)
    found[0].info["notes"].append("changed")
    assert (crystal.info["notes"], found[1].info["notes"]) == (["kept"], ["kept"])


def test_velocities_can_be_kept_and_need_no_random_numbers():
    atom = Atoms("Cu", positions=[[0, 0, 0]])
    atom.set_velocities([[0.3, 0, 0]])
    found = sample_md(atom, EMT(), dynamics="NVE", steps=10, timestep=0.5, every=5)
    assert [one.positions[0, 0] for one in found] == pytest.approx([0, 0.75 * units.fs, 1.5 * units.fs])
    warm = sample_md(bulk("Cu") * 3, EMT(), temperature=300, steps=10, rng=rng())[-1]
    on = sample_md(warm, EMT(), temperature=900, keep_velocities=True, steps=1, rng=rng())
    np.testing.assert_allclose(on[0].get_velocities(), warm.get_velocities())


def test_structures_are_selected(crystal):
    options = {"calculator": EMT(), "temperature": 600, "steps": 30, "every": 5}
    all_of_them = sample_md(crystal, rng=rng(), **options)
    for numbers in ([30, 0, 15], range(0, 31, 15), np.array([0, 15, 30]), {0, 15, 30}):
        chosen = sample_md(crystal, rng=rng(), select=numbers, **options)
        np.testing.assert_array_equal(positions(chosen), positions(all_of_them[::3]))
    assert len(sample_md(crystal, rng=rng(), select=[1, 7], **options)) == 2
    assert sample_md(crystal, rng=rng(), select=[], **options) == []
    middle = np.median([atoms.get_potential_energy() for atoms in all_of_them])
    high = sample_md(crystal, rng=rng(), select=lambda atoms: atoms.get_potential_energy() > middle, **options)
    assert len(high) == 3
    assert min(atoms.get_potential_energy() for atoms in high) > middle


def test_a_run_ends_where_a_criterion_is_true(crystal, caplog):
    options = {"calculator": EMT(), "temperature": [300, 3000], "steps": 200, "every": 10}
    whole = sample_md(crystal, rng=rng(), **options)
    hot = [atoms.get_temperature() > 450 for atoms in whole]
    assert not hot[0]
    with caplog.at_level("INFO"):
        cut = sample_md(crystal, rng=rng(), abort=[TooClose(0.1), TemperatureAbove(450)], **options)
    np.testing.assert_array_equal(positions(cut), positions(whole[: hot.index(True) + 1]))
    assert "ended after" in caplog.text
    assert "TemperatureAbove(limit=450)" in caplog.text
    # The last structure comes out whether it was selected or not, so that one sees why.
    last = sample_md(crystal, rng=rng(), abort=TemperatureAbove(450), select=lambda atoms: False, **options)
    np.testing.assert_array_equal(positions(last), positions(cut[-1:]))
    # It is looked for between the numbers that are asked for, too.
    between = sample_md(crystal, rng=rng(), abort=TemperatureAbove(450), select=[0, 200], **options)
    np.testing.assert_array_equal(positions(between), positions([cut[0], cut[-1]]))


def test_what_is_bad_at_the_start_is_not_moved():
    near = Atoms("Cu2", [[0, 0, 0], [1.2, 0, 0]])
    for criterion in (TooClose(), ForcesAbove(5.0)):
        [only] = sample_md(near, EMT(), temperature=300, steps=10, abort=criterion, rng=rng())
        np.testing.assert_array_equal(only.positions, near.positions)


@pytest.mark.parametrize("workers", [ONE, TWO])
def test_criteria_begin_anew_for_each_structure(workers):
    criterion, selection = After(3), EverySecond()
    options = {"calculator": TRIPLE, "temperature": 300, "steps": 20, "every": 2, "autopara_info": workers}
    found = map(sample_md, crystals(), seed=1, abort=criterion, **options)
    assert [len(group) for group in found.groups()] == [3, 3, 3, 3]
    found = map(sample_md, crystals(), seed=1, abort=[After(9), criterion.__call__], **options)
    assert [len(group) for group in found.groups()] == [3, 3, 3, 3]
    found = map(sample_md, crystals(), seed=1, select=selection, **options)
    assert [len(group) for group in found.groups()] == [5, 5, 5, 5]
    assert (criterion.seen, selection.seen) == (0, 0)


def test_an_object_that_selects_and_ends_remains_one():
    both = After(4)
    # Called twice at each look, once to select and once to end.
    found = sample_md(bulk("Cu"), EMT(), temperature=300, steps=20, every=2, select=both, abort=both, rng=rng())
    assert len(found) == 1


def test_each_criterion_sees_every_structure():
    seen = []
    with pytest.raises(RuntimeError, match="enough"):

        def note(atoms):
            seen.append(atoms)
            if len(seen) == 2:
                raise RuntimeError("enough")

        sample_md(
            bulk("Cu"), EMT(), temperature=300, steps=20, every=2, abort=[lambda atoms: len(seen), note], rng=rng()
        )


def test_criteria_cannot_disturb_the_motion(crystal):
    def meddle(atoms):
        atoms.info["looked"] = True
        atoms.positions += 1.0
        return True

    options = {"calculator": EMT(), "temperature": 300, "steps": 20}
    moved = sample_md(crystal, rng=rng(), select=meddle, **options)
    np.testing.assert_allclose(positions(moved), positions(sample_md(crystal, rng=rng(), **options)) + 1.0)
    assert all(atoms.info == {"looked": True} for atoms in moved)


def test_workers_do_not_change_what_comes_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"calculator": TRIPLE, "temperature": 800, "steps": 30, "abort": [TemperatureAbove(1500), TooClose(0.7)]}
    one, two = (
        map(sample_md, crystals(8), f"{info.workers}.xyz", seed=3, autopara_info=info, **options) for info in (ONE, TWO)
    )
    assert Path("1.xyz").read_bytes() == Path("2.xyz").read_bytes()
    assert [len(group) for group in one.groups()] == [len(group) for group in two.groups()]
    first = [next(iter(group)) for group in one.groups()]
    assert len({round(atoms.get_temperature(), 6) for atoms in first}) == 8  # to each its own velocities
    # In the file are energy, forces and velocities, by which another run can go on.
    [again] = calculate(first[0], calculator=EMT(), autopara_info=ONE)
    assert first[0].get_potential_energy() == pytest.approx(again.info["EMT_energy"])
    np.testing.assert_allclose(first[0].get_forces(), again.arrays["EMT_forces"], atol=1e-7)
    other = map(sample_md, crystals(8), seed=4, autopara_info=ONE, **options)
    assert not np.allclose(positions(other)[1], positions(one)[1])


def test_other_criteria_are_another_operation(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {"calculator": TRIPLE, "temperature": 300, "steps": 10, "seed": 1, "autopara_info": ONE}
    made = map(sample_md, crystals(2), "all.xyz", abort=TooClose(0.5), **options)
    written = Path("all.xyz").stat().st_mtime_ns
    assert len(map(sample_md, crystals(2), "all.xyz", abort=TooClose(0.5), **options)) == len(made)
    assert Path("all.xyz").stat().st_mtime_ns == written
    with pytest.raises(InputError, match="differs in abort"):
        map(sample_md, crystals(2), "all.xyz", abort=TooClose(0.6), **options)


def test_a_structure_that_fails_is_kept():
    structures = [bulk("Cu"), bulk("Fe"), bulk("Ag")]
    options = {"calculator": TRIPLE, "temperature": 300, "steps": 10, "seed": 1, "autopara_info": ONE}
    found = map(sample_md, structures, on_error="keep", **options)
    assert [str(atoms.symbols) for atoms in found] == ["Cu", "Cu", "Fe", "Ag", "Ag"]
    assert found[2].info == {"sample_md_failed": "NotImplementedError: No EMT-potential for Fe"}
    with pytest.raises(ItemError, match="No EMT-potential for Fe"):
        map(sample_md, structures, **options)


class UntilTheEnd(EMT):
    """Takes a second evaluation that lasts almost until the process has to end."""

    evaluations = 0

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.evaluations += 1
        if self.evaluations == 2:
            time.sleep(max(0, current_job().deadline - time.time() - 1))


def test_the_end_of_the_process_is_seen_within_a_run(crystal):
    crystal.rattle(0.1)  # so that each step needs an evaluation
    with (
        job_context(deadline=time.time() + 12),
        pytest.raises(UnfinishedError, match="MD of Cu32 stopped after 1 of 100 steps"),
    ):
        map(sample_md, [crystal], calculator=(UntilTheEnd, [], {}), steps=100, dynamics="NVE", autopara_info=ONE)


def test_energies_that_are_no_numbers_are_told(crystal):
    with pytest.raises(ConvergenceError, match="md of Cu32: the energy is not a number"):
        sample_md(crystal, Breaking(8), temperature=300, steps=20, rng=rng())


@pytest.mark.parametrize("calculator", [EMT, EMT(), TRIPLE, (EMT, (), {"asap_cutoff": False}), lambda: EMT()])
def test_calculators_are_named_in_many_ways(calculator):
    one, other = (sample_md(bulk("Cu"), which, temperature=300, steps=10, rng=rng()) for which in (calculator, EMT()))
    np.testing.assert_array_equal(positions(one), positions(other))


def test_files_of_a_calculator_are_not_in_the_working_directory(tmp_path, monkeypatch, results_dir):
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    sample_md(bulk("Cu"), EMT(), temperature=300, steps=2, rng=rng())
    assert not results_dir.exists()
    sample_md(bulk("Cu"), OnDisk, temperature=300, steps=2, rng=rng())
    [directory] = results_dir.iterdir()
    assert (directory / "input.txt").read_text() == "Cu"
    assert set(tmp_path.iterdir()) - before <= {results_dir}


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"dynamics": "langevin"}, UnknownNameError, "Did you mean 'Langevin'"),
        ({"temperature": None}, InputError, "Set temperature"),
        ({"temperature": -1}, InputError, "temperature is -1"),
        ({"timestep": 0}, InputError, "timestep is 0"),
        ({"steps": 0}, InputError, "steps is 0"),
        ({"every": 0}, InputError, "every is 0"),
        ({"every": 2.5}, InputError, "every is 2.5"),
        ({"pressure": 0.1}, InputError, "constant volume"),
        ({"dynamics_kwargs": {"frictoin": 1}}, InputError, "do not fit Langevin"),
        ({"rng": None}, InputError, "rng is None, and NVT needs random numbers.*seed=1"),
        ({"rng": 3}, InputError, "rng is 3"),
        ({"rng": None, "dynamics": "NVE"}, InputError, "needs random numbers"),
        ({"select": "all"}, InputError, "select is 'all'"),
        ({"select": 5}, InputError, "select is 5"),
        ({"select": iter([1, 2])}, InputError, "Give a function of a structure, or a list"),
        ({"select": [1, 11]}, InputError, "select has 11. Give numbers of steps, from 0 to 10"),
        ({"select": [-1]}, InputError, "select has -1"),
        ({"select": [0.5]}, InputError, "select has 0.5"),
        ({"select": [True]}, InputError, "select has True"),
        ({"abort": 3000}, InputError, "abort has 3000"),
        ({"abort": [TooClose(), "hot"]}, InputError, "abort has 'hot'"),
        ({"abort": TooClose}, InputError, "abort has the class TooClose"),
        ({"abort": Locked()}, InputError, "copied for each run, and one of them cannot be"),
        ({"calculator": None}, InputError, "The calculator is None"),
        ({"calculator": "chgnett"}, UnknownNameError, "Did you mean 'chgnet'"),
        ({"calculator": (EMT, [])}, InputError, "As a tuple it is"),
        ({"calculator": (dict, [], {})}, InputError, "Give an instance of an ASE calculator"),
        ({"atoms": Atoms()}, InputError, "no atoms"),
        ({"atoms": "Cu.xyz"}, InputError, "not an ase.Atoms"),
    ],
)
def test_bad_input_is_refused(arguments, error, said):
    good = {"atoms": bulk("Cu"), "calculator": Breaking(0), "steps": 10, "temperature": 300, "rng": rng()}
    with pytest.raises(error, match=said):
        sample_md(**{**good, **arguments})


def test_a_calculator_needs_stress_for_a_pressure():
    with pytest.raises(InputError, match="OnDisk has no 'stress'"):
        sample_md(bulk("Cu"), OnDisk, dynamics="NPT", temperature=300, steps=5, rng=rng())


def test_molecules_and_single_atoms_move():
    argon = Atoms("Ar3", [[0, 0, 0], [3.8, 0, 0], [0, 3.8, 0]])
    lj = (LennardJones, [], {"sigma": 3.4, "epsilon": 0.0104, "rc": 12.0})
    found = map(sample_md, ConfigSet([argon, Atoms("Ar")]), seed=1, calculator=lj, temperature=20, steps=20, every=20)
    assert [len(atoms) for atoms in found] == [3, 3, 1, 1]
    assert all(np.isfinite(atoms.get_temperature()) for atoms in found)
