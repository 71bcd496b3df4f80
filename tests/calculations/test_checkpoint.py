"""A run that was cut goes on as if it had not been."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc100
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.filters import FrechetCellFilter
from ase.io import read
from ase.optimize import BFGS

from adatom import change_settings
from adatom.calculations import run_irc, run_md, run_optimize, run_saddle, steps
from adatom.calculations.checkpoint import Checkpoint
from adatom.calculations.md import DYNAMICS
from adatom.calculations.optimize import CELL_FILTERS, OPTIMIZERS
from adatom.errors import ConvergenceError, IncompleteError, InputError
from adatom.execution import deadline
from adatom.execution.directories import RunDirectory, entered
from adatom.utils.names import unique_name
from tests.codes import needs_code

LOOPS_OF_THEIR_OWN = {"ODE12r", "SciPyFminBFGS", "SciPyFminCG"}


class Cut(Exception):
    """Power is gone."""


class Fragile(EMT):
    """EMT that breaks at a call, or during which someone asks the process to stop."""

    def __init__(self, breaks_at=None, how="raise", asks_at=None):
        super().__init__()
        self.breaks_at, self.how, self.asks_at, self.calls = breaks_at, how, asks_at, 0

    def calculate(self, *args, **kwargs):
        self.calls += 1
        if self.calls == self.breaks_at:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise Cut
        if self.calls == self.asks_at:
            deadline.request_stop("SIGTERM was received")
        super().calculate(*args, **kwargs)


@pytest.fixture
def each_step(monkeypatch):
    monkeypatch.setattr(steps, "INTERVAL", 0)


@pytest.fixture(autouse=True)
def no_limit(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    monkeypatch.setattr(deadline, "_requested", None)


@pytest.fixture
def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.02 * np.array([[1, 0.3, 0], [0, -1, 0.2], [0, 0, 2]])), True)
    atoms.rattle(0.08, seed=4)
    return atoms


@pytest.fixture
def bridge():
    """An adatom on a bridge of Al(100), a saddle point."""
    slab = fcc100("Al", (2, 2, 3), vacuum=4.0, periodic=True)
    add_adsorbate(slab, "Al", 1.8, "bridge")
    slab.set_constraint(FixAtoms(mask=slab.get_tags() > 1))
    return run_saddle(slab, EMT())["atoms"]


def left_in(results_dir, mark="failed-"):
    """The directory that a cut run left, the latest."""
    return max(results_dir.glob(f"{mark}*"), key=lambda path: path.stat().st_mtime_ns)


def as_job(results_dir, previous, function, *args, **kwargs):
    """Run as the core runs a job that an earlier process left behind."""
    directory = RunDirectory(results_dir / unique_name("job"))
    directory.previous = previous
    with entered(directory):
        return function(*args, **kwargs)


def log_of(result):
    """Its words, and its numbers."""
    text = Path(result["dir_name"], f"{result['name']}.log").read_text()
    words = re.sub(r"\d\d:\d\d:\d\d", "CLOCK", text).split()
    numbers = [float(word) for word in words if re.fullmatch(r"-?\d+(\.\d+)?(e-\d+)?", word)]
    return [word for word in words if not word[-1].isdigit()], numbers


def assert_same(result, expected):
    assert result["results"].keys() == expected["results"].keys()
    for key, value in expected["results"].items():
        np.testing.assert_allclose(result["results"][key], value, rtol=0, atol=1e-9, err_msg=key)
    frames, wanted = read(result["trajectory"], ":"), read(expected["trajectory"], ":")
    assert len(frames) == len(wanted)
    for one, other in zip([*frames, result["atoms"]], [*wanted, expected["atoms"]], strict=True):
        np.testing.assert_allclose(one.positions, other.positions, rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.get_momenta(), other.get_momenta(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.cell, other.cell, rtol=0, atol=1e-9)
    for one, other in zip(frames, wanted, strict=True):
        assert one.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-9)
    (words, numbers), (wanted_words, wanted_numbers) = log_of(result), log_of(expected)
    assert words == wanted_words
    np.testing.assert_allclose(numbers, wanted_numbers, rtol=0, atol=2e-6)
    assert {**result["parameters"], "calculator": 0} == {**expected["parameters"], "calculator": 0}
    assert result.get("steps") == expected.get("steps")


# --- Exactly ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DYNAMICS)
@pytest.mark.parametrize("interval", [1, 3])
def test_molecular_dynamics_goes_on_exactly(name, interval, crystal, results_dir, each_step):
    settings = {"dynamics": name, "temperature": 400, "steps": 20, "timestep": 2, "seed": 3, "interval": interval}
    counted, calculator = Fragile(), Fragile()
    undisturbed = run_md(crystal, counted, **settings)
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=counted.calls // 2), **settings)
    left = left_in(results_dir)
    kept = {path.name: path.read_bytes() for path in left.iterdir()}
    assert 8 <= Checkpoint.read(left / "md.checkpoint").steps <= 10
    result = as_job(results_dir, left, run_md, crystal, calculator, **settings)
    assert_same(result, undisturbed)
    assert (result["provenance"]["resumed_from"], "resumed_from" in undisturbed["provenance"]) == (str(left), False)
    assert calculator.calls <= counted.calls // 2 + 4  # the steps that were done are not made again
    assert {path.name: path.read_bytes() for path in left.iterdir()} == kept


@pytest.mark.parametrize("name", [name for name, row in DYNAMICS.items() if row.ensemble != "NPT"])
def test_molecular_dynamics_with_fixed_atoms_goes_on_exactly(name, crystal, results_dir, each_step):
    crystal.set_constraint(FixAtoms([1]))
    settings = {"dynamics": name, "temperature": 400, "steps": 12, "timestep": 2, "interval": 1}
    undisturbed = run_md(crystal, Fragile(), **settings)
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=7), **settings)
    assert_same(as_job(results_dir, left_in(results_dir), run_md, crystal, Fragile(), **settings), undisturbed)


@pytest.mark.parametrize("name", sorted(set(OPTIMIZERS) - LOOPS_OF_THEIR_OWN))
@pytest.mark.parametrize("relax_cell", [False, True])
def test_optimization_goes_on_exactly(name, relax_cell, crystal, results_dir, each_step):
    settings = {"optimizer": name, "relax_cell": relax_cell, "fmax": 1e-6, "max_steps": 8, "allow_unconverged": True}
    counted = Fragile()
    undisturbed = run_optimize(crystal, counted, **settings)
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=counted.calls // 2 + 1), **settings)
    left = left_in(results_dir)
    assert 0 < Checkpoint.read(left / "relax.checkpoint").steps < 8
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = as_job(results_dir, left, run_optimize, crystal, Fragile(), **settings)
    assert_same(result, undisturbed)


@pytest.mark.parametrize("name", ["BFGS", "FIRE", "LBFGS"])
@pytest.mark.parametrize("cell_filter", CELL_FILTERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_cell_filter_goes_on_exactly(name, cell_filter, crystal, results_dir, each_step):
    crystal.set_constraint(FixAtoms([0]))
    settings = {"optimizer": name, "relax_cell": True, "cell_filter": cell_filter}
    settings |= {"fmax": 1e-6, "max_steps": 8, "allow_unconverged": True}
    undisturbed = run_optimize(crystal, Fragile(), **settings)
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=5), **settings)
    result = as_job(results_dir, left_in(results_dir), run_optimize, crystal, Fragile(), **settings)
    assert_same(result, undisturbed)


def test_what_is_cut_twice_goes_on_exactly(crystal, results_dir, each_step):
    settings = {"dynamics": "Langevin", "temperature": 500, "steps": 60, "interval": 1}
    undisturbed = run_md(crystal, Fragile(), **settings)
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=20), **settings)
    with pytest.raises(Cut):
        as_job(results_dir, left_in(results_dir), run_md, crystal, Fragile(breaks_at=30), **settings)
    left = left_in(results_dir)
    assert Checkpoint.read(left / "md.checkpoint").steps > 42  # past the first table of a trajectory
    assert_same(as_job(results_dir, left, run_md, crystal, Fragile(), **settings), undisturbed)


def test_what_is_cut_before_its_first_step_is_not_lost(crystal, results_dir, each_step):
    settings = {"dynamics": "Bussi", "temperature": 500, "steps": 9, "interval": 1}
    undisturbed = run_md(crystal, Fragile(), **settings)
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=6), **settings)
    with pytest.raises(Cut):
        as_job(results_dir, left_in(results_dir), run_md, crystal, Fragile(breaks_at=1), **settings)
    calculator = Fragile()
    assert_same(as_job(results_dir, left_in(results_dir), run_md, crystal, calculator, **settings), undisturbed)
    assert calculator.calls < 9


def test_steps_after_the_checkpoint_are_made_again(crystal, results_dir, monkeypatch):
    monkeypatch.setattr(steps, "INTERVAL", 0)
    settings = {"dynamics": "NPT", "temperature": 500, "steps": 60, "interval": 1}
    undisturbed = run_md(crystal, Fragile(), **settings)
    save = steps.Steps.save_checkpoint
    monkeypatch.setattr(steps.Steps, "save_checkpoint", lambda self: self._dynamics.nsteps in (0, 20) and save(self))
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=55), **settings)
    left = left_in(results_dir)
    assert len(read(left / "md.traj", ":")) > 45
    assert Checkpoint.read(left / "md.checkpoint").steps == 20
    assert_same(as_job(results_dir, left, run_md, crystal, Fragile(), **settings), undisturbed)


@pytest.mark.parametrize("what", ["md", "relax"])
def test_a_process_that_was_killed(what, crystal, results_dir, tmp_path, each_step):
    settings = {
        "md": {"dynamics": "Langevin", "temperature": 500, "steps": 20, "interval": 2},
        "relax": {"optimizer": "LBFGS", "relax_cell": True, "fmax": 0.001},
    }[what]
    calculation = {"md": run_md, "relax": run_optimize}[what]
    crystal.write(tmp_path / "crystal.json")
    crystal = read(tmp_path / "crystal.json")
    code = f"""
