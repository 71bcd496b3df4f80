import threading
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read

import adatom
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate
from adatom.errors import InputError, ItemError, UnknownNameError
from adatom.recipes.emt import static_job
from tests.configs import operations

ONE, TWO = AutoparaInfo(workers=1), AutoparaInfo(workers=2)


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path / "results"):
        yield


class Counting(EMT):
    """Knows how often it was made, and how often it computed."""

    made = computed = 0

    def __init__(self, **kwargs):
        Counting.made += 1
        super().__init__(**kwargs)

    def calculate(self, *args, **kwargs):
        Counting.computed += 1
        super().calculate(*args, **kwargs)


@pytest.fixture
def counting():
    Counting.made = Counting.computed = 0
    return Counting


class Unsendable(EMT):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("calculator", "prefix"),
    [(EMT(), "EMT_"), (EMT, "EMT_"), ((EMT, [], {}), "EMT_"), ((EMT, (), {"asap_cutoff": True}), "EMT_")],
)
def test_the_prefix_is_the_calculators_name(calculator, prefix):
    [found] = calculate(bulk("Cu"), calculator=calculator, autopara_info=ONE)
    assert found.info.keys() == {f"{prefix}energy", f"{prefix}stress"}
    assert found.arrays.keys() == {"numbers", "positions", f"{prefix}forces"}
    assert found.calc is None


def test_several_calculators_side_by_side(tmp_path):
    first = calculate(bulk("Cu", cubic=True), tmp_path / "emt.xyz", EMT(), output_prefix="REF_", autopara_info=ONE)
    lj = (LennardJones, [], {"sigma": 2.3, "epsilon": 0.4, "rc": 6.0})
    both = calculate(first, tmp_path / "both.xyz", lj, output_prefix="LJ_", autopara_info=ONE)
    [found] = read(tmp_path / "both.xyz", ":")
    alone = bulk("Cu", cubic=True)
    alone.calc = LennardJones(sigma=2.3, epsilon=0.4, rc=6.0)
    assert found.info["LJ_energy"] == pytest.approx(alone.get_potential_energy())
    alone.calc = EMT()
    assert found.info["REF_energy"] == pytest.approx(alone.get_potential_energy())
    assert both[0].info.keys() == {"REF_energy", "REF_stress", "LJ_energy", "LJ_stress"}


def test_without_a_prefix_energies_and_forces_have_ases_names():
    [found] = calculate(bulk("Cu"), calculator=EMT(), output_prefix="", autopara_info=ONE)
    assert found.info.keys() == {"energy", "stress"}
    assert found.arrays.keys() == {"numbers", "positions", "forces"}


def test_the_stress_is_of_periodic_structures_alone():
    found = calculate([molecule("H2O"), bulk("Cu")], calculator=EMT(), autopara_info=ONE)
    assert ["EMT_stress" in atoms.info for atoms in found] == [False, True]


def test_a_calculator_without_stress_is_no_failure():
    class NoStress(EMT):
        implemented_properties = ("energy", "forces")

    [found] = calculate(bulk("Cu"), calculator=NoStress, autopara_info=ONE)
    assert found.info.keys() == {"NoStress_energy"}
    with pytest.raises(InputError, match=r"NoStress has no stress\. It has: energy, forces"):
        calculate(bulk("Cu"), calculator=NoStress, properties=["energy", "stress"])


def test_properties_can_be_chosen():
    [found] = calculate(bulk("Cu"), calculator=EMT(), properties=["energies"], autopara_info=ONE)
    assert found.info == {}
    assert found.arrays["EMT_energies"].shape == (1,)
    [found] = calculate(bulk("Cu"), calculator=EMT(), properties="energy", autopara_info=ONE)
    assert found.info.keys() == {"EMT_energy"}
    with pytest.raises(UnknownNameError, match="Unknown property 'force'. Did you mean 'forces'"):
        calculate(bulk("Cu"), calculator=EMT(), properties=["force"])


