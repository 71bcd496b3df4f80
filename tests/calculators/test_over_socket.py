"""Programs that stay for all structures, and get these over a socket."""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from adatom.calculations.calculation import closed_after
from adatom.errors import ConvergenceError, InputError, JobFailure, ProgramError
from adatom.recipes import abinit, aims, dftb, emt, espresso, nwchem
from tests import standins
from tests.codes import provide_code


@dataclass(frozen=True)
class Case:
    """A code, a structure, its ``calc_kwargs``, and those with which its SCF does not converge."""

    module: Any
    atoms: Atoms
    settings: Mapping[str, Any]
    unconverged: Mapping[str, Any]
    output: str
    start: str  # what the program prints once, when it starts
    standin: str = ""  # name of the program that stands in for that of the code

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    @property
    def calculator(self) -> Any:
        return getattr(self.module, self.name).calculator

    def md(self, **settings):
        kwargs = {**self.settings, **settings}
        return self.module.md_job(self.atoms, steps=3, interval=1, timestep=2, calc_kwargs=kwargs)


SILICON = bulk("Si")
SILICON.set_cell(-SILICON.cell.array)  # left-handed
SILICON.rattle(0.1, seed=1)
WATER = molecule("H2O")
WATER.rattle(0.1, seed=1)
ABINIT = {"pps": "hgh", "ecut": 200, "kpts": [1, 1, 1]}
ESPRESSO = {
    "input_data": {"ecutwfc": 15, "conv_thr": 1e-10},
    "pseudopotentials": {"Si": "Si.pbe-rrkj.UPF"},
    "kpts": (1, 1, 1),
}
NWCHEM = {"xc": "pbe", "basis": "3-21G"}
ALLOY = bulk("CuNi", "zincblende", a=4.6)
ALLOY.set_initial_charges([0.5, 0.5])
ALLOY.set_cell(-ALLOY.cell.array)
ALLOY.rattle(0.1, seed=1)
K_POINTS = {"kpts": [2, 2, 2]}
CASES = [
    Case(abinit, SILICON, ABINIT, {"nstep": 2}, "abinit.log", "Starting date"),
    Case(
        espresso,
        SILICON,
        ESPRESSO,
        {"input_data": {**ESPRESSO["input_data"], "electron_maxstep": 2}},
        "espresso.pwo",
        "Program PWSCF",
    ),
    Case(nwchem, WATER, NWCHEM, {"dft": {"iterations": 2}}, "nwchem.nwo", "argument  1"),
    Case(dftb, ALLOY, K_POINTS, {"Hamiltonian_MaxSCCIterations": 2}, "dftb.out", "DFTB+ release", "dftb+"),
    Case(aims, ALLOY, K_POINTS, {"sc_iter_limit": 2}, "aims.out", "Invoking FHI-aims", "aims.x"),
]
STANDINS = [case for case in CASES if case.standin]
PROGRAMS = ("abinit", "pw.x", "nwchem")


def sockets() -> set[Path]:
    return set(Path("/tmp").glob(f"ipi_{os.getpid():x}-*"))  # those of this process


def running() -> list[psutil.Process]:
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.name() in PROGRAMS or "tests.standins" in " ".join(child.cmdline())]


