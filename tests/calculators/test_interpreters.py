"""Calculators in a process of another Python."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import ase
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom import change_settings, explain
from adatom.arena.machine import describe_machine
from adatom.calculations import run_static
from adatom.calculators.interpreters import InterpreterCalculator
from adatom.calculators.models import identify_model, make_model, model, named_model
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes.mlip import static_job
from adatom.settings import get_settings
from tests.codes import provide_code

CALCULATORS = """
import os, sys
import numpy as np
from ase.calculators.calculator import Calculator, all_changes

class Odd(Calculator):
    implemented_properties = ["energy", "forces"]

    def __init__(self, does="nothing"):
        super().__init__()
        self.does = does
        print("made by", os.getpid())

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        print("computing", file=sys.stderr)
        if self.does == "die":
            os.abort()
        if self.does == "diverge":
            raise RuntimeError("SCF not converged in 3 steps")
        if self.does == "fail":
            raise ValueError("no such basis")
        moments = self.atoms.get_initial_magnetic_moments().sum() + self.atoms.get_initial_charges().sum()
        moments += 1000 * self.atoms.info.get("charge", 0)
        self.results = {"energy": moments + os.getpid(), "forces": np.zeros((len(self.atoms), 3))}
"""


@pytest.fixture
def here(tmp_path):
    """Another Python, which is this one with a module of its own."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "odd.py").write_text(CALCULATORS)
    with change_settings(interpreters={"odd": f"env PYTHONPATH={tmp_path / 'lib'} {sys.executable}"}):
        yield


def odd(**arguments):
    return InterpreterCalculator("odd", "odd:Odd", ["energy", "forces"], arguments)


def emt():
    return InterpreterCalculator("ase", "ase.calculators.emt:EMT", ["energy", "forces", "stress"], {})


def test_results_are_those_of_the_calculator():
    copper = bulk("Cu", cubic=True)
    copper.rattle(0.1, seed=1)
    found = run_static(copper, emt(), properties=["energy", "forces", "stress"])["results"]
    copper.calc = EMT()
    assert found["energy"] == copper.get_potential_energy()
    assert (found["forces"] == copper.get_forces()).all()
    assert (found["stress"] == copper.get_stress()).all()


def test_one_process_computes_all_and_ends_with_the_job(here):
    calculator, copper = odd(), bulk("Cu")
    for _ in range(2):  # the energy is the number of the process
        calculator.calculate(copper, ["energy"])
    copper.rattle(0.1)
    first = calculator.results["energy"]
    calculator.calculate(copper, ["energy"])
    process = calculator._process
    assert calculator.results["energy"] == first == process.pid
    assert run_static(copper, calculator)["results"]["energy"] == first
    assert process.poll() == 0


def test_what_a_structure_carries_arrives(here):
    calculator, iron = odd(), bulk("Fe")
    iron.set_initial_magnetic_moments([2.5])
    iron.set_initial_charges([0.25])
    calculator.calculate(iron, ["energy"])
    assert calculator.results["energy"] - calculator._process.pid == 2.75
    iron.info.update(charge=-1, source=object())
    iron.rattle(0.1)  # ASE's calculators do not look whether the `info` has changed
    calculator.calculate(iron, ["energy"])
    assert calculator.results["energy"] - calculator._process.pid == 2.75 - 1000


@pytest.mark.parametrize(
    ("does", "error", "message"),
    [
        ("die", ProgramError, "(?s)The process of odd was killed by SIGABRT.*odd.out:.*made by.*computing"),
        ("diverge", ConvergenceError, "The SCF of odd did not converge: SCF not converged in 3 steps"),
        ("fail", ProgramError, "odd raised ValueError: no such basis"),
    ],
)
def test_failures(here, does, error, message):
    calculator = odd(does=does)
    with pytest.raises(error, match=message):
        run_static(bulk("Cu"), calculator)
    assert calculator._process is None