def test_the_energy_is_the_one_whose_derivatives_the_forces_are():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    moved = [atoms.copy() for _ in range(3)]
    for step, one in zip((-1e-3, 0, 1e-3), moved, strict=True):
        one.positions[0, 0] += step
    found = list(calculate(moved, None, operations.Smeared(), output_prefix=""))
    before, energy, after = (one.info["energy"] for one in found)
    assert (before - after) / 2e-3 == pytest.approx(found[1].arrays["forces"][0, 0], abs=1e-4)
    alone = calculate(atoms, None, operations.Smeared(), properties="energy", output_prefix="REF_")[0]
    assert alone.info["REF_energy"] == pytest.approx(energy + 0.5 * 4)
    committee = calculate(atoms, None, [operations.Smeared(), EMT()], output_prefix="REF_")[0]
    assert committee.info["REF_energy_std"] == pytest.approx(0, abs=1e-9)


def test_results_of_an_earlier_time_are_replaced():
    atoms = molecule("H2O")
    atoms.info["EMT_stress"] = np.ones(6)
    atoms.arrays["EMT_forces"] = np.full((3, 3), 9.0)
    [found] = calculate(atoms, calculator=EMT(), properties=["energy"], autopara_info=ONE)
    assert found.info.keys() == {"EMT_energy"}
    assert "EMT_forces" not in found.arrays
    assert "EMT_stress" in atoms.info


def test_a_failure_keeps_the_structure_and_the_others_go_on():
    given = ConfigSet([bulk("Cu"), bulk("Fe"), bulk("Ag")])
    found = list(calculate(given, calculator=EMT(), output_prefix="REF_", autopara_info=TWO))
    assert found[1].info == {"REF_failed": "NotImplementedError: No EMT-potential for Fe"}
    assert ["REF_energy" in atoms.info for atoms in found] == [True, False, True]
    with pytest.raises(ItemError, match="calculate REF failed for structure 1"):
        calculate(given, calculator=EMT(), output_prefix="REF_", on_error="raise", autopara_info=ONE)


def test_a_calculator_is_made_once_and_computes_once_for_each_structure(counting):
    given = [bulk("Cu", a=3.5 + number / 100) for number in range(20)]
    calculate(given, calculator=counting, autopara_info=ONE)
    assert counting.computed == 20
    assert counting.made == 1
    calculate([given[0]] * 5, calculator=counting(), autopara_info=ONE)
    assert counting.computed == 21  # ASE would not compute it again either


