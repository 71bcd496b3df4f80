"""Many structures at once, as the worker and the recipe see it; the real models are in `tests/recipes/test_mlip.py`."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import read

from adatom import Failure, FlowFailure, change_settings, job
from adatom.calculators.batched import evaluate_batched, with_results
from adatom.configs import AutoparaInfo, calculate
from adatom.recipes import emt, mlip
from adatom.recipes.mlip import freq_job, md_job, relax_job, static_job

MODEL = "tests.calculators.own_model:ShortSighted"


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


def test_a_scan_computes_many_structures_in_one_call(own):
    """Sixty dimers are as many pairs as 16 atoms of a metal, and each composition has a calculator of its own."""
    distances = np.linspace(2.0, 4.0, 80)
    copper, mixed = ([Atoms(name, [[0, 0, 0], [0, 0, d]]) for d in distances] for name in ("Cu2", "CuAu"))
    structures = [atoms for pair in zip(copper, mixed, strict=True) for atoms in pair]
    result = mlip.scan_job(structures, calculator=own)
    alone = emt.scan_job(structures)
    assert result["results"]["magmom"] > 50
    assert result["points"]["energies"] == pytest.approx(alone["points"]["energies"])
    assert np.array(result["points"]["forces"]) == pytest.approx(np.array(alone["points"]["forces"]))
    assert not result["missing"]


def test_a_structure_of_a_scan_that_fails_fails_alone(own, tmp_path):
    structures = [Atoms("Cu2", [[0, 0, 0], [0, 0, distance]]) for distance in (0.4, 2.0, 2.2, 0.3, 2.4)]
    (tmp_path / "short.yaml").write_text(
        (tmp_path / "models.yaml").read_text().replace("ase.calculators.emt:EMT", MODEL)
    )
    with change_settings(models=tmp_path / "short.yaml"):
        result = mlip.scan_job(structures, calculator="own")
    assert result["missing"] == dict.fromkeys("03", "ArithmeticError: too near")
    good = [1, 2, 4]
    assert result["points"]["energies"][good] == pytest.approx(
        emt.scan_job([structures[i] for i in good])["points"]["energies"]
    )
    assert "magmom" not in result["results"]


def test_what_is_known_is_not_computed_and_all_else_is():
    atoms, calculator = bulk("Cu", cubic=True), EMT()
    known = with_results(calculator, atoms, {"energy": 42.0})
    atoms.calc = known
    assert atoms.get_potential_energy() == 42.0
    atoms.rattle(0.1)
    assert atoms.get_potential_energy() != 42.0


def rattled(count):
    structures = crystals(count)
    for seed, atoms in enumerate(structures):
        atoms.rattle(0.05 + 0.02 * seed, seed=seed)
    structures[1].set_constraint(FixAtoms([0, 1]))
    structures[2].pbc = [True, True, False]
    return structures


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("job", "arguments"),
    [
        (relax_job, {"fmax": 0.02}),
        (relax_job, {"fmax": 0.02, "optimizer": "FIRE", "allow_unconverged": True, "max_steps": 4}),
        (md_job, {"dynamics": "NVT", "temperature": 300, "steps": 5, "interval": 1, "seed": 3}),
        (freq_job, {"indices": [0]}),
    ],
)
def test_jobs_together_are_as_one_by_one(own, job, arguments, workers):
    structures = rattled(6)
    with change_settings(local_workers=workers):
        results = job.with_options(lockstep=4).map(structures, calculator=own, **arguments)
    for atoms, result in zip(structures, results, strict=True):
        alone = job.fn(atoms, calculator=EMT, **arguments)
        for key in ("converged", "steps", "thermo", "missing"):
            assert result.get(key) == pytest.approx(alone.get(key)), key
        assert result.keys() == alone.keys()
        assert result["results"]["energy"] == pytest.approx(alone["results"]["energy"], abs=1e-10)
        assert result["atoms"].positions == pytest.approx(alone["atoms"].positions, abs=1e-10)
        assert repr(result["atoms"].constraints) == repr(atoms.constraints)
        frames, others = (read(one["trajectory"], ":") for one in (result, alone))
        assert len(frames) == len(others)
        assert frames[-1].positions == pytest.approx(others[-1].positions, abs=1e-10)


def test_cells_relaxed_together_are_as_one_by_one(own):
    structures = [bulk("Cu", cubic=True), bulk("Cu", a=3.8, cubic=True), bulk("Cu", a=3.5)]
    results = relax_job.with_options(lockstep=3).map(structures, calculator=own, relax_cell=True)
    for atoms, result in zip(structures, results, strict=True):
        alone = relax_job.fn(atoms, calculator=EMT, relax_cell=True)
        assert result["steps"] == alone["steps"]
        assert result["atoms"].cell.array == pytest.approx(alone["atoms"].cell.array, abs=1e-9)


def test_their_structures_travel_in_one_call(own):
    """Of relaxations that make the same steps, down to the last."""
    structures = [bulk("Cu", cubic=True) for _ in range(7)]
    for atoms in structures:
        atoms.rattle(0.1, seed=1)
    results = relax_job.with_options(lockstep=4).map(structures, calculator=own)
    assert [result["results"]["magmom"] for result in results] == [4, 4, 4, 4, 3, 3, 3]
    assert len({result["dir_name"] for result in results}) == 7


def test_one_that_fails_ends_alone(own):
    structures = rattled(6)
    structures[3] = molecule("SiH4")
    with pytest.raises(FlowFailure, match="1 failed, 0 skipped") as caught:
        relax_job.with_options(lockstep=6).map(structures, calculator=own)
    failed = caught.value.value.pop(3)
    assert all(result["converged"] for result in caught.value.value)
    assert isinstance(failed, Failure)
    assert "Si" in failed.message


@pytest.mark.parametrize(
    ("job", "arguments", "message"),
    [
        (
            relax_job,
            {"calculator": EMT},
            "lockstep is set, and EMT computes one structure at a time. Leave it out, or take one of these, in",
        ),
        (emt.relax_job, {}, "lockstep is set, and EMT computes one structure at a time. Leave it out."),
        (relax_job, {"calculator": None}, "The calculator is None. Give"),
        (relax_job, {"calculator": "nonesuch"}, "nonesuch"),
    ],
)
def test_what_computes_one_structure_at_a_time_is_refused(job, arguments, message, tmp_path):
    with pytest.raises(FlowFailure, match=message):
        job.with_options(lockstep=2).map(crystals(2), **arguments)
    assert not list(tmp_path.rglob("*.traj"))
