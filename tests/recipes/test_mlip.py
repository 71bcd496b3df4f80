"""Machine-learned potentials: CHGNet and SevenNet as they come, MACE trained here on copper of effective medium theory.

They compute with single precision: energies of some 10 eV are known to about 4e-6 eV, so differences over 0.02 Å to
2e-4 eV/Å, and over 0.4 % of strain to 0.003 GPa. The energy of CHGNet has small kinks where bonds and angles come and
go, which make more of it: up to 1 %.
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.io import write

from adatom import FlowFailure, JobFailure, change_settings, flow
from adatom.calculators.batched import evaluate_batched
from adatom.configs import AutoparaInfo, calculate
from adatom.execution.pool import LocalPool
from adatom.execution.registry import close_engines
from adatom.recipes.mlip import eos_flow, freq_job, md_job, phonon_flow, relax_job, scan_job, static_job
from tests.codes import needs_code
from tests.deep import deep_but


def needs(code):
    """Marks of tests that need a model; one process runs all of them, and loads or trains it once."""
    return [needs_code(code), pytest.mark.xdist_group(code)]


MODELS = [pytest.param("chgnet", marks=needs("chgnet")), pytest.param("sevennet-0", marks=needs("sevennet"))]
EFS = ("energy", "forces", "stress")
SECONDS = "a model takes seconds for what the numbers of its package, by default, imply"
deep = pytest.mark.deep(reason=SECONDS)


def potentials(*shallow):
    """A test of all models, deep for those that are not named."""
    rows = [*MODELS, pytest.param("mace", marks=needs("mace"))]
    marks = {row.values[0]: [*row.marks, *([] if row.values[0] in shallow else [deep])] for row in rows}
    return pytest.mark.parametrize(
        "potential", [pytest.param(name, marks=marks[name]) for name in marks], indirect=True
    )


@pytest.fixture(scope="module")
def mace(tmp_path_factory):
    """A model trained for seconds."""
    directory = tmp_path_factory.mktemp("mace")
    frames = []
    for seed in range(13):
        atoms = rattled("Cu", 0.1, seed)
        atoms.set_cell(atoms.cell * (0.97 + 0.005 * seed), scale_atoms=True)
        atoms.calc = EMT()
        atoms.info["REF_energy"], atoms.arrays["REF_forces"] = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = None
        frames.append(atoms)
    write(directory / "train.xyz", frames)
    options = (
        "--name=copper --train_file=train.xyz --valid_fraction=0.2 --E0s=average --model=ScaleShiftMACE --r_max=4 "
        "--hidden_irreps=8x0e --correlation=2 --num_interactions=2 --batch_size=4 --max_num_epochs=5 --device=cpu "
        "--default_dtype=float64 --seed=1"
    )
    command = [sys.executable, "-m", "mace.cli.run_train", *options.split()]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return f"mace:{directory}/copper.model?device=cpu"


@pytest.fixture
def potential(request):
    return request.getfixturevalue("mace") if request.param == "mace" else request.param


def rattled(symbol, amount=0.05, seed=1):
    atoms = bulk(symbol, cubic=True)
    atoms.rattle(amount, seed=seed)
    return atoms


def static(atoms, calculator):
    return static_job.fn(atoms, calculator=calculator, properties=EFS)["results"]


def energy(atoms, calculator):
    return static(atoms, calculator)["energy"]


@pytest.mark.parametrize("symbol", deep_but(["Cu"], ["Cu", "Si"], SECONDS))
@pytest.mark.parametrize("calculator", MODELS)
def test_the_numbers_are_those_of_the_package(calculator, symbol):
    atoms = rattled(symbol)
    found = static(atoms, calculator)
    by_hand = atoms.copy()
    if calculator == "chgnet":
        from chgnet.model import CHGNetCalculator

        by_hand.calc = CHGNetCalculator(use_device="cpu")
    else:
        from sevenn.calculator import SevenNetCalculator

        by_hand.calc = SevenNetCalculator("7net-0", device="cpu")
    assert found["energy"] == pytest.approx(by_hand.get_potential_energy(), abs=1e-5)
    assert found["forces"] == pytest.approx(by_hand.get_forces(), abs=1e-5)
    assert found["stress"] == pytest.approx(by_hand.get_stress(), abs=1e-6)
    # Both were trained on PBE: cohesive energies with PBE's atoms are 3.5 (Cu) and 4.6 eV (Si), not those of the wrong
    # element, or of a sum over atoms instead of an average.
    assert {"Cu": -4.1, "Si": -5.4}[symbol] == pytest.approx(found["energy"] / len(atoms), abs=0.15)


@deep
@pytest.mark.parametrize("alias", [pytest.param("7net-l3i5", marks=needs("sevennet"))])
def test_other_weights_of_the_package_by_its_own_name(alias):
    from sevenn.calculator import SevenNetCalculator

    atoms = rattled("Cu")
    found = static(atoms, alias)
    atoms.calc = SevenNetCalculator(alias, device="cpu")
    assert found["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    assert found["energy"] != pytest.approx(energy(rattled("Cu"), "sevennet-0"), abs=1e-3)
    assert found["forces"] == pytest.approx(atoms.get_forces(), abs=1e-5)
    assert found["stress"] == pytest.approx(atoms.get_stress(), abs=1e-6)


@potentials("mace")  # whose package has no numbers for a model that is trained here
def test_forces_are_the_slope_of_the_energy(potential):
    for symbol in ("Cu",) if potential.startswith("mace") else ("Cu", "Si"):
        atoms, step = rattled(symbol, 0.1), 0.01
        forces = static(atoms, potential)["forces"]
        assert np.abs(forces).max() > 0.2
        for i, axis in ((0, 0), (1, 2)):
            two = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, axis] += sign * step
                two.append(energy(moved, potential))
            assert -(two[0] - two[1]) / (2 * step) == pytest.approx(forces[i, axis], rel=0.02)


@potentials()
def test_stress_is_the_slope_of_the_energy(potential):
    """dE/dε = V σ, in eV/Å³ and with ASE's sign: positive if the crystal wants to shrink."""
    for symbol in ("Cu",) if potential.startswith("mace") else ("Cu", "Si"):
        atoms, step = rattled(symbol, 0.1), 0.002
        atoms.set_cell(atoms.cell * 1.03, scale_atoms=True)
        stress = static(atoms, potential)["stress"]
        shear = np.zeros((3, 3))
        shear[1, 2] = shear[2, 1] = 0.5
        for strain, expected in ((np.eye(3), stress[:3].sum()), (np.diag([0, 0, 1]), stress[2]), (shear, stress[3])):
            two = []
            for sign in (1, -1):
                strained = atoms.copy()
                strained.set_cell(atoms.cell @ (np.eye(3) + sign * step * strain), scale_atoms=True)
                two.append(energy(strained, potential))
            slope = (two[0] - two[1]) / (2 * step) / atoms.get_volume()
            assert slope == pytest.approx(expected, rel=0.02, abs=0.01 * units.GPa)
        assert stress[:3].sum() > 0.5 * units.GPa or potential.startswith("mace")


