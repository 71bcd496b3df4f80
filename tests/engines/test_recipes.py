"""The recipes give the same numbers on every engine, and share nothing that they should not."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from adatom import Failure, change_settings
from adatom.analysis.phonons import fit_phonons
from adatom.atoms.displacements import make_displaced
from adatom.atoms.slabs import make_slabs
from adatom.calculators.models import make_model
from adatom.recipes.emt import (
    bulk_to_defects_flow,
    bulk_to_slabs_flow,
    elastic_tensor_flow,
    eos_flow,
    phonon_flow,
    relax_job,
    static_job,
)
from adatom.recipes.mlip import static_job as mlip_job
from adatom.recipes.tblite import static_job as tblite_job
from tests.codes import needs_code

FLOWS = "every flow is the same calls of the engine: that of slabs stands for them on each, and each runs on one"
pytestmark = pytest.mark.deep_on("covalent", reason=FLOWS)  # where a flow takes half a minute


@pytest.fixture(scope="session")  # pytest comes to this module once for each engine
def serial(tmp_path_factory):
    """Relaxed and static energies of the slabs of copper, by plain functions in a loop."""
    with change_settings(results_dir=tmp_path_factory.mktemp("serial")):
        relaxed = [relax_job.fn(slab) for slab in make_slabs(bulk("Cu"))]
        static = [static_job.fn(run["atoms"]) for run in relaxed]
    return {kind: [run["results"]["energy"] for run in runs] for kind, runs in (("relax", relaxed), ("static", static))}


@pytest.mark.parametrize(
    ("run_static", "run_bulk", "jobs"),
    [
        pytest.param(True, True, 9, marks=pytest.mark.deep_on("covalent", reason="the next is the short one")),
        pytest.param(False, False, 4, marks=pytest.mark.deep_but_on("local", "covalent", reason=FLOWS)),
    ],
)
def test_slabs(engine, serial, tmp_path, run_static, run_bulk, jobs):
    flow = bulk_to_slabs_flow.with_options(runner=engine.runner)
    result = flow(bulk("Cu"), run_static=run_static, run_bulk=run_bulk)
    runs = [run for kind in ("relax", "static") for run in result.get(kind, [])]
    if run_bulk:
        bulk_run, surfaces = result.pop("bulk"), result.pop("surface_energies")["surfaces"]
        runs.append(bulk_run)
        excess = [
            e - n * bulk_run["results"]["energy"] for e, n in zip(serial["static"], (80, 96, 64, 80), strict=True)
        ]
        found = [each["surface_energy"] * 2 * each["area"] * units.J / units.m**2 for each in surfaces]
        assert found == pytest.approx(excess, abs=1e-6)
    assert set(result) == ({"relax", "static"} if run_static else {"relax"})
    for kind, energies in result.items():
        assert [run["results"]["energy"] for run in energies] == pytest.approx(serial[kind], abs=1e-9)
    assert sorted(len(run["atoms"]) for run in result["relax"]) == [64, 80, 80, 96]
    directories = {Path(run["dir_name"]) for run in runs}
    assert len(directories) == jobs == len(list((tmp_path / "results").rglob("JOB-*")))
    assert all(directory.is_dir() for directory in directories)
    assert {run["provenance"]["engine"] for run in runs} == {engine.engine}


@pytest.mark.deep_but_on("dask", reason=FLOWS)
def test_elastic_constants(engine, tmp_path):
    result = elastic_tensor_flow.with_options(runner=engine.runner)(bulk("Cu"))
    assert len(list((tmp_path / "results").rglob("JOB-*relax*"))) == 1 + len(result["relax"]) == 8
    energies = [static_job.fn(run["atoms"])["results"]["energy"] for run in result["relax"]]
    assert [run["results"]["energy"] for run in result["relax"]] == pytest.approx(energies, abs=1e-9)
    tensor = result["elasticity"]["elastic_tensor"]["ieee_format"]
    assert [tensor[0, 0], tensor[0, 1]] == pytest.approx([172.5, 115.5], rel=5e-3)
    assert {run["provenance"]["engine"] for run in result["relax"]} == {engine.engine}


@pytest.mark.deep_but_on("parsl", reason=FLOWS)
def test_defects(engine, tmp_path):
    defects = bulk_to_defects_flow.with_options(runner=engine.runner)
    result = defects(bulk("Cu"), supercell_kwargs={"min_length": 7, "min_atoms": 20})
    assert len(list((tmp_path / "results").rglob("*.traj"))) == 4
    perfect = bulk("Cu", cubic=True) * (2, 2, 2)
    vacancy = perfect.copy()
    del vacancy[0]
    energies = [static_job.fn(relax_job.fn(atoms)["atoms"])["results"]["energy"] for atoms in (perfect, vacancy)]
    [found] = result["formation_energies"]["defects"]
    assert found["formation_energy"] == pytest.approx(energies[1] - energies[0] * 31 / 32, abs=1e-6)
    assert result["static"][0]["provenance"]["engine"] == engine.engine


@pytest.mark.deep_but_on("prefect", reason=FLOWS)
def test_equation_of_state(engine, tmp_path):
    result = eos_flow.with_options(runner=engine.runner)(bulk("Cu"))
    energies = [static_job.fn(run["atoms"])["results"]["energy"] for run in result["points"]]
    assert [run["results"]["energy"] for run in result["points"]] == pytest.approx(energies, abs=1e-9)
    assert result["eos"]["bulk_modulus"] == pytest.approx(134.5, rel=0.01)
    assert {run["provenance"]["engine"] for run in result["points"]} == {engine.engine}
    assert len(list((tmp_path / "results").rglob("JOB-*"))) == len(result["points"]) == 7


@pytest.mark.deep_but_on("local-processes", reason=FLOWS)
def test_phonons(engine, tmp_path):
    """Displacements that depend on a relaxation: a subflow in a subflow."""
    options = {"supercell_matrix": [2, 2, 2], "mesh": 5, "t_step": 100}
    result = phonon_flow.with_options(runner=engine.runner)(bulk("Cu"), **options)
    with change_settings(results_dir=tmp_path / "serial"):
        relaxed = relax_job.fn(bulk("Cu"), relax_cell=True, fmax=1e-3)["atoms"]
        displaced = make_displaced(relaxed, [2, 2, 2])
        forces = [static_job.fn(structure)["results"]["forces"] for structure in displaced]
    expected = fit_phonons(relaxed, [2, 2, 2], displaced, forces, mesh=5, t_step=100)
    found = result["phonons"]
    assert np.allclose(found["force_constants"], expected["force_constants"], atol=1e-9)
    assert np.allclose(found["bands"]["frequencies"], expected["bands"]["frequencies"], atol=1e-6)
    assert np.allclose(found["thermal_properties"]["entropy"], expected["thermal_properties"]["entropy"], atol=1e-12)
    runs = [*result["relax"], *result["static"]]
    assert len(runs) == 2
    assert {run["provenance"]["engine"] for run in runs} == {engine.engine}
    assert len(list((tmp_path / "results").rglob("JOB-*"))) == 2


def test_structures_side_by_side_share_no_calculator(engine):
    structures = []
    for seed in range(24):
        atoms = bulk("Cu") * (2, 1, 1)
        atoms.rattle(0.1, seed=seed)
        structures.append(atoms)
    some = structures if engine.capabilities.many_jobs else structures[:2]

    @engine.flow
    def workflow():
        return [static_job(atoms) for atoms in structures], static_job.map(some)

    for given, runs in zip((structures, some), workflow(), strict=True):
        for atoms, run in zip(given, runs, strict=True):
            reference = atoms.copy()
            reference.calc = EMT()
            assert run["results"]["energy"] == pytest.approx(reference.get_potential_energy(), abs=1e-12)
            assert np.allclose(run["results"]["forces"], reference.get_forces(), atol=1e-12)
            assert run["atoms"].calc is None


@needs_code("tblite")
def test_a_code_of_another_package(engine):
    @engine.flow
    def workflow():
        return [tblite_job(molecule("H2O"), calc_kwargs={"method": method}) for method in ("GFN2-xTB", "GFN1-xTB")]

    energies = [run["results"]["energy"] for run in workflow()]
    # tblite's own documentation has them.
    assert energies == pytest.approx([-137.96777594, -156.96750590], rel=1e-8)


def test_a_model_that_cannot_be_pickled(engine, own_rows):
    spec = f"lock:{own_rows}"
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(make_model(spec))
    structures = [bulk("Cu") * (size, 1, 1) for size in (1, 2)]

    @engine.flow
    def workflow():
        return [mlip_job(atoms, calculator=spec) for atoms in structures]

    energies = [run["results"]["energy"] for run in workflow()]
    assert energies == pytest.approx([mlip_job.fn(atoms, calculator=spec)["results"]["energy"] for atoms in structures])
    assert energies[1] == pytest.approx(2 * energies[0]) != 0


def test_the_input_is_not_changed(engine):
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    before = atoms.copy()
    relax_job(atoms)
    assert atoms == before
    assert atoms.calc is None


def test_bad_structures_fail_before_they_are_computed(engine):
    nan = bulk("Cu")
    nan.positions[0, 0] = np.nan

    @engine.flow(on_failure="return")
    def workflow():
        return [
            static_job(bulk("Cu")[:0]),
            static_job(nan),
            static_job(bulk("Fe")),
            relax_job(bulk("Cu"), optimizer="BSFG"),
            relax_job(bulk("Cu"), fmax=-1),
            static_job(bulk("Cu")),
        ]

    *failures, good = workflow()
    assert good["results"]["energy"] == pytest.approx(-0.0056815, abs=1e-6)
    for failure, words in zip(
        failures, (["no atoms"], ["nan"], ["Fe", "Cu"], ["BSFG", "Did you mean 'BFGS'"], ["fmax", "-1"]), strict=True
    ):
        assert isinstance(failure, Failure)
        for word in words:
            assert word.lower() in failure.message.lower()
        assert failure.kind in ("InputError", "UnknownNameError")
        left = {path.name for path in Path(failure.directory).iterdir()}
        assert left <= {"error.txt", "job.log"}