def test_the_process_ends_with_the_one_that_asked(here):
    """Nothing is left of a job that was killed: its end closes the pipe."""
    calculator = odd()
    calculator.calculate(bulk("Cu"), ["energy"])
    process = calculator._process
    process.stdin.close()
    assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("interpreters", "message"),
    [
        ({}, "odd is not installed for this Python. Install it, or set ADATOM_INTERPRETERS__ODD"),
        ({"odd": "/nowhere/python"}, "The Python of odd, '/nowhere/python', is not there"),
        ({"odd": sys.executable}, "cannot import odd: No module named 'odd'. Set ADATOM_INTERPRETERS__ODD"),
    ],
)
def test_a_python_that_does_not_have_it(interpreters, message):
    with change_settings(interpreters=interpreters), pytest.raises(InputError, match=message):
        run_static(bulk("Cu"), odd())


def test_a_python_that_greets(here):
    """What is no answer is shown, and the process does not stay."""
    greets = {"odd": f'sh -c \'echo Welcome; exec "$0" "$@"\' {get_settings().interpreters["odd"]}'}
    with change_settings(interpreters=greets):
        calculator = odd()
        with pytest.raises(ProgramError, match="The process of odd printed 'Welcome' where its answer belongs"):
            run_static(bulk("Cu"), calculator)
        assert calculator._process is None


def test_it_has_a_temporary_directory_of_its_own(here):
    calculator = odd()
    calculator.calculate(bulk("Cu"), ["energy"])
    variables = Path(f"/proc/{calculator._process.pid}/environ").read_text().split("\0")
    [own] = [Path(line.removeprefix("TMPDIR=")) for line in variables if line.startswith("TMPDIR=")]
    assert own.is_dir()
    assert own != Path(tempfile.gettempdir())
    calculator.close()
    assert not own.exists()


def test_ranks_that_a_package_does_not_know_of():
    """Else each would compute all of it, alone."""
    provide_code("lammps")  # for its mpirun
    with (
        job_context(resources=Resources(ranks_per_node=2)),
        pytest.raises(ProgramError, match="The job has 2 ranks, and ase.calculators.emt knows of 1: it was built with"),
    ):
        run_static(bulk("Cu"), emt())


def test_an_argument_that_cannot_be_sent(here):
    with pytest.raises(InputError, match="An argument of odd cannot be sent to its Python"):
        run_static(bulk("Cu"), odd(does=object()))


MODEL = """
import os
from ase.build import bulk
from adatom import flow
from adatom.recipes import mlip

@flow
def two(structures):
    return [mlip.static_job(atoms, calculator="mine", calc_kwargs={"does": "nothing"}) for atoms in structures]

if __name__ == "__main__":
    results = two([bulk("Cu"), bulk("Cu", "fcc", 3.7)])
    print(len({result["results"]["energy"] for result in results} - {os.getpid()}))
    print(os.path.exists(os.path.join(results[0]["dir_name"], "odd.out")))
    mlip.static_job(bulk("Cu"), calculator="mine", calc_kwargs={"does": "fail"})
"""


def test_a_model_of_another_environment(tmp_path):
    """A row of the registry whose package only the other Python has."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "odd.py").write_text(CALCULATORS)
    (tmp_path / "models.yaml").write_text("mine:\n  package: odd\n  make: odd:Odd\n")
    (tmp_path / "script.py").write_text(MODEL)
    python = f"env PYTHONPATH={tmp_path / 'lib'} {sys.executable}"
    variables = {"ADATOM_MODELS": str(tmp_path / "models.yaml"), "ADATOM_INTERPRETERS__ODD": python}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.stdout == "2\nTrue\n"
    assert "odd raised ValueError: no such basis" in done.stderr


ORB = """
from importlib.util import find_spec
from ase.calculators.emt import EMT

class Weights:
    def __init__(self, device, precision, compile):
        self.device = device

class Pretrained:
    ORB_PRETRAINED_MODELS = {"orb-v2": Weights}

class ORBCalculator(EMT):
    def __init__(self, weights, device):
        super().__init__()
        assert find_spec("adatom") is None
        assert weights.device == device == "cuda"

