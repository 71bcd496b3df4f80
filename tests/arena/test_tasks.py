"""Calculations in the words of MLIP Arena, and its document of workflows as it stands but for imports."""

import pickle
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from ase.atoms import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import JobFailure, change_settings, flow, job, wait
from adatom.arena import REGISTRY, MLIPEnum, get_calculator
from adatom.arena.tasks import ELASTICITY, EOS, EV, MD, NEB, NEB_FROM_ENDPOINTS, OPT, PHONON, WIDOM
from adatom.atoms.bands import make_band
from adatom.errors import UnknownNameError
from adatom.execution.failure import Failure
from adatom.recipes import emt, lj, mlip
from tests.codes import needs_code
from tests.recipes.systems import hop

EMT_BY_NAME = get_calculator(MLIPEnum["emt"])


@pytest.fixture(autouse=True)
def _local(tmp_path):
    with change_settings(workflow_engine="local", local_workers=1, results_dir=tmp_path, cache_dir=tmp_path / "cache"):
        yield


def copper(seed=1):
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=seed)
    return atoms


def test_models_have_the_names_of_other_packages():
    assert MLIPEnum["MACE-MP(M)"] is MLIPEnum["mace-mp-0-medium"]
    assert MLIPEnum["MACE-MP(M)"].name in REGISTRY
    names = [one.name for one in MLIPEnum]
    assert len(names) == len(set(names)) == len(REGISTRY)
    assert REGISTRY["chgnet"]["licence"]
    assert pickle.loads(pickle.dumps(MLIPEnum["emt"])) is MLIPEnum["emt"]
    with pytest.raises(KeyError):
        MLIPEnum["MACE-MP(X)"]
    with pytest.raises(UnknownNameError, match="emt"):
        get_calculator("emtt")


def test_a_calculator_is_light_and_is_one_of_ase():
    assert len(pickle.dumps(EMT_BY_NAME)) < 2000
    atoms = copper()
    expected = emt.static_job(atoms, properties=["energy", "forces", "stress"])["results"]
    atoms.calc = get_calculator("emt")
    assert atoms.get_potential_energy() == pytest.approx(expected["energy"])
    np.testing.assert_allclose(atoms.get_forces(), expected["forces"], atol=1e-12)
    np.testing.assert_allclose(atoms.get_stress(), expected["stress"], atol=1e-12)
    atoms.positions[0] += 0.1
    assert atoms.get_potential_energy() != pytest.approx(expected["energy"])
    copy = pickle.loads(pickle.dumps(atoms.calc))
    assert copy.get_potential_energy(atoms) == pytest.approx(atoms.get_potential_energy())


def test_a_model_of_another_python_leaves_nothing(tmp_path):
    row = "package: ase, make: 'ase.calculators.emt:EMT', properties: [energy, forces]"
    (tmp_path / "models.yaml").write_text(f"there: {{{row}, python: {sys.executable}}}")
    before = set(psutil.Process().children(recursive=True))
    with change_settings(models=tmp_path / "models.yaml"):
        found = mlip.static_job(copper(), calculator=get_calculator("there"))
    assert found["results"]["energy"] == pytest.approx(emt.static_job(copper())["results"]["energy"])
    assert (Path(found["dir_name"]) / "ase.out").exists()
    assert not Path("ase.out").exists()
    assert set(psutil.Process().children(recursive=True)) <= before


@pytest.mark.parametrize(
    "calculator",
    ["emt", MLIPEnum["emt"], EMT_BY_NAME, EMT, EMT()],
    ids=["name", "member", "get_calculator", "class", "instance"],
)
def test_any_form_of_a_calculator(calculator):
    found = OPT(copper(), calculator, filter="FrechetCellFilter", criterion={"fmax": 1e-3})
    expected = emt.relax_job(copper(), relax_cell=True, fmax=1e-3)
    assert found["converged"]
    assert found["results"]["energy"] == pytest.approx(expected["results"]["energy"], abs=1e-5)


def test_what_does_not_converge_says_so():
    found = OPT(copper(), "emt", criterion={"steps": 1})
    assert not found["converged"]
    with pytest.raises(JobFailure, match="Did you mean 'fmax'"):
        OPT(copper(), "emt", criterion={"fmx": 0.1})


