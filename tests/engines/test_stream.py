"""An operation on many structures gives the same on every engine."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, calculate, map
from adatom.errors import ItemError
from tests.configs import operations


@pytest.fixture
def info(engine):
    return AutoparaInfo(runner=engine.runner)


def cells(count: int) -> list[Atoms]:
    """Of 4 atoms, rattled by 0.05 Å."""
    structures = [bulk("Cu", cubic=True) for _ in range(count)]
    for number, atoms in enumerate(structures):
        atoms.rattle(0.05, seed=number)
    return structures


@pytest.mark.parametrize("calculator", [EMT, (EMT, [], {}), EMT()], ids=["class", "triple", "instance"])
def test_energies_and_forces_are_those_of_a_loop(info, calculator, tmp_path):
    given = cells(60)
    found = list(
        calculate(given, OutputSpec(tmp_path / "out.xyz"), calculator, output_prefix="REF_", autopara_info=info)
    )
    for atoms, result in zip(given, found, strict=True):
        alone = atoms.copy()
        alone.calc = EMT()
        assert result.positions == pytest.approx(atoms.positions, abs=1e-8)  # as extended XYZ has them
        assert result.info["REF_energy"] == pytest.approx(alone.get_potential_energy(), abs=1e-10)
        assert result.arrays["REF_forces"] == pytest.approx(alone.get_forces(), abs=1e-7)
        assert result.info["REF_stress"] == pytest.approx(alone.get_stress(), abs=1e-7)
        assert result.info.keys() == {"REF_energy", "REF_stress"}
        assert result.arrays.keys() == {"numbers", "positions", "REF_forces"}


def test_order_groups_and_random_numbers_do_not_depend_on_the_engine(info):
    inputs = ConfigSet([cells(5), [cells(3), cells(40)], *cells(2)])
    found = map(operations.rattled, inputs, seed=7, autopara_info=info)
    assert [len(part) if isinstance(part, ConfigSet) else 1 for part in found.groups()] == [5, 43, 1, 1]
    for number, (before, after) in enumerate(zip(inputs, found, strict=True)):
        rng = np.random.default_rng(np.random.SeedSequence(7, spawn_key=(number,)))
        assert after.positions == pytest.approx(before.positions + rng.normal(scale=0.1, size=(4, 3)))


def test_functions_of_a_script_and_failures(info):
    limit = 3.62

    def small(atoms):
        if atoms.cell[0, 0] > limit:
            raise ValueError(f"{atoms.cell[0, 0]:.2f} is large")
        return atoms

    given = [bulk("Cu", "sc", a=3.5 + number / 100) for number in range(20)]
    found = list(map(small, given, on_error="keep", autopara_info=info))
    assert [atoms.info.get("small_failed") for atoms in found] == [None] * 13 + [
        f"ValueError: {3.5 + number / 100:.2f} is large" for number in range(13, 20)
    ]


def test_what_kills_its_worker_is_named(engine, info):
    if not engine.capabilities.processes:
        pytest.skip("a job that ends its process ends the test")
    given = [bulk(symbol) for symbol in ["Cu"] * 12 + ["Ag"] + ["Au"] * 12]
    found = list(map(operations.deadly, given, on_error="keep", autopara_info=info))
    assert [str(atoms.symbols) for atoms in found] == [str(atoms.symbols) for atoms in given]
    assert [place for place, atoms in enumerate(found) if "deadly_failed" in atoms.info] == [12]
    assert found[12].info["deadly_failed"].startswith("WorkerDiedError")


def test_an_operation_that_is_long_when_pickled_goes_by_a_file(info, tmp_path):
    table = np.arange(200_000)

    def looked_up(atoms, table):
        atoms.info["sum"] = int(table.sum())
        return atoms

    found = map(looked_up, cells(30), table=table, autopara_info=info)
    assert {atoms.info["sum"] for atoms in found} == {int(table.sum())}
    assert not list(tmp_path.rglob("*.operation"))


def test_a_failure_that_is_not_kept_ends_it_and_the_engine_goes_on(info):
    given = [bulk(symbol) for symbol in ("Cu", "Au", "Ag", "Ni")]
    with pytest.raises(ItemError, match="refusing failed for structure 2: ValueError: no Ag") as stopped:
        map(operations.refusing, given, autopara_info=info)
    assert [str(atoms.symbols) for atoms in stopped.value.done] == ["Cu", "Au"]
    assert len(map(operations.refusing, given, symbol="Fe", autopara_info=info)) == 4