from ase.io import read
from adatom.calculations import run_md, run_optimize, steps
from tests.calculations.test_checkpoint import Fragile
steps.INTERVAL = 0
{calculation.__name__}(read("crystal.json"), Fragile(9, "kill"), **{settings!r})
"""
    variables = {**os.environ, "ADATOM_RESULTS_DIR": str(results_dir), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = left_in(results_dir, "running-")
    undisturbed = calculation(crystal, Fragile(), **settings)
    calculator = Fragile()
    assert_same(as_job(results_dir, left, calculation, crystal, calculator, **settings), undisturbed)
    full = Fragile()
    calculation(crystal, full, **settings)
    assert calculator.calls < full.calls - 4


# --- Roughly ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(LOOPS_OF_THEIR_OWN))
@pytest.mark.parametrize("relax_cell", [False, True])
def test_a_loop_of_its_own_goes_on_from_the_last_structure_and_says_so(
    name, relax_cell, crystal, results_dir, each_step
):
    settings = {"optimizer": name, "relax_cell": relax_cell, "fmax": 0.02}
    undisturbed = run_optimize(crystal, Fragile(), **settings)
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=undisturbed["steps"] // 2 + 2), **settings)
    left = left_in(results_dir)
    with pytest.warns(UserWarning, match=f"{name} goes on from the last structure.*its loop"):
        result = as_job(results_dir, left, run_optimize, crystal, Fragile(), **settings)
    assert result["converged"]
    assert result["results"]["energy"] == pytest.approx(undisturbed["results"]["energy"], abs=1e-3)
    frames = read(result["trajectory"], ":")
    saved = Checkpoint.read(left / "relax.checkpoint")
    np.testing.assert_array_equal(frames[saved.files["frames"] - 1].positions, saved.positions)
    assert result["steps"] > saved.steps


class Haunted(BFGS):
    """It remembers what no file can hold."""

    def step(self, *args):
        self.memory = object()
        super().step(*args)


def test_state_that_no_file_can_hold_is_named(crystal, results_dir, each_step):
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=5), optimizer=Haunted)
    with pytest.warns(UserWarning, match="Haunted goes on from the last structure.*dynamics.memory"):
        result = as_job(results_dir, left_in(results_dir), run_optimize, crystal, Fragile(), optimizer=Haunted)
    assert result["converged"]


def test_state_of_another_version_of_ase_is_not_used(crystal, results_dir, each_step):
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=5))
    left = left_in(results_dir)
    change(left / "relax.checkpoint", ase="3.0.0")
    with pytest.warns(UserWarning, match=r"written by ASE 3\.0\.0"):
        assert as_job(results_dir, left, run_optimize, crystal, Fragile())["converged"]


@needs_code("sella")
@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_a_way_down_from_a_saddle_point_goes_on_exactly(direction, bridge, results_dir, each_step):
    settings = {"direction": direction, "irc_kwargs": {"dx": 0.5}}
    counted, calculator = Fragile(), Fragile()
    undisturbed = run_irc(bridge, counted, **settings)
    with pytest.raises(Cut):
        run_irc(bridge, Fragile(breaks_at=counted.calls // 2), **settings)
    left = left_in(results_dir)
    assert 2 <= Checkpoint.read(left / "irc.checkpoint").steps < undisturbed["steps"]
    result = as_job(results_dir, left, run_irc, bridge, calculator, **settings)
    assert_same(result, undisturbed)
    assert result["points"]["energies"] == pytest.approx(undisturbed["points"]["energies"], abs=1e-9)
    assert result["provenance"]["resumed_from"] == str(left)
    assert calculator.calls < 0.7 * counted.calls
    assert not Path(result["dir_name"], "irc.checkpoint").exists()


@needs_code("sella")
def test_a_way_down_goes_on_without_its_state(bridge, each_step):
    settings = {"irc_kwargs": {"dx": 0.5}}
    undisturbed = run_irc(bridge, EMT(), **settings)
    part = run_irc(bridge, EMT(), max_steps=3, allow_unconverged=True, **settings)
    change(Path(part["dir_name"], "irc.checkpoint"), ase="3.0.0")
    with pytest.warns(UserWarning, match=r"written by ASE 3\.0\.0"):
        result = run_irc(bridge, EMT(), resume_from=part, **settings)
    assert result["points"]["energies"][:4] == pytest.approx(undisturbed["points"]["energies"][:4], abs=1e-9)
    assert result["results"]["energy"] == pytest.approx(undisturbed["results"]["energy"], abs=2e-3)
    assert result["steps"] > 3


# --- Explicitly -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DYNAMICS)
def test_molecular_dynamics_can_be_made_longer(name, crystal):
    settings = {"dynamics": name, "temperature": 400, "timestep": 2, "interval": 2}
    half = run_md(crystal, EMT(), steps=7, **settings)
    long = run_md(crystal, EMT(), steps=14, resume_from=half, **settings)
    assert_same(long, run_md(crystal, EMT(), steps=14, **settings))
    assert long["parameters"]["steps"] == 14
    assert len(read(half["trajectory"], ":")) == 4


def test_files_of_the_earlier_run_may_be_compressed(crystal):
    with change_settings(gzip=True):
        half = run_md(crystal, EMT(), temperature=300, steps=4, interval=1)
    assert Path(half["dir_name"], "md.log.gz").exists()
    long = run_md(crystal, EMT(), temperature=300, steps=8, interval=1, resume_from=half["dir_name"])
    assert_same(long, run_md(crystal, EMT(), temperature=300, steps=8, interval=1))


@pytest.mark.parametrize("name", ["BFGS", "FIRE", "LBFGS"])
def test_a_relaxation_that_ran_out_of_steps_goes_on(name, distorted, results_dir):
    whole = run_optimize(distorted, EMT(), optimizer=name)
    part = run_optimize(distorted, EMT(), optimizer=name, max_steps=3, fmax=1e-5, allow_unconverged=True)
    assert_same_but_limits(run_optimize(distorted, EMT(), optimizer=name, resume_from=part), whole)
    with pytest.raises(ConvergenceError, match="resume_from"):
        run_optimize(distorted, EMT(), optimizer=name, max_steps=3)
    failed = left_in(results_dir)
    named = failed.with_name(failed.name.removeprefix("failed-"))
    assert_same_but_limits(run_optimize(distorted, EMT(), optimizer=name, resume_from=named), whole)


def assert_same_but_limits(result, expected):
    for each in (result, expected):
        each["parameters"] |= {"max_steps": 0, "fmax": 0}
    assert_same(result, expected)


def test_what_converged_leaves_no_checkpoint(distorted, each_step):
    result = run_optimize(distorted, EMT())
    assert {path.suffix for path in Path(result["dir_name"]).iterdir()} == {".traj", ".log"}
    with pytest.raises(InputError, match=r"no relax.checkpoint in .*converged leaves none"):
        run_optimize(distorted, EMT(), resume_from=result)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"temperature": 301}, "temperature is 301, not 300"),
        ({"dynamics": "Bussi"}, 'dynamics is "Bussi", not "VelocityVerlet"'),
        ({"timestep": 2.0}, "timestep is 2.0, not 1.0"),
        ({"seed": 1}, "seed is 1, not 0"),
        ({"interval": 5}, "interval is 5, not 1"),
        ({"steps": 4}, "has 4 steps and 4 are asked for. Give the number of steps in all"),
        ({"name": "other"}, r"no other.checkpoint in .*: md.checkpoint"),
        ({"resume_from": "nowhere"}, "there is no directory .*/nowhere"),
        ({"resume_from": 3}, "resume_from is 3. Give the directory"),
        ({"resume_from": {"name": "md"}}, "Give the directory"),
    ],
)
def test_other_inputs_are_refused_by_name(changes, said, crystal, results_dir):
    settings = {"temperature": 300, "steps": 8, "interval": 1}
    half = run_md(crystal, EMT(), **{**settings, "steps": 4})
    with pytest.raises(InputError, match=said):
        run_md(crystal, EMT(), **{**settings, "resume_from": half, **changes})
    assert len(list(results_dir.iterdir())) == 1


@pytest.mark.parametrize("what", ["positions", "cell", "numbers", "constraints", "momenta", "calculator"])
def test_another_structure_or_calculator_is_refused(what, crystal, results_dir):
    half = run_md(crystal, EMT(), temperature=300, steps=2)
    calculator = EMT(asap_cutoff=True) if what == "calculator" else EMT()
    match what:
        case "positions":
            crystal = half["atoms"]
        case "cell":
            crystal.cell[0, 0] += 1e-9
        case "numbers":
            crystal.numbers[0] = 47
        case "constraints":
            crystal.set_constraint(FixAtoms([0]))
        case "momenta":
            crystal.set_momenta(np.ones((4, 3)))
    with pytest.raises(InputError, match=rf"cannot go on from .*{what}.*start anew without resume_from"):
        run_md(crystal, calculator, temperature=300, steps=4, resume_from=half)
    assert len(list(results_dir.iterdir())) == 1


def test_other_inputs_of_a_relaxation_are_refused(crystal):
    part = run_optimize(crystal, EMT(), max_steps=2, allow_unconverged=True, relax_cell=True)
    for changes, said in [
        ({"optimizer": "FIRE"}, 'optimizer is "FIRE", not "BFGS"'),
        ({"relax_cell": False}, "relax_cell is false, not true"),
        ({"cell_filter": "UnitCellFilter"}, 'cell_filter is "UnitCellFilter", not "FrechetCellFilter"'),
        ({"optimizer_kwargs": {"maxstep": 0.1}}, r"optimizer_kwargs.maxstep is 0.1, not unset"),
    ]:
        with pytest.raises(InputError, match=said):
            run_optimize(crystal, EMT(), **{"relax_cell": True, "resume_from": part, **changes})


# --- Implicitly -------------------------------------------------------------------------------------------------------


def change(path, **changes):
    """Another checkpoint in its place."""
    saved = Checkpoint.read(path)
    Checkpoint(**{**vars(saved), **changes}).write(path)


def test_without_a_checkpoint_a_job_starts_anew(crystal, results_dir):
    (results_dir / "failed-earlier").mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        result = as_job(results_dir, results_dir / "failed-earlier", run_md, crystal, EMT(), temperature=300, steps=3)
    assert_same(result, run_md(crystal, EMT(), temperature=300, steps=3))


@pytest.mark.parametrize(
    "broken", ["half", "empty", "text", "format", "flipped", "trajectory", "no trajectory", "no log", "log"]
)
def test_what_cannot_be_read_is_left_alone_with_a_warning(broken, crystal, results_dir, each_step):
    settings = {"temperature": 300, "steps": 8, "interval": 1}
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=6), **settings)
    left = left_in(results_dir)
    checkpoint, trajectory, log = (left / f"md.{suffix}" for suffix in ("checkpoint", "traj", "log"))
    match broken:
        case "half":
            checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
        case "empty":
            checkpoint.write_bytes(b"")
        case "text":
            checkpoint.write_text("steps = 3")
        case "flipped":  # a bit of a position
            data = bytearray(checkpoint.read_bytes())
            data[data.index(b"positions.npy") + 300] ^= 1
            checkpoint.write_bytes(data)
        case "format":
            np.savez(left / "x.npz", about=np.frombuffer(json.dumps({"format": 99}).encode(), np.uint8))
            (left / "x.npz").rename(checkpoint)
        case "trajectory":
            trajectory.write_bytes(trajectory.read_bytes()[:-2000])
        case "no trajectory":
            trajectory.unlink()
        case "no log":
            log.unlink()
        case "log":
            log.write_text("")
    with pytest.raises(InputError, match="checkpoint"):
        run_md(crystal, Fragile(), **settings, resume_from=left)
    with pytest.warns(UserWarning, match="md starts anew"):
        result = as_job(results_dir, left, run_md, crystal, Fragile(), **settings)
    assert_same(result, run_md(crystal, Fragile(), **settings))


def test_a_job_with_other_inputs_is_refused(crystal, results_dir, each_step):
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=4), temperature=300, steps=8)
    left = left_in(results_dir)
    kept = (left / "md.traj").read_bytes()
    with pytest.raises(InputError, match="temperature is 600, not 300.*Move that directory away"):
        as_job(results_dir, left, run_md, crystal, Fragile(), temperature=600, steps=8)
    assert (left / "md.traj").read_bytes() == kept


def test_a_later_calculation_of_a_job_goes_on_too(crystal, results_dir, each_step):
    def two(calculator):
        first = run_optimize(crystal, Fragile())
        return run_md(first["atoms"], calculator, temperature=300, steps=10, interval=1)

    with pytest.raises(Cut):
        as_job(results_dir, None, two, Fragile(breaks_at=7))
    left = left_in(results_dir)
    calculator = Fragile()
    result = as_job(results_dir, left, two, calculator)
    assert calculator.calls < 9
    assert_same(result, as_job(results_dir, None, two, Fragile()))


def test_a_later_calculation_with_other_inputs_starts_anew(crystal, results_dir, each_step):
    def two(calculator, temperature):
        run_optimize(crystal, Fragile())
        return run_md(crystal, calculator, temperature=temperature, steps=10, interval=1)

    with pytest.raises(Cut):
        as_job(results_dir, None, two, Fragile(breaks_at=7), 300)
    with pytest.warns(UserWarning, match="temperature is 600, not 300.*starts anew"):
        result = as_job(results_dir, left_in(results_dir), two, Fragile(), 600)
    assert_same(result, run_md(crystal, Fragile(), temperature=600, steps=10, interval=1))


def test_a_checkpoint_among_the_files_to_start_from_is_not_taken_for_the_own(crystal, results_dir):
    part = run_optimize(crystal, EMT(), max_steps=2, allow_unconverged=True)
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=3), copy_files=part)
    assert not (left_in(results_dir) / "relax.checkpoint").exists()


# --- In time ----------------------------------------------------------------------------------------------------------


def test_molecular_dynamics_stops_when_asked(crystal, results_dir, monkeypatch):
    settings = {"dynamics": "NVT", "temperature": 300, "steps": 12, "interval": 5}
    with pytest.raises(IncompleteError, match=r"md of Cu4 stopped after 6 of 12 steps: SIGTERM was received\. Run"):
        run_md(crystal, Fragile(asks_at=7), **settings)
    left = left_in(results_dir)
    assert "IncompleteError" in (left / "error.txt").read_text()
    assert len(read(left / "md.traj", ":")) == 2
    with pytest.raises(IncompleteError, match="after 6 of 12"):  # while there is no time, nothing is computed nor lost
        as_job(results_dir, left, run_md, crystal, Fragile(breaks_at=1), **settings)
    monkeypatch.setattr(deadline, "_requested", None)
    result = as_job(results_dir, left_in(results_dir), run_md, crystal, Fragile(), **settings)
    assert_same(result, run_md(crystal, Fragile(), **settings))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_stops_when_asked(name, crystal, results_dir):
    with pytest.raises(IncompleteError, match=r"relax of Cu4 stopped after [123] of 50 steps: SIGTERM"):
        run_optimize(crystal, Fragile(asks_at=3), optimizer=name, max_steps=50)
    assert Checkpoint.read(left_in(results_dir) / "relax.checkpoint").steps in (1, 2, 3)


def test_what_is_done_anyway_is_not_called_incomplete(distorted, crystal):
    steps_needed = run_optimize(distorted, EMT())["steps"]
    assert run_optimize(distorted, Fragile(asks_at=steps_needed + 1))["converged"]


def test_the_last_step_of_molecular_dynamics_is_not_called_incomplete(crystal):
    assert run_md(crystal, Fragile(asks_at=6), temperature=300, steps=5)["converged"]


def test_nothing_is_begun_after_the_end(crystal, results_dir):
    with change_settings(walltime=0.001):
        with pytest.raises(IncompleteError, match="after 0 of 5 steps: ADATOM_WALLTIME leaves 0 s") as stopped:
            run_md(crystal, Fragile(breaks_at=1), temperature=300, steps=5)
    assert "resume_from" not in str(stopped.value)
    assert not (left_in(results_dir) / "md.checkpoint").exists()


class Slow(Fragile):
    """EMT of which the third call takes most of the time that is left."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        if self.calls == 3:
            time.sleep(max(0, 0.6 * deadline.time_left()))


