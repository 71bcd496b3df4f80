"""Structures that bring calculators along."""

import threading

import pytest
from ase.build import bulk
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

import adatom
from adatom.configs import AutoparaInfo, ConfigSet, calculate, map
from adatom.configs.columns import item_digest
from adatom.errors import InputError
from tests.configs import operations

ONE, TWO = AutoparaInfo(workers=1, batch=1), AutoparaInfo(workers=2, batch=1)


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path / "results"):
        yield tmp_path / "results"


class Bound(EMT):
    """A calculator that cannot leave its process, as one with a connection to a program."""

    def __init__(self) -> None:
        super().__init__()
        self.connection = threading.Lock()


def with_calculators(calculator, count=3):
    structures = [bulk("Cu", cubic=True, a=3.5 + number / 100) for number in range(count)]
    for atoms in structures:
        atoms.calc = calculator
    return structures


@pytest.mark.parametrize("size", [0, 200_000], ids=["small", "large"])
@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_a_calculator_that_all_structures_share_goes_to_a_worker_once(info, size, tmp_path, results):
    (tmp_path / "seen").mkdir()
    given = with_calculators(operations.Traveller(str(tmp_path / "seen"), b"." * size), 24)
    found = map(operations.evaluated_as_given, given, autopara_info=info)
    alone = with_calculators(EMT(), 24)
    assert [atoms.info["energy"] for atoms in found] == pytest.approx([one.get_potential_energy() for one in alone])
    arrivals = len(list((tmp_path / "seen").iterdir()))
    assert 2 <= arrivals <= 1 + info.workers  # and once with the first batch, when nobody knows that others have it
    assert all(atoms.calc is given[0].calc for atoms in given)
    assert not [path for path in results.rglob("*") if path.is_file()]


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_one_for_each_structure_and_groups_of_some(info):
    given = [with_calculators(EMT(), 1)[0] for _ in range(3)]
    found = map(operations.evaluated_as_given, given, autopara_info=info)
    assert [atoms.info["energy"] for atoms in found] == pytest.approx([one.get_potential_energy() for one in given])
    groups = map(operations.evaluated_all, [given[:2], given[2:]] * 4, autopara_info=info)
    assert [atoms.info["energy"] for atoms in groups] == pytest.approx(
        4 * [one.get_potential_energy() for one in given]
    )


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_calculate_leaves_them_where_they_are(info):
    """It has its own; that of a structure may be large, or unable to go anywhere."""
    given = with_calculators(Bound())
    found = calculate(given, None, EMT(), output_prefix="M_", autopara_info=info)
    assert [atoms.info["M_energy"] for atoms in found] == pytest.approx([one.get_potential_energy() for one in given])
    assert all(type(atoms.calc) is Bound for atoms in given)


def test_what_calculate_does_not_need_is_known_to_its_overrides():
    """What a calculator knows of its structure goes along."""
    given = with_calculators(Bound(), 2)
    given[1].get_potential_energy()  # what the calculator that both have knows is of this one

    def overrides(atoms):
        return {"epsilon": 1.0 if atoms.calc is None else atoms.calc.results["energy"]}

    found = calculate(
        given, None, operations.Adjustable, ["energy"], "M_", overrides=overrides, autopara_info=AutoparaInfo(workers=1)
    )
    assert [atoms.info["M_energy"] for atoms in found] == [1.0, given[1].get_potential_energy()]


@pytest.mark.parametrize("info", [ONE, TWO], ids=["here", "two workers"])
def test_one_that_cannot_travel_is_named_before_anything_is_computed(info):
    with pytest.raises(InputError, match=r"structures 0 to 0 cannot be sent to workers: .*lock.*give the function"):
        map(operations.evaluated_as_given, with_calculators(Bound()), autopara_info=info)


def test_a_structure_that_failed_comes_out_with_results_and_no_calculator():
    given = with_calculators(EMT(), 2)
    energy = given[1].get_potential_energy()
    found = map(operations.exiting, given, on_error="keep", autopara_info=TWO)
    assert found[0].calc is None  # it knew the other one
    assert type(found[1].calc) is SinglePointCalculator
    assert found[1].get_potential_energy() == energy


def test_what_a_calculator_knows_of_another_structure_is_no_part_of_this_one():
    plain, given = bulk("Cu", cubic=True, a=3.5), with_calculators(EMT(), 2)
    assert item_digest(given[0]) == item_digest(plain)
    given[1].get_potential_energy()
    assert item_digest(given[0]) == item_digest(plain)
    given[0].get_potential_energy()
    assert item_digest(given[0]) != item_digest(plain)


def test_one_that_is_no_calculator_of_ases_by_class():
    class Foreign:
        def get_potential_energy(self, atoms, force_consistent=False):
            return -1.0

    [atoms] = with_calculators(Foreign(), 1)
    assert not isinstance(atoms.calc, Calculator)
    [found] = map(operations.evaluated_as_given, ConfigSet([atoms]), autopara_info=ONE)
    assert found.info["energy"] == -1.0
    item_digest(atoms)