pretrained = Pretrained
"""
TORCH = """
class cuda:
    is_available = staticmethod(lambda: True)
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own, with ASE and two packages that are not here; there is no adatom in it."""
    folder = tmp_path_factory.mktemp("envs") / "odd"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    [packages] = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "here.pth").write_text("\n".join(here))  # whose own .pth files do not count, as those of adatom
    (packages / "odd.py").write_text(CALCULATORS)
    (packages / "torch.py").write_text(TORCH)
    for place in ("__init__", "forcefield/__init__", "forcefield/calculator"):
        file = packages / "orb_models" / f"{place}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(ORB)
    give_version(folder, "1.5")
    return folder


def give_version(folder, version):
    [packages] = folder.glob("lib/python*/site-packages")
    metadata = packages / "odd-pkg.dist-info" / "METADATA"
    metadata.parent.mkdir(exist_ok=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: odd\nVersion: {version}\n")


@pytest.fixture
def rows(tmp_path):
    """A function that writes rows of models; the setting names a Python that is not there, and does not count."""
    table = tmp_path / "models.yaml"

    table.write_text("{}")

    def write(python, package="odd", make="odd:Odd", more=""):
        table.write_text(f"mine: {{package: {package}, make: '{make}', python: '{python}', {more}}}")

    with change_settings(models=table, results_dir=tmp_path, interpreters={"odd": "/nowhere/python"}):
        yield write


class TestEnvironmentOfARow:
    @pytest.mark.parametrize("inside", ["", "bin/python"])
    def test_its_folder_or_its_python(self, environment, rows, inside):
        rows(environment / inside)
        calculator = make_model("mine")
        assert named_model("mine").batched is None
        calculator.calculate(bulk("Cu"), ["energy"])
        assert calculator.results["energy"] == calculator._process.pid != os.getpid()
        assert Path(f"/proc/{calculator._process.pid}/cmdline").read_text().startswith(f"{environment}/bin/python")
        calculator.close()

    def test_a_job_in_the_environment_of_the_home(self, environment, rows, monkeypatch):
        monkeypatch.setenv("HOME", str(environment.parent))
        rows("~/odd")
        result = static_job(bulk("Cu"), calculator="mine")
        assert result["results"]["energy"] != os.getpid()
        assert (Path(result["dir_name"]) / "odd.out").exists()

    def test_the_folder_may_stand_in_the_setting(self, environment):
        with change_settings(interpreters={"odd": str(environment)}):
            calculator = odd()
            calculator.calculate(bulk("Cu"), ["energy"])
            assert calculator.results["energy"] == calculator._process.pid
            calculator.close()

    def test_what_makes_it_is_a_part_of_adatom_and_the_device_is_one_there(self, environment, rows):
        row = model("orb-v2")
        more = f"words: {{device: device}}, arguments: {dict(row.arguments)}"
        rows(environment, row.package, row.make, more)
        copper = bulk("Cu")
        found = run_static(copper, make_model("mine"))["results"]["energy"]
        copper.calc = EMT()
        assert found == copper.get_potential_energy()

    def test_the_version_there_counts(self, environment, rows):
        rows(environment)
        identities = []
        for version in ("1.5", "1.6"):
            give_version(environment, version)
            identities.append(
                (identify_model("mine")["version"], explain(static_job, bulk("Cu"), calculator="mine").key)
            )
        (first, key), (second, another) = identities
        assert (first, second) == ("1.5", "1.6")
        assert key != another

    def test_a_benchmark_says_the_version_there(self, environment, rows):
        rows(environment)
        give_version(environment, "1.7")
        versions = describe_machine.fn("mine")["versions"]
        assert versions["odd"] == "1.7"
        assert "torch" not in versions  # which the one there has no version of, whatever is here
        assert versions["ase"] == ase.__version__

    def test_a_place_without_python(self, environment, rows, tmp_path):
        (tmp_path / "file").touch()
        for python in ("/nowhere/mace", tmp_path, tmp_path / "file", "envs/mace"):
            rows(python)
            for compute in (lambda: static_job.fn(bulk("Cu"), calculator="mine"), lambda: named_model("mine")):
                with pytest.raises(InputError) as caught:
                    compute()
                assert f"The Python of odd, {str(python)!r}, is not there" in str(caught.value)
                assert "Give as python the folder of an environment that has odd" in str(caught.value)
        assert not list(tmp_path.glob("*/odd.out"))

    def test_one_that_does_not_have_the_package(self, environment, rows):
        rows(environment, "even", "even:Even")
        with pytest.raises(
            InputError, match="cannot import even: .*Install even there, or give another python in the row"
        ):
            run_static(bulk("Cu"), make_model("mine"))