def provide(case: Case, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of a case, or its stand-in and what this reads."""
    if not case.standin:
        provide_code(case.name)
        return
    standins.install(case.standin, directory, case.name)
    monkeypatch.setenv("PATH", str(directory), prepend=os.pathsep)
    monkeypatch.setenv({"dftb": "DFTB_PREFIX", "aims": "AIMS_SPECIES_DIR"}[case.name], str(directory))
    for atom in ALLOY:
        (directory / f"{atom.number:02}_{atom.symbol}_default").write_text(f"  species        {atom.symbol}\n")
        for other in ALLOY.symbols:
            skf = "0.02 500\n0.0 -0.1 -0.2 0.0 0.3 0.3 0.3 8 0 2\n"
            (directory / f"{atom.symbol}-{other}.skf").write_text(skf)


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request, tmp_path_factory, monkeypatch):
    """A case whose code, or its stand-in, is there. Afterwards nothing of the test is left."""
    provide(request.param, tmp_path_factory.mktemp("code"), monkeypatch)
    yield request.param
    assert not sockets()
    assert not running()


def test_one_process_computes_all_structures_of_a_run(case):
    served, files = case.md(socket=True), case.md()
    text = (Path(served["dir_name"]) / case.output).read_text()
    assert text.count(case.start) == 1
    assert served["parameters"]["calculator"]["socket"] is True
    assert served["parameters"]["calculator"]["name"] == files["parameters"]["calculator"]["name"]
    assert served["results"]["energy"] == pytest.approx(files["results"]["energy"], abs=1e-3)
    assert served["results"]["forces"] == pytest.approx(files["results"]["forces"], abs=5e-3)
    assert served["atoms"].positions == pytest.approx(files["atoms"].positions, abs=1e-4)
    assert np.ptp(served["atoms"].positions - case.atoms.positions) > 1e-3  # the atoms have moved


@pytest.fixture
def atoms(case, tmp_path):
    """The structure of a case, with its calculator."""
    atoms = case.atoms.copy()
    atoms.calc = case.calculator(atoms, {**case.settings, "socket": True})
    atoms.calc.directory = tmp_path
    with closed_after(atoms.calc):
        yield atoms


WITH_STRESS = [case for case in CASES if case.module is not nwchem]


@pytest.mark.parametrize("case", WITH_STRESS, ids=lambda case: case.name, indirect=True)
def test_another_cell_and_the_stress_are_those_of_a_run_of_their_own(case, atoms):
    atoms.get_forces()
    atoms.set_cell(1.03 * atoms.cell.array, scale_atoms=True)
    found, energy = atoms.get_stress(), atoms.get_potential_energy()
    assert running()
    assert sockets()
    properties = ["energy", "forces", "stress"]
    known = case.module.static_job(atoms.copy(), calc_kwargs=case.settings, properties=properties)["results"]
    assert energy == pytest.approx(known["energy"], abs=1e-4)
    assert found == pytest.approx(known["stress"], abs=5e-5)


def test_an_scf_that_does_not_converge_is_an_error(case):
    with pytest.raises(JobFailure, match=r"SCF of \S+ did not converge") as failed:
        case.md(socket=True, **case.unconverged)
    assert isinstance(failed.value.__cause__, ConvergenceError)


def test_a_program_that_ends_is_an_error_with_its_last_words(case, atoms):
    """The next structure starts it anew."""
    atoms.get_forces()
    [program] = running()
    program.kill()
    for density in Path().rglob("*.save/charge-density.*"):  # it may have been at it
        os.truncate(density, density.stat().st_size // 2)
    atoms.rattle(0.01)
    with pytest.raises(ProgramError, match=rf"was killed by SIGKILL(.|\n)*{case.output}:\n"):
        atoms.get_forces()
    known = case.module.static_job(atoms.copy(), calc_kwargs=case.settings)["results"]
    assert atoms.get_forces() == pytest.approx(known["forces"], abs=5e-3)


@pytest.mark.parametrize("case", STANDINS, ids=lambda case: case.name, indirect=True)
def test_a_job_whose_program_dies_midway_tells_its_directory_and_last_words(case, monkeypatch):
    monkeypatch.setenv(standins.FAILURE, "midway")
    with pytest.raises(JobFailure, match=rf"was killed by SIGKILL(.|\n)*{case.output}:\n(.|\n)*files: ") as failed:
        case.md(socket=True)
    directory = re.search(r"files: (\S+)", str(failed.value))[1]
    assert case.start in next(Path(directory).rglob(case.output)).read_text()


def test_bad_input_of_the_program_is_told_by_the_program():
    provide_code("abinit")
    with pytest.raises(JobFailure, match=r"abinit ended with exit status(.|\n)*NONSENSE"):
        CASES[0].md(socket=True, nonsense=3)


@pytest.mark.parametrize("case", STANDINS, ids=lambda case: case.name, indirect=True)
def test_a_relaxation_is_that_of_single_runs(case):
    served, files = (
        case.module.relax_job(case.atoms, fmax=0.05, calc_kwargs={**case.settings, "socket": socket})
        for socket in (True, False)
    )
    assert served["converged"]
    assert served["steps"] == files["steps"] > 2
    assert served["atoms"].positions == pytest.approx(files["atoms"].positions, abs=1e-4)
    assert served["results"]["energy"] == pytest.approx(files["results"]["energy"], abs=1e-5)
    runs = Path(f"{shutil.which(case.standin)}.runs").read_text().count("run")
    assert runs == 1 + files["steps"] + 1


@pytest.mark.parametrize(
    "case", [case for case in CASES if not case.standin], ids=lambda case: case.name, indirect=True
)
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="two ranks")
def test_it_runs_on_the_ranks_of_the_job(case):
    on_two = case.module.md_job.with_options(resources={"ranks_per_node": 2})
    kwargs = {"steps": 2, "calc_kwargs": {**case.settings, "socket": True}}
    if case.module is abinit:
        with pytest.raises(JobFailure, match="the job asks for 2 ranks, where ABINIT loses the socket"):
            on_two(case.atoms, **kwargs)
        return
    text = Path(on_two(case.atoms, **kwargs)["dir_name"], case.output).read_text()
    assert re.search(r"nproc += +2\b|running on +2 processors", text)


def test_what_has_no_socket_says_so():
    with pytest.raises(JobFailure, match="socket is True, and EMT takes no structures over a socket"):
        emt.static_job(bulk("Cu"), calc_kwargs={"socket": True})
    provide_code("espresso")
    with pytest.raises(JobFailure, match="socket is 'yes'. Give True or False") as failed:
        espresso.static_job(SILICON, calc_kwargs={**ESPRESSO, "socket": "yes"})
    assert isinstance(failed.value.__cause__, InputError)
    with pytest.raises(JobFailure, match=r"over a socket, no code does(.|\n)*ase_relax_job"):
        espresso.relax_job(SILICON, calc_kwargs={**ESPRESSO, "socket": True})