def test_a_walltime_stops_a_run_in_time(crystal, results_dir):
    with change_settings(walltime=1e6):
        age = 1e6 - deadline.time_left()
    with change_settings(walltime=age + 8):
        why = r"after 2 of 1000 steps: ADATOM_WALLTIME leaves \d s, and what comes next may take \d+ s\."
        with pytest.raises(IncompleteError, match=why):
            run_md(crystal, Slow(), temperature=300, steps=1000)
        assert deadline.time_left() > 0
    assert Checkpoint.read(left_in(results_dir) / "md.checkpoint").steps == 2


# --- Cost -------------------------------------------------------------------------------------------------------------


def test_cheap_steps_write_no_checkpoint(crystal, monkeypatch):
    written = []
    monkeypatch.setattr(Checkpoint, "write", lambda self, path: written.append(self.steps))
    run_optimize(crystal, EMT())
    assert written == []
    run_md(crystal, EMT(), temperature=300, steps=20)
    assert written == [20]


def test_a_checkpoint_is_plain_data(crystal, results_dir, each_step):
    with pytest.raises(Cut):
        run_optimize(crystal, Fragile(breaks_at=5), relax_cell=True, cell_filter=FrechetCellFilter)
    file = left_in(results_dir) / "relax.checkpoint"
    with np.load(file, allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        assert all(arrays[name].dtype.kind in "biufU" for name in arrays)
    assert about["missing"] == []
    assert about["inputs"]["optimizer"] == '"BFGS"'
    assert not list(file.parent.glob("*.part"))


def test_a_moved_directory_goes_on(crystal, results_dir, tmp_path, each_step):
    settings = {"temperature": 300, "steps": 8, "interval": 1}
    with pytest.raises(Cut):
        run_md(crystal, Fragile(breaks_at=5), **settings)
    moved = shutil.move(left_in(results_dir), tmp_path / "elsewhere")
    assert_same(run_md(crystal, Fragile(), resume_from=moved, **settings), run_md(crystal, Fragile(), **settings))
