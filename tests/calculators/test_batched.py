"""Many structures at once, as the worker and the recipe see it; the real models are in `tests/recipes/test_mlip.py`."""

import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from adatom import Failure, FlowFailure, change_settings, job
from adatom.calculators.batched import evaluate_batched, with_results
from adatom.configs import AutoparaInfo, calculate
from adatom.recipes.mlip import static_job


@pytest.fixture
def own(tmp_path):
    """A model of effective medium theory that says how many structures it computed together."""
    table = tmp_path / "models.yaml"
    table.write_text(
        "own: {package: ase, make: 'ase.calculators.emt:EMT', batched: 'tests.calculators.own_model:emt_batched', "
        "properties: [energy, forces, stress, magmom]}"
    )
    with change_settings(models=table):
        yield "own"


def crystals(count):
    return [bulk("Cu", cubic=True) * (1 + i % 3, 1, 1) for i in range(count)]


def test_parts_are_no_larger_than_is_fast(own):
    found = evaluate_batched(own, crystals(7))
    assert [one["magmom"] for one in found] == [2, 2, 2, 2, 1, 2, 2]  # of 4 + 8, 12 + 4, 8, 12 + 4 atoms: at most 16
    (large,) = evaluate_batched(own, [bulk("Cu") * 4])
    assert large["magmom"] == 1


def test_models_that_cannot_are_left_alone():
    assert evaluate_batched(EMT, crystals(2)) == [None, None]
    assert evaluate_batched("nonesuch", crystals(2)) == [None, None]  # refused where each is computed


@pytest.mark.parametrize("workers", [1, 2])
def test_a_map_computes_together_what_travels_together(own, workers):
    structures = crystals(40)
    with change_settings(local_workers=workers):
        results = static_job.map(structures, calculator=own)
    assert max(result["results"].get("magmom", 0) for result in results) > 1
    for atoms, result in zip(structures, results, strict=True):
        alone = static_job.fn(atoms, calculator=EMT)
        assert result["results"]["energy"] == pytest.approx(alone["results"]["energy"])
        assert result["results"]["forces"] == pytest.approx(alone["results"]["forces"])
        assert result["parameters"]["calculator"]["name"] == "EMT"
    assert len({result["dir_name"] for result in results}) == len(results)


@pytest.mark.parametrize("workers", [1, 2])
def test_calculate_computes_together_what_travels_together(own, workers, tmp_path):
    structures = [*crystals(40), bulk("Fe")]
    with change_settings(results_dir=tmp_path):
        found = list(
            calculate(
                structures,
                calculator=own,
                properties=["energy", "forces", "magmom"],
                output_prefix="A_",
                autopara_info=AutoparaInfo(workers=workers),
            )
        )
    assert max(atoms.info["A_magmom"] for atoms in found[:-1]) > 1
    for atoms, result in zip(structures[:-1], found, strict=False):
        atoms.calc = EMT()
        assert result.info["A_energy"] == pytest.approx(atoms.get_potential_energy())
        assert result.arrays["A_forces"] == pytest.approx(atoms.get_forces())
    assert "No EMT-potential for Fe" in found[-1].info["A_failed"]  # and costs those that it travelled with nothing


def test_arguments_that_were_bound_count(own):
    found = static_job.bind(calculator=own).map(crystals(20))
    assert max(result["results"].get("magmom", 0) for result in found) > 1


def test_a_batch_value_is_for_the_job_itself_and_not_for_those_that_it_calls():
    @job(batch_function=lambda structures: [{"energy": 42.0}] * len(structures))
    def outer(atoms):
        return static_job(atoms, calculator=EMT)["results"]["energy"]

    structures = crystals(20)
    assert outer.map(structures) == pytest.approx([outer.fn(atoms) for atoms in structures])


def test_one_that_cannot_be_computed_fails_alone(own):
    """Together with it, the others are computed one by one."""
    structures = [*crystals(39), molecule("SiH4")]
    with pytest.raises(FlowFailure, match="1 failed, 0 skipped") as caught:
        static_job.map(structures, calculator=own)
    *done, failed = caught.value.value
    assert all(result["converged"] for result in done)
    assert isinstance(failed, Failure)
    assert "Si" in failed.message


def test_what_is_known_is_not_computed_and_all_else_is():
    atoms, calculator = bulk("Cu", cubic=True), EMT()
    known = with_results(calculator, atoms, {"energy": 42.0})
    atoms.calc = known
    assert atoms.get_potential_energy() == 42.0
    atoms.rattle(0.1)
    assert atoms.get_potential_energy() != 42.0