@pytest.mark.parametrize("calculator", [operations.Program(), operations.Program, (operations.Program, [], {})])
@pytest.mark.parametrize("info", [ONE, AutoparaInfo(workers=2, batch=1)], ids=["here", "two workers"])
def test_a_program_has_a_directory_for_each_structure(calculator, info, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    given = [Atoms(f"Cu{size}") for size in range(1, 7)]
    found = calculate(given, calculator=calculator, autopara_info=info)
    assert [atoms.info["Program_energy"] for atoms in found] == [len(atoms) + 2 for atoms in given]
    assert list(Path().iterdir()) == []
    [results] = (tmp_path / "results").glob("MAP-calculate_Program-*")
    assert sorted(path.name for path in results.iterdir()) == [f"{number:06d}" for number in range(6)]
    assert all((path / "lines").exists() for path in results.iterdir())


def test_a_program_runs_once_for_all_properties():
    class Told(EMT):
        """Computes what it is told to, and no more."""

        def calculate(self, atoms, properties, system_changes):
            runs.append(list(properties))
            super().calculate(atoms, properties, system_changes)
            self.results = {name: self.results[name] for name in properties}

    runs = []
    given = [bulk("Cu"), bulk("Cu"), molecule("H2O")]
    found = list(calculate(given, calculator=Told, autopara_info=ONE))
    assert runs == [["energy", "forces", "stress"], ["energy", "forces"]]  # the second is as the first
    assert found[1].info.keys() == {"Told_energy", "Told_stress"}


def test_each_member_of_a_committee_has_a_directory(tmp_path):
    [found] = calculate(Atoms("Cu"), calculator=[operations.Program(), operations.Program()], autopara_info=ONE)
    assert found.info == {"Program_energy": 3, "Program_energy_std": 0}
    [results] = (tmp_path / "results").glob("MAP-*/000000")
    assert (results / "lines").exists()
    assert (results / "Program-1" / "lines").exists()


def test_what_a_calculator_says_of_a_property_itself_is_asked_for(counting):
    class Shifted(EMT):
        def get_property(self, name, atoms=None, allow_calculation=True):
            found = super().get_property(name, atoms, allow_calculation)
            return found + 1 if name == "forces" else found

    [found] = calculate(bulk("Cu"), calculator=Shifted, autopara_info=ONE)
    assert found.arrays["Shifted_forces"] == pytest.approx(np.ones((1, 3)))


def test_results_are_not_the_calculators_own_arrays():
    class Kept(EMT):
        """Uses its arrays again."""

        def calculate(self, *args, **kwargs):
            super().calculate(*args, **kwargs)
            buffer[:] = self.results["stress"]
            self.results["stress"] = buffer

    buffer = np.zeros(6)
    found = list(calculate([bulk("Cu", a=3.5), bulk("Cu", a=3.7)], calculator=Kept, autopara_info=ONE))
    assert found[0].info["Kept_stress"][0] < 0 < found[1].info["Kept_stress"][0]


def test_an_instance_that_cannot_be_sent_works_here():
    instance = Unsendable()
    assert len(calculate(bulk("Cu"), calculator=instance, autopara_info=ONE)) == 1
    with pytest.raises(InputError, match=r"cannot be sent to worker processes.*\(constructor, args, kwargs\)"):
        calculate(bulk("Cu"), calculator=instance, autopara_info=TWO)
    assert len(calculate(bulk("Cu"), calculator=(Unsendable, [], {}), autopara_info=TWO)) == 1


def cut_off(atoms: Atoms) -> dict:
    return {"rc": 3.0 if len(atoms) == 1 else 6.0}


@pytest.mark.parametrize("overrides", [cut_off, "settings"])
def test_arguments_for_one_structure(overrides):
    given = [bulk("Ar"), bulk("Ar", cubic=True), bulk("Ar")]
    for atoms in given:
        atoms.info["settings"] = cut_off(atoms)
    kind = (LennardJones, [], {"sigma": 3.4, "epsilon": 0.01})
    found = calculate(given, calculator=kind, overrides=overrides, autopara_info=ONE)
    for atoms, result in zip(given, found, strict=True):
        alone = atoms.copy()
        alone.calc = LennardJones(sigma=3.4, epsilon=0.01, **cut_off(atoms))
        assert result.info["LennardJones_energy"] == pytest.approx(alone.get_potential_energy())


def test_overrides_that_are_none():
    given = [bulk("Ar")]
    assert len(calculate(given, calculator=LennardJones, overrides="settings", autopara_info=ONE)) == 1
    given[0].info["settings"] = 3
    [found] = calculate(given, calculator=LennardJones, overrides="settings", autopara_info=ONE)
    assert "Give a dictionary of keyword arguments" in found.info["LennardJones_failed"]


def test_a_committee():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=1)
    members = [EMT(), (EMT, [], {"asap_cutoff": True})]
    [found] = calculate(atoms, calculator=members, output_prefix="C_", autopara_info=TWO)
    each = [
        next(iter(calculate(atoms, calculator=member, output_prefix="C_", autopara_info=ONE))) for member in members
    ]
    energies = [one.info["C_energy"] for one in each]
    forces = [one.arrays["C_forces"] for one in each]
    assert found.info["C_energy"] == pytest.approx(sum(energies) / 2)
    assert found.info["C_energy_std"] == pytest.approx(abs(energies[0] - energies[1]) / 2)
    assert found.arrays["C_forces"] == pytest.approx((forces[0] + forces[1]) / 2)
    assert found.arrays["C_forces_std"] == pytest.approx(abs(forces[0] - forces[1]) / 2)
    assert found.info.keys() == {"C_energy", "C_energy_std", "C_stress", "C_stress_std"}
    [again] = calculate(found, calculator=EMT(), output_prefix="C_", autopara_info=ONE)
    assert again.info.keys() == {"C_energy", "C_stress"}  # no deviation of other energies
    assert again.arrays.keys() == {"numbers", "positions", "C_forces"}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"calculator": (EMT, [], {"asap_cutoff": True})}, "calculator"),
        ({"properties": ["energy"]}, "properties"),
        ({"output_prefix": "B_"}, "prefix"),
    ],
)
def test_another_calculator_is_noticed(change, what, tmp_path):
    given = {"calculator": (EMT, [], {}), "output_prefix": "A_", "autopara_info": ONE}
    calculate(bulk("Cu"), tmp_path / "out.xyz", **given)
    calculate(bulk("Cu"), tmp_path / "out.xyz", **given)
    with pytest.raises(InputError, match=f"another operation, which differs in {what}"):
        calculate(bulk("Cu"), tmp_path / "out.xyz", **{**given, **change})