@potentials()
def test_24_structures_in_threads(potential):
    structures = [rattled("Cu", seed=seed) * (1 + seed % 2, 1, 1) for seed in range(24)]
    serial = [static(atoms, potential) for atoms in structures]
    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(copy_context().run, static, atoms, potential) for atoms in structures]
    for one, future in zip(serial, running, strict=True):
        assert future.result()["energy"] == pytest.approx(one["energy"], abs=1e-5)
        assert future.result()["forces"] == pytest.approx(one["forces"], abs=1e-5)


@pytest.mark.xdist_group("chgnet")
@needs_code("chgnet")
def test_the_stress_of_left_handed_cells():
    """CHGNet's own has the wrong sign there."""
    given = rattled("Si")
    given.set_cell(given.cell * 1.03, scale_atoms=True)
    expected = static(given, "chgnet")["stress"]
    given.set_cell(given.cell[[1, 0, 2]])
    assert given.cell.handedness == -1
    assert expected[:3].sum() > units.GPa
    assert static(given, "chgnet")["stress"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.xdist_group("sevennet")
@needs_code("matcalc")
@needs_code("sevennet")
def test_names_of_matcalc():
    atoms = rattled("Cu")
    found, known = static(atoms, "matcalc?name=SevenNet-MPtrj-0"), static(atoms, "sevennet-0")
    assert found["energy"] == known["energy"]
    with pytest.raises(JobFailure, match="Unrecognized name='nonesuch'"):
        static_job(atoms, calculator="matcalc?name=nonesuch")


@potentials("chgnet")
def test_many_at_once_are_as_one_by_one(potential):
    structures = [rattled("Cu", seed=seed) * (1 + seed % 2, 1, 1) for seed in range(8)]
    batched = evaluate_batched(potential, structures)
    mapped = static_job.map(structures, calculator=potential, properties=EFS)
    info = AutoparaInfo(workers=1)
    stored = calculate(structures, calculator=potential, properties=EFS, output_prefix="", autopara_info=info)
    for atoms, found, result, kept in zip(structures, batched, mapped, stored, strict=True):
        alone = static(atoms, potential)
        assert alone.keys() == found.keys() == result["results"].keys()
        for name, value in alone.items():
            assert found[name] == pytest.approx(value, abs=1e-5), name
            assert result["results"][name] == pytest.approx(value, abs=1e-5), name
        for name in EFS:
            where = kept.arrays if name == "forces" else kept.info
            assert where[name] == pytest.approx(alone[name], abs=1e-5), name


@potentials("chgnet")
def test_a_scan_is_as_one_by_one(potential):
    structures = [rattled("Cu", seed=seed) for seed in range(6)]
    for atoms, scale in zip(structures, np.linspace(0.9, 1.1, 6), strict=True):
        atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    points = scan_job(structures, calculator=potential)["points"]
    for atoms, energy, forces in zip(structures, points["energies"], points["forces"], strict=True):
        alone = static(atoms, potential)
        assert energy == pytest.approx(alone["energy"], abs=1e-5)
        assert forces == pytest.approx(alone["forces"], abs=1e-5)


@potentials("chgnet")
def test_relaxations_and_dynamics_together_are_as_one_by_one(potential):
    """To 1e-5 eV per atom, the tolerance of a single evaluation."""
    structures = [rattled("Cu", seed=seed) * (1 + seed % 2, 1, 1) for seed in range(4)]
    structures[0].set_constraint(FixAtoms([0]))
    runs = [
        (relax_job, {"fmax": 0.05}),
        (relax_job, {"fmax": 0.1, "relax_cell": True, "optimizer": "FIRE"}),
        (md_job, {"dynamics": "NVT", "temperature": 300, "steps": 3, "seed": 1}),
    ]
    for job, arguments in runs:
        given = structures[1:] if "relax_cell" in arguments else structures
        together = job.with_options(lockstep=4).map(given, calculator=potential, **arguments)
        for atoms, result in zip(given, together, strict=True):
            alone = job.fn(atoms, calculator=potential, **arguments)
            assert result.get("steps") == alone.get("steps")
            assert result["converged"] == alone["converged"]
            energies = [one["results"]["energy"] / len(atoms) for one in (result, alone)]
            assert energies[0] == pytest.approx(energies[1], abs=1e-5)
            assert result["atoms"].positions == pytest.approx(alone["atoms"].positions, abs=1e-3)


@pytest.mark.xdist_group("mace")
@needs_code("mace")
def test_a_model_that_was_trained_knows_what_it_was_trained_on(mace):
    atoms = rattled("Cu", 0.1, 99)
    found = static(atoms, mace)
    atoms.calc = EMT()
    assert np.corrcoef(found["forces"].ravel(), atoms.get_forces().ravel())[0, 1] > 0.9


@pytest.mark.xdist_group("mace")
@needs_code("mace")
def test_precision_is_chosen_in_the_name(mace):
    atoms = rattled("Cu")
    double, single = (energy(atoms, f"{mace}&dtype={dtype}") for dtype in ("float64", "float32"))
    assert 0 < abs(double - single) < 1e-3


@pytest.mark.xdist_group("chgnet")
@needs_code("chgnet")
class TestJobs:
    @pytest.fixture
    def two_workers(self):
        """Processes in which nothing is loaded yet, unlike those that other tests have left."""
        with LocalPool(2) as pool:
            yield pool

    @deep
    def test_relaxation_dynamics_and_vibrations(self):
        relaxed = relax_job(rattled("Cu"), calculator="chgnet", fmax=0.05)
        assert relaxed["converged"]
        parameters = relaxed["parameters"]["calculator"]
        assert (parameters["name"], parameters["potential"]) == ("CHGNet", "chgnet")
        heated = md_job(relaxed["atoms"], calculator="chgnet", steps=5, temperature=300, seed=1)
        assert np.isfinite(heated["results"]["energy"])
        vib = freq_job(relaxed["atoms"], calculator="chgnet", indices=[0], delta=0.05)
        assert len(vib["results"]["frequencies"]) == 3

    @deep
    def test_an_equation_of_state_in_two_processes(self, tmp_path, two_workers):
        from chgnet.model import CHGNetCalculator

        with change_settings(log_level="INFO"):
            flow = eos_flow.with_options(runner=two_workers)
            out = flow(bulk("Cu"), relax_ions=False, job_params={"all": {"calculator": "chgnet"}})
        logs = [file.read_text() for file in Path(tmp_path).rglob("job.log")]
        assert 1 <= sum(text.count("loaded chgnet") for text in logs) <= 2
        for point in out["points"]:
            point["atoms"].calc = CHGNetCalculator(use_device="cpu")
            assert point["results"]["energy"] == pytest.approx(point["atoms"].get_potential_energy(), abs=1e-5)
        # PBE, which it was trained on, has 11.9 to 12.0 Å³ and 138 to 141 GPa.
        assert out["eos"]["v0"] == pytest.approx(11.95, rel=0.02)
        assert out["eos"]["bulk_modulus"] == pytest.approx(140, rel=0.15)

    @needs_code("phonons")
    @deep
    def test_phonons_load_the_weights_once_in_each_process(self, tmp_path, two_workers):
        settings = {"all": {"calculator": "chgnet"}, "relax_job": {"fmax": 0.01}}
        options = {"supercell_matrix": [2, 2, 2], "distance": 0.03, "subtract_residual": True}
        with change_settings(log_level="INFO"):
            out = phonon_flow.with_options(runner=two_workers)(bulk("Cu"), **options, job_params=settings)
        logs = [file.read_text() for file in Path(tmp_path).rglob("job.log")]
        assert 1 <= sum(text.count("loaded chgnet") for text in logs) <= 2
        # 7.2 THz at X by neutrons (Svensson et al., Phys. Rev. 155, 619, 1967). CHGNet is known for softer phonons.
        assert out["phonons"]["imaginary_modes"] == 0
        assert 0.6 * 7.2 < out["phonons"]["bands"]["frequencies"].max() < 1.1 * 7.2

    @deep
    def test_structures_in_batch_jobs(self, tmp_path):
        structures = [rattled("Cu", seed=seed) for seed in range(4)]
        here = [static_job.fn(atoms, calculator="chgnet")["results"] for atoms in structures]

        @flow
        def workflow():
            return static_job.map(structures, calculator="chgnet")

        with change_settings(workflow_engine="queue", local_workers=2, queue_dir=tmp_path / "queue"):
            there = [run["results"] for run in workflow()]
            close_engines()
        for one, other in zip(here, there, strict=True):
            assert one["energy"] == pytest.approx(other["energy"], abs=1e-5)
            assert one["forces"] == pytest.approx(other["forces"], abs=1e-4)

    def test_one_thread_for_each_job_that_asks_for_no_more(self, monkeypatch):
        import torch

        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(4)
            for asked, given in ({}, 1), ({"resources": {"threads_per_rank": 2}}, 2):
                static_job.with_options(**asked)(bulk("Cu"), calculator="chgnet")
                assert torch.get_num_threads() == given
            monkeypatch.setenv("OMP_NUM_THREADS", "3")
            static_job(bulk("Cu"), calculator="chgnet")
            assert torch.get_num_threads() == 3
        finally:
            torch.set_num_threads(before)


def test_without_a_calculator_none_is_guessed(tmp_path):
    with pytest.raises(JobFailure, match="The calculator is None. Give a calculator, or one of: allegro, chgnet, "):
        static_job(bulk("Cu"))
    with pytest.raises(FlowFailure, match="The calculator is None"):
        eos_flow(bulk("Cu"))
    assert not list(tmp_path.rglob("*.traj"))


def test_flows_take_the_calculator_as_any_parameter_of_their_jobs():
    out = eos_flow(bulk("Cu"), relax_ions=False, job_params={"all": {"calculator": EMT}})
    assert out["eos"]["bulk_modulus"] == pytest.approx(134, rel=0.02)