def test_the_symmetry_is_kept():
    found = OPT(bulk("Cu", a=3.7), "emt", filter="FrechetCellFilter", symmetry=True)
    lengths = found["atoms"].cell.cellpar()
    np.testing.assert_allclose(lengths, [lengths[0]] * 3 + [60] * 3, rtol=1e-8)


@pytest.mark.parametrize(
    ("words", "dynamics"),
    [
        ({}, "Langevin"),
        ({"dynamics": "nose-hoover"}, "NoseHooverChainNVT"),
        ({"ensemble": "nve"}, "VelocityVerlet"),
        ({"ensemble": "npt", "temperature": [300, 600], "pressure": 0.01}, "NPTBerendsen"),
    ],
)
def test_dynamics_in_the_words_of_the_arena(words, dynamics):
    found = MD(copper(), "emt", total_time=20, time_step=2, **words)
    assert found["parameters"]["dynamics"] == dynamics
    assert (found["parameters"]["steps"], found["parameters"]["timestep"]) == (10, 2)
    again = MD(copper(), "emt", total_time=20, time_step=2, **words)
    np.testing.assert_array_equal(again["atoms"].positions, found["atoms"].positions)


def test_steps_are_shorter_with_hydrogen():
    assert MD(Atoms("H2", [(0, 0, 0), (0, 0, 0.8)]), "emt", total_time=5)["parameters"]["timestep"] == 0.5
    assert MD(copper(), "emt", total_time=10)["parameters"]["timestep"] == 2.0


@pytest.mark.parametrize(
    "words", [{"ensemble": "nvp"}, {"dynamics": "andersen"}, {"ensemble": "npt", "dynamics": "langevin"}]
)
def test_unknown_dynamics_are_refused(words):
    with pytest.raises(JobFailure, match="Unknown (ensemble|dynamics of)"):
        MD(copper(), "emt", **words)


def test_crystals():
    eos = EOS(bulk("Cu", a=3.7), "emt", max_abs_strain=0.06, npoints=7)["eos"]
    assert eos["bulk_modulus"] == pytest.approx(134.1, rel=5e-3)
    assert EV(bulk("Cu", a=3.9), "emt")["curve"]["tortuosity"] == pytest.approx(1)
    elasticity = ELASTICITY(bulk("Cu"), "emt", criterion={"fmax": 1e-3})["elasticity"]
    assert elasticity["bulk_modulus"]["vrh"] == pytest.approx(134.6, rel=5e-3)


@needs_code("phonons")
def test_phonons():
    found = PHONON(bulk("Cu", a=3.59), "emt", min_lengths=8.0)["phonons"]
    assert found["imaginary_modes"] == 0


def test_paths():
    found = NEB_FROM_ENDPOINTS(hop(), hop(1.0), 3, "emt", criterion={"fmax": 0.02})["path"]
    band = NEB(make_band(hop(), hop(1.0), 3), "emt", criterion={"fmax": 0.02})["path"]
    assert 0.05 < found["forward_barrier"] < 1
    assert found["forward_barrier"] == pytest.approx(found["reverse_barrier"], abs=0.01)
    assert band["forward_barrier"] > 0.05


def test_a_gas_in_a_crystal():
    """Simple cubic krypton, whose nearest neighbours are at 4 Å, and a dimer of the same Lennard-Jones atoms."""
    parameters = {"sigma": 3.6, "epsilon": 0.02, "rc": 9.0}
    krypton = Atoms("Kr", cell=[4.1, 4.1, 4.1], pbc=True)
    gas = Atoms("Ar2", [(0, 0, 0), (0, 0, 4.2)])
    words = {"temperature": 200, "num_insertions": 40, "min_interplanar_distance": 7.0, "random_seed": 2}
    found = WIDOM(krypton, gas, "lj", parameters, criterion={"fmax": 1e-3}, cutoff_distance=1.9, **words)
    host, pair = found["structure"]["atoms"], found["gas"]["atoms"]
    assert abs(host.get_volume() - 4.1**3) > 1
    assert pair.get_distance(0, 1) == pytest.approx(2 ** (1 / 6) * 3.6, abs=0.01)
    assert found["widom"]["atoms"].get_chemical_formula() == "Ar2Kr8"
    expected = lj.widom_job(
        host * (2, 2, 2), pair, temperature=200, insertions=40, min_distance=1.9, seed=2, calc_kwargs=parameters
    )
    np.testing.assert_allclose(found["widom"]["points"]["energies"], expected["points"]["energies"], rtol=1e-6)
    assert found["widom"]["results"]["henry_coefficient"] == expected["results"]["henry_coefficient"]
    rigid = WIDOM(krypton, gas, "lj", parameters, init_structure_optimize=False, init_gas_optimize=False, **words)
    assert set(rigid) == {"widom"}
    assert rigid["widom"]["atoms"].get_volume() == pytest.approx(8 * 4.1**3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"atoms": Atoms("Cu")}, "periodic in three directions"),
        ({"gas": Atoms("Ar2", [(0, 0, 0), (0, 0, 9)])}, "would meet its own images"),
        ({"temperature": 0}, "temperature is 0"),
        ({"num_insertions": 0}, "insertions is 0"),
        ({"cutoff_distance": -1}, "min_distance is -1"),
        ({"min_interplanar_distance": 0}, "min_interplanar_distance is 0"),
        ({"random_seed": -1}, "seed is -1"),
    ],
)
def test_bad_insertions_are_refused_before_the_relaxations(words, said, tmp_path):
    with pytest.raises(JobFailure, match=said):
        WIDOM(**{"atoms": bulk("Cu"), "gas": Atoms("H"), "calculator": "emt", **words})
    assert not list(tmp_path.rglob("*relax*"))