def test_an_instance_is_the_same_after_it_was_used(tmp_path):
    calculator = EMT()
    for _ in range(2):
        calculate([bulk("Cu"), bulk("Ag")], tmp_path / "out.xyz", calculator, autopara_info=ONE)


@pytest.mark.parametrize(
    ("calculator", "message"),
    [
        (None, "calculate needs a calculator"),
        ([], "calculate needs a calculator"),
        ("chgnot", "Unknown model 'chgnot'. Did you mean 'chgnet'"),
        (3, "The calculator is 3"),
        ((EMT, {}), r"As a tuple it is \(constructor, \[arguments\], \{keyword arguments\}\)"),
    ],
)
def test_what_is_no_calculator_is_refused_at_once(calculator, message):
    with pytest.raises(InputError, match=message):
        calculate(bulk("Cu"), calculator=calculator)


@pytest.mark.parametrize(
    ("name", "properties", "lost"),
    [
        ("out.db", ["energy", "forces"], "db do not hold EMT_energy, EMT_forces"),
        ("out.json", ["energy"], "json do not hold EMT_energy"),
        ("out.traj", None, "traj do not hold EMT_forces"),
        ("out.cif", ["stress"], "cif do not hold EMT_stress"),
        ("out.traj", ["energy", "stress"], None),
        ("out.xyz.gz", None, None),
        ("out.lmdb", None, None),
    ],
)
def test_a_file_that_would_not_hold_the_results_is_refused(name, properties, lost, tmp_path):
    outputs = OutputSpec(name, file_root=tmp_path / "new")
    if lost:
        with pytest.raises(InputError, match=rf"{lost}\. Give one that does, such as out\.xyz or out\.lmdb"):
            calculate(bulk("Cu"), outputs, EMT(), properties)
        with pytest.raises(InputError, match="do not hold REF_"):
            adatom.configs.map(static_job, bulk("Cu"), outputs, output_prefix="REF_")
        assert not list(tmp_path.iterdir())
    else:
        in_memory = list(calculate(bulk("Cu"), None, EMT(), properties, autopara_info=ONE))
        [found] = calculate(bulk("Cu"), outputs, EMT(), properties, autopara_info=ONE)
        assert found.info.keys() == in_memory[0].info.keys()
        assert found.arrays.keys() == in_memory[0].arrays.keys()


