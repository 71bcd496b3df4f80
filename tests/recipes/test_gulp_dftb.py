"""GULP and DFTB+, with the programs that stand in for them: input, output, failures."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT

from adatom import JobFailure, change_settings
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes import dftb, gulp
from tests import standins

CODES = {"gulp": gulp, "dftb": dftb}
PROGRAMS = {"gulp": "gulp", "dftb": "dftb+"}
INPUTS = {"gulp": "gulp.gin", "dftb": "dftb_in.hsd"}
# Of the simple format: the occupations of d, p and s are behind seven numbers of the second line.
SKF = "0.02 500\n0.0 -0.1 -0.2 0.0 0.3 0.3 0.3 {} {} {}\n"
SHELLS = {"Cu": (10, 0, 1), "Ni": (8, 0, 2), "O": (0, 4, 2), "H": (0, 0, 1)}


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    """The programs on PATH, a library and Slater-Koster files."""
    for name, program in PROGRAMS.items():
        (tmp_path / name).mkdir()
        standins.install(program, tmp_path / name, name)
        monkeypatch.setenv("PATH", str(tmp_path / name), prepend=":")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "metals.lib").write_text("# potentials\n")
    monkeypatch.setenv("GULP_LIB", str(tmp_path / "lib"))
    for one in SHELLS:
        for other in SHELLS:
            (tmp_path / "lib" / f"{one}-{other}.skf").write_text(SKF.format(*SHELLS[one]))
    monkeypatch.setenv("DFTB_PREFIX", str(tmp_path / "lib"))
    return tmp_path


@pytest.fixture(params=CODES)
def name(request):
    return request.param


def settings(name, atoms, **more):
    given = {"library": "metals.lib"} if name == "gulp" else {"kpts": [2, 2, 3]} if atoms.pbc.any() else {}
    return {**given, **more}


def static(name, atoms, **more):
    return CODES[name].static_job(atoms, calc_kwargs=settings(name, atoms, **more))


def calculator(name, atoms, **more):
    return getattr(CODES[name], name).calculator(atoms, settings(name, atoms, **more))


def input_of(name, result):
    return (Path(result["dir_name"]) / INPUTS[name]).read_text()


def sheared():
    atoms = bulk("Cu") * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    atoms.positions[1] += 2 * atoms.cell[2]
    atoms.symbols[1] = "Ni"
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0.2], [0.05, 1, 0.1], [0.1, -0.2, 1]], scale_atoms=True)
    atoms.rotate(50, (1, 2, 3), rotate_cell=True)
    return atoms


def left_handed():
    atoms = sheared()
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    return atoms


def bent():
    water = molecule("H2O")
    water.positions[1] += (0.02, 0.05, -0.03)
    return water


@pytest.mark.parametrize("make", [sheared, left_handed, bent])
def test_energy_forces_and_stress_are_those_of_the_structure(name, make, programs):
    atoms = make()
    found = static(name, atoms)["results"]
    assert (programs / name / f"{PROGRAMS[name]}.runs").read_text() == "run\n"
    atoms.calc = EMT()
    assert found["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-7)
    assert found["free_energy"] == pytest.approx(found["energy"], abs=1e-8)
    assert found["forces"] == pytest.approx(atoms.get_forces(), abs=2e-6)
    assert ("stress" in found) == bool(atoms.pbc.all())
    if "stress" in found:
        assert found["stress"] == pytest.approx(atoms.get_stress(), abs=1e-7)


def test_a_cell_is_relaxed(name):
    done = CODES[name].relax_job(bulk("Cu", a=3.5), relax_cell=True, fmax=0.02, calc_kwargs=settings(name, bulk("Cu")))
    assert done["atoms"].cell.lengths()[0] * 2**0.5 == pytest.approx(3.59, abs=0.02)  # Å; that of EMT


@pytest.mark.parametrize(
    ("name", "arguments", "atoms", "message"),
    [
        ("gulp", {"library": None}, bent(), "Which potential"),
        ("gulp", {"library": "other.lib"}, bent(), "no library other.lib here or in .*ADATOM_DATA_DIRS__GULP"),
        ("gulp", {"librari": "metals.lib"}, bent(), "Unknown argument of GULP 'librari'. Did you mean 'library'"),
        ("gulp", {"keywords": ["conp"]}, bent(), r"keywords is \['conp'\]. Give one text"),
        ("gulp", {"options": "cutp 8"}, bent(), "options is 'cutp 8'. Give a list of lines"),
        ("gulp", {"keywords": "optimise conp"}, bent(), "keywords has 'optimise', with which GULP computes something"),
        ("gulp", {"keywords": "conp MD"}, bent(), "keywords has 'MD'"),
        ("gulp", {}, fcc111("Cu", (1, 1, 2), vacuum=5), r"periodic along \[True, True, False\]; these recipes of GULP"),
        ("dftb", {}, Atoms("CuAu", [(0, 0, 0), (0, 0, 3)]), "There is no Au-Au.skf, Au-Cu.skf, Cu-Au.skf in .*lib"),
        ("dftb", {"slako_dir": "nowhere"}, bent(), "slako_dir is .*nowhere, and there is no such directory"),
        ("dftb", {"multiplicity": 2}, bent(), "10 electrons, and the multiplicity is 2"),
        ("dftb", {"multiplicity": 3}, bent(), "needs spin constants: Hamiltonian_SpinConstants_=''"),
        ("dftb", {"charge": 0.5}, bent(), "The charge is 0.5. Give a whole number"),
        ("dftb", {"Hamiltonian_Charge": 1}, bent(), "calc_kwargs has Hamiltonian_Charge. Give charge"),
        ("dftb", {"Hamiltonian_SpinPolarisation_": "Colinear"}, bent(), "has Hamiltonian_SpinPolarisation_. Give mult"),
        ("dftb", {"Driver_": "ConjugateGradient"}, bent(), "calc_kwargs has Driver_. Use relax_job"),
        ("dftb", {"Hamiltonan_SCC": "No"}, bent(), r"Unknown argument of DFTB\+ 'Hamiltonan_SCC'"),
        ("dftb", {"kpts": None}, bulk("Cu"), r"kpts is None. Give three integers"),
        ("dftb", {"kspacing": 0.2}, bulk("Cu"), "kspacing is 0.2. Give one"),
        ("dftb", {}, Atoms("Cu", cell=(3, 3, 0), pbc=(1, 1, 0)), r"DFTB\+ needs a cell of three vectors"),
    ],
)
def test_bad_input_is_refused(programs, name, arguments, atoms, message):
    with pytest.raises(InputError, match=message):
        calculator(name, atoms, **arguments)
    assert not list(programs.glob("*/*.runs"))


@pytest.mark.parametrize(
    ("name", "failure", "error", "message"),
    [
        ("gulp", "truncated", ProgramError, "(?s)gulp ended without a result.*Maximum abs"),
        ("gulp", "killed", ProgramError, "gulp was killed by SIGKILL"),
        ("gulp", "silent", ProgramError, "(?s)GULP has printed no energy, or not the forces.*Job Finished"),
        ("gulp", "shells", InputError, "GULP has added shells.*noaddshells"),
        ("dftb", "scc", ConvergenceError, r"The SCF of dftb\+ did not converge. Give Hamiltonian_MaxSCCIterations=300"),
        ("dftb", "truncated", ProgramError, r"(?s)dftb\+ ended without a result.*Total Energy"),
        ("dftb", "killed", ProgramError, r"dftb\+ was killed by SIGKILL"),
    ],
)
def test_failures(monkeypatch, name, failure, error, message):
    monkeypatch.setenv(standins.FAILURE, failure)
    with pytest.raises(error, match=message):
        run_static(bent(), calculator(name, bent()))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("gulp", {"keywords": "conp save restore"}, "gulp ended without.*!! ERROR : save and restore cannot both"),
        ("dftb", {"Hamiltonian_SCCTolerence": 1e-8}, r"dftb\+ ended with exit status 1.*SCCTolerence.*ERROR!"),
    ],
)
def test_a_keyword_that_the_program_refuses(name, arguments, message):
    with pytest.raises(JobFailure, match=f"(?s)ProgramError: {message}") as caught:
        static(name, bent(), **arguments)
    assert (Path(caught.value.failure.directory) / INPUTS[name]).exists()


@pytest.mark.parametrize("name", CODES)
def test_a_program_that_is_not_there(name):
    program = PROGRAMS[name]
    with (
        change_settings(commands={name: f"/nowhere/{program}"}),
        pytest.raises(InputError, match=rf"(?s)is not there.*ADATOM_COMMANDS__{name.upper()}.*https://"),
    ):
        calculator(name, bent())


def test_the_ranks_are_those_of_the_job(name, programs, monkeypatch):
    launcher = programs / name / "mpirun"
    last = f'while [ "$(basename $1)" != {PROGRAMS[name]} ]; do shift; done'
    launcher.write_text(f'#!/bin/sh\necho "$@" >>$0.calls\n{last}\nexec "$@"\n')
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(launcher.parent), prepend=":")
    with job_context(resources=Resources(ranks_per_node=4)):
        run_static(bent(), calculator(name, bent()))
    assert "4" in launcher.with_name("mpirun.calls").read_text().split()


def test_gulp_gets_words_charges_and_lines(tmp_path):
    atoms = bulk("Cu")
    given = {"keywords": "conp qok GRADIENT", "options": ["cutp 8.0", "lennard 12 6"]}
    text = input_of("gulp", static("gulp", atoms, **given))
    assert text.startswith("conp qok GRADIENT unfix stress_out\ntitle\n")
    assert text.endswith("library metals.lib\ncutp 8.0\nlennard 12 6\n")
    atoms.set_initial_charges([2])
    charged = static("gulp", atoms, **given)
    assert "unfix preserve_Q stress_out" in input_of("gulp", charged)
    assert "Cu core 0.000000000000 0.000000000000 0.000000000000 2.000000\n" in input_of("gulp", charged)
    assert "stress_out" not in input_of("gulp", static("gulp", bent()))


def test_a_library_is_a_path_or_a_name(tmp_path, monkeypatch):
    monkeypatch.delenv("GULP_LIB")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/own.lib").write_text("# mine\n")
    result = static("gulp", bent(), library="mine/own.lib")
    assert "library own.lib\n" in input_of("gulp", result)
    assert (Path(result["dir_name"]) / "own.lib").read_text() == "# mine\n"
    with pytest.raises(InputError, match="no directory .*ADATOM_DATA_DIRS__GULP"):
        calculator("gulp", bent())


def words_of(result):
    from tests.standins.dftb import parse

    return parse(input_of("dftb", result).splitlines())["Hamiltonian"]


CONSTANTS = {"Hamiltonian_SpinConstants_": "", "Hamiltonian_SpinConstants_Cu": "{-0.02}"}


def test_dftb_gets_its_charge_spin_and_keywords(tmp_path):
    pair = Atoms("Cu2", [(0, 0, 0), (0, 0, 2.3)])
    plain = static("dftb", pair, Hamiltonian_SCCTolerance=1e-8)
    words = words_of(plain)
    assert words["SCC"] == "Yes"
    assert words["SCCTolerance"] == "1e-08"
    assert words["SlaterKosterFiles"]["Prefix"] == f"{tmp_path}/lib/"
    assert words["MaxAngularMomentum"] == {"": "", "Cu": '"d"'}
    assert not {"Charge", "SpinPolarisation", "KPointsAndWeights"} & {*words}
    charged = static("dftb", pair, charge=-2)
    assert words_of(charged)["Charge"] == "-2.0"
    assert charged["results"]["energy"] == pytest.approx(plain["results"]["energy"] - 0.5, abs=1e-7)
    assert charged["results"]["charges"] == pytest.approx([-1, -1])
    triplet = static("dftb", pair, multiplicity=3, **CONSTANTS)
    assert words_of(triplet)["SpinPolarisation"] == {"": "Colinear", "UnpairedElectrons": "2"}
    pair.set_initial_charges([0.5, 0.5])
    pair.set_initial_magnetic_moments([-2, 1])  # which is the same as 2 and -1
    carried = words_of(static("dftb", pair, **CONSTANTS))
    assert carried["Charge"] == "1.0"
    spin = carried["SpinPolarisation"]
    assert spin["UnpairedElectrons"] == "1.0"
    assert spin["InitialSpins"]["AllAtomSpins"]["rows"] == ["2.0", "-1.0"]
    assert "RelaxTotalSpin" not in spin
    assert (Path(plain["dir_name"]) / "results.tag").exists()


def test_a_crystal_of_dftb_gets_k_points_and_a_start_for_its_moments():
    crystal = sheared()
    crystal.symbols[:] = "Cu"
    crystal.set_initial_magnetic_moments([1, -1])
    words = words_of(static("dftb", crystal, **CONSTANTS))
    assert words["SpinPolarisation"]["RelaxTotalSpin"] == "Yes"
    assert words["SpinPolarisation"]["UnpairedElectrons"] == "0.0"
    assert words["KPointsAndWeights"]["rows"] == ["2 0 0", "0 2 0", "0 0 3", "0.5 0.5 0.0"]
    slab = fcc111("Cu", (1, 1, 2), vacuum=5)
    words = words_of(static("dftb", slab, kpts=None, kspacing=0.5))
    assert words["KPointsAndWeights"]["rows"] == ["6 0 0", "0 6 0", "0 0 1", "0.5 0.5 0.0"]


def test_xtb_needs_no_files(monkeypatch):
    monkeypatch.delenv("DFTB_PREFIX")
    done = static("dftb", bent(), Hamiltonian_="xTB", Hamiltonian_Method="GFN2-xTB")
    words = words_of(done)
    assert (words[""], words["Method"]) == ("xTB", "GFN2-xTB")
    assert "SlaterKosterFiles" not in words
    assert np.abs(done["results"]["forces"]).max() > 0