# --- The document, with other imports ---------------------------------------------------------------------------------


def test_a_task_is_called_directly():
    atoms = bulk("Cu", "fcc", a=3.6) * (2, 2, 2)

    result = MD(
        atoms=atoms,
        calculator=get_calculator(MLIPEnum["emt"]),
        ensemble="nvt",
        dynamics="langevin",
        total_time=20,
        time_step=2,  # fs
    )
    assert len(result["atoms"]) == 8


def test_all_models_and_those_that_fail():
    """62 models, of which few are installed."""
    atoms = bulk("Cu", "fcc", a=3.6)

    @flow
    def run_all_models():
        futures = []
        for model in MLIPEnum:
            future = MD.submit(
                atoms=atoms, calculator=get_calculator(model), ensemble="nvt", total_time=10, time_step=2
            )
            futures.append(future)

        return [f.result(raise_on_failure=False) for f in futures]

    results = dict(zip((model.name for model in MLIPEnum), run_all_models(), strict=True))
    assert len(results["emt"]["atoms"]) == 1
    assert {"emt", "lj"} <= {name for name, result in results.items() if not isinstance(result, Failure)}
    failed = {result.kind for result in results.values() if isinstance(result, Failure)}
    assert failed <= {"MissingExtraError", "InputError"}


@job
def homonuclear_diatomic(symbol, calculator, out_dir):
    atoms = Atoms(symbol * 2, [(0, 0, 0), (0, 0, 2.5)], calculator=calculator)
    (out_dir / symbol).write_text(str(atoms.get_potential_energy()))
    return symbol


@job
def analyze(out_dir):
    return {path.name: float(path.read_text()) for path in out_dir.iterdir()}


def test_a_benchmark_flow(tmp_path):
    out_dir = tmp_path / "out"
    out_dir.mkdir()

    @flow
    def homonuclear_diatomics(model):
        futures = []
        for symbol in ["Cu", "Al", "Xe"]:
            calculator = get_calculator(model)
            future = homonuclear_diatomic.submit(symbol, calculator, out_dir=out_dir)
            futures.append(future)
        wait(futures)  # block until all complete

        df = analyze(out_dir)
        return df, [f.result(raise_on_failure=False) for f in futures]

    df, done = homonuclear_diatomics("emt")
    assert set(df) == {"Cu", "Al"}
    assert done[:2] == ["Cu", "Al"]
    assert isinstance(done[2], Failure)


def test_stored_results_and_fresh_ones():
    OPT_cached = OPT.with_options(refresh_cache=False, persist_result=True)
    OPT_fresh = OPT.with_options(refresh_cache=True, persist_result=True)
    calc = get_calculator("emt")
    first = OPT_cached(atoms=copper(), calculator=calc)
    again = OPT_cached(atoms=copper(), calculator=get_calculator("emt"))
    assert again["dir_name"] == first["dir_name"]
    fresh = OPT_fresh(atoms=copper(), calculator=calc)
    assert fresh["dir_name"] != first["dir_name"]
    other = OPT_cached(atoms=copper(2), calculator=calc)
    assert other["dir_name"] not in (first["dir_name"], fresh["dir_name"])