def test_a_file_need_not_hold_what_the_calculator_has_not(tmp_path):
    class EnergyOnly(EMT):
        implemented_properties = ("energy",)

    [found] = calculate(bulk("Cu"), tmp_path / "out.traj", EnergyOnly, autopara_info=ONE)
    assert found.info.keys() == {"EnergyOnly_energy"}


def test_operations_chain(tmp_path):
    evaluated = calculate([bulk("Cu"), bulk("Ag")], tmp_path / "all.xyz", EMT(), ["energy", "forces"], "REF_")
    low = evaluated.filter(lambda atoms: atoms.info["REF_energy"] / len(atoms) < 0)
    assert [str(atoms.symbols) for atoms in low] == ["Cu", "Ag"][: len(low)]
    assert len(low) == sum(atoms.info["REF_energy"] < 0 for atoms in evaluated)


def test_a_stress_in_three_rows_becomes_a_vector_of_six():
    """Some calculators have it so, CHGNet's among them."""
    [found] = calculate(bulk("Cu"), None, operations.Adjustable, ["stress"], "M_", autopara_info=ONE)
    assert found.info["M_stress"].tolist() == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("prefix", ["lvl:", "two\nlines"])
def test_a_prefix_that_the_file_does_not_hold(prefix, counting, tmp_path):
    with pytest.raises(InputError, match=r"out\.xyz' would not hold the outputs: .*Rename it"):
        calculate(bulk("Cu"), tmp_path / "out.xyz", counting, output_prefix=prefix, autopara_info=ONE)
    with pytest.raises(InputError, match="do not hold my forces"):
        spec = OutputSpec(tmp_path / "out.xyz", write_kwargs={"columns": ["symbols", "positions"]})
        calculate(bulk("Cu"), spec, counting, output_prefix="my ", autopara_info=ONE)
    assert counting.computed == 0


@pytest.mark.parametrize("prefix", ["a=", "my ref ", "T", '"'])
def test_an_odd_prefix_is_read_again(prefix, tmp_path):
    [found] = calculate(bulk("Cu"), tmp_path / "out.xyz", EMT(), output_prefix=prefix, autopara_info=ONE)
    again = read(tmp_path / "out.xyz")
    assert found.info.keys() == again.info.keys() == {f"{prefix}energy", f"{prefix}stress"}
    assert f"{prefix}forces" in found.arrays.keys() & again.arrays.keys()


@pytest.mark.parametrize("name", ["out.xyz", "out.lmdb"])
def test_a_structure_that_the_file_does_not_hold_is_not_computed(name, counting, tmp_path):
    given = [bulk("Cu", a=3.5 + number / 100) for number in range(5)]
    given[3].info["what"] = object
    found = calculate(given, tmp_path / name, counting, output_prefix="REF_", autopara_info=ONE)
    assert list(found.failures) == [3]
    assert [atoms.info.keys() >= {"REF_energy"} for atoms in found] == [True, True, True, False, True]
    assert "info['what']" in found[3].info["REF_failed"]
    assert counting.computed == 4


def test_what_was_lost_in_extended_xyz_is_read_again(tmp_path):
    given = [bulk("Cu") for _ in range(3)]
    given[0].info["note"], given[1].info["note"], given[2].info["back"] = "", "two\nlines", "\\"
    calculate(given, tmp_path / "out.xyz", EMT(), output_prefix="REF_", autopara_info=ONE)
    found = read(tmp_path / "out.xyz", ":")
    assert [atoms.info.get("note") for atoms in found] == ["", "two\nlines", None]
    assert found[2].info["back"] == "\\"
    assert all("REF_energy" in atoms.info and atoms.pbc.all() for atoms in found)


def test_results_without_a_prefix_are_those_of_a_calculator(counting, tmp_path):
    with pytest.raises(InputError, match="'REF_.*'"):
        calculate(bulk("Cu"), tmp_path / "out.xyz", counting, output_prefix="", autopara_info=ONE)
    assert counting.computed == 0
