"""Codes for molecules that need a licence, with the programs that stand in for them: input, output, failures."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.constraints import FixAtoms, FixBondLengths
from ase.data import covalent_radii
from ase.io import read
from ase.units import Bohr, Hartree

from adatom import JobFailure, Remove, change_settings
from adatom.analysis.path import path_points
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError, StorageError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes import gaussian, mrcc, orca, qchem
from tests import standins


@dataclass(frozen=True)
class Row:
    """A code, and what differs from the others."""

    module: ModuleType
    program: str
    settings: dict[str, Any]
    input: str
    state: str  # in the input
    output: str
    advice: str
    unknown: dict[str, Any]  # what the code refuses by itself
    refusal: str
    ended: str = "ended with exit status 1"
    fails: dict[str, tuple[type[Exception], str]] = field(default_factory=dict)
    refused: tuple[tuple[dict[str, Any], str], ...] = ()

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    @property
    def code(self) -> Any:
        return getattr(self.module, self.name)

    def static(self, atoms, properties=("energy", "forces"), **more):
        return self.module.static_job(atoms, properties=properties, calc_kwargs={**self.settings, **more})

    def input_of(self, result):
        return (Path(result["dir_name"]) / self.input).read_text()


ROWS = [
    Row(
        orca,
        "orca",
        {},
        "orca.inp",
        "*xyz {} {} ",
        "orca.out",
        "Add SlowConv to `keywords`",
        {"keywords": ["B3LIP"]},
        "UNRECOGNIZED.*B3LIP",
        fails={"memory": (ProgramError, "Please increase MaxCore")},
        refused=(
            ({"keyword": ["PBE"]}, "Unknown argument of ORCA 'keyword'. Did you mean 'keywords'"),
            ({"keywords": "PBE"}, "keywords is 'PBE'. Give a list, or a table"),
            ({"keywords": {"PBE": 3}}, "keywords has pbe: 3. Give True, or Remove"),
            ({"keywords": []}, "There are no keywords"),
            ({"keywords": ["PBE", "TightOpt"]}, "keywords has 'TightOpt', with which ORCA moves"),
        ),
    ),
    Row(
        gaussian,
        "g16",
        {"method": "b3lyp", "basis": "6-31G*"},
        "Gaussian.com",
        "\n{} {}\n",
        "Gaussian.log",
        "Give calc_kwargs={'scf': 'xqc'}",
        {"method": "b3lip"},
        "A syntax error was detected.*b3lip",
        fails={
            "memory": (ProgramError, "Use %mem=2MW to provide"),
            "disk": (StorageError, "the disk is full.*writwa: No space left on device"),
        },
        refused=(
            ({"mult": 3}, "mult is multiplicity here"),
            ({"opt": "tight"}, "'opt' makes Gaussian move the atoms"),
            ({"extra": "scf=xqc Freq=noraman"}, "'Freq=noraman' makes Gaussian move the atoms"),
            ({"td": "nstates=3"}, "Of 'td' ASE cannot read the energy"),
            ({"method": "QCISD(T)"}, r"Of 'QCISD\(T\)' ASE cannot read the energy"),
        ),
    ),
    Row(
        qchem,
        "qchem",
        {},
        "qchem.inp",
        "$molecule\n{} {}\n",
        "qchem.out",
        "Give calc_kwargs={'max_scf_cycles': 200}",
        {"basis": "3-22g"},
        "Basis not supported for the above atom",
        ended="ended without a result",
        fails={
            "memory": (ProgramError, "Please increase MEM_TOTAL"),
            "licence": (ProgramError, "Unable to validate license"),
            "disk": (StorageError, "the disk is full.*No space left on device"),
        },
        refused=(
            ({"jobtype": "opt"}, "calc_kwargs has 'jobtype'. The job sets it: use static_job"),
            ({"nt": 4}, "calc_kwargs has 'nt'. The job's resources set it"),
            ({"CIS_N_ROOTS": 3}, "calc_kwargs has 'cis_n_roots'. Energies of excited states are not read"),
        ),
    ),
    Row(
        mrcc,
        "dmrcc",
        {"calc": "CCSD"},
        "MINP",
        "charge={}\nmult={}\n",
        "mrcc.out",
        "Give calc_kwargs={'scfmaxit': 200}",
        {"basis": "3-22G"},
        "Basis set 3-22G is not found.*Error at the termination of mrcc",
        fails={
            "memory": (ProgramError, "Insufficient memory"),
            "disk": (StorageError, "the disk is full.*No space left on device"),
        },
        refused=(
            ({"mult": 3}, "calc_kwargs has 'mult'. It is multiplicity here"),
            ({"gopt": "full"}, "calc_kwargs has 'gopt'. With it MRCC moves the atoms: use relax_job"),
        ),
    ),
]


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    """The directory of all programs."""
    (tmp_path / "bin").mkdir()
    for row in ROWS:
        standins.install(row.program, tmp_path / "bin", row.name)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return tmp_path / "bin"


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request):
    return request.param


def of_rows(name):
    """The entries of a dictionary or list of all rows."""
    return [pytest.param(row, one, id=f"{row.name}-{i}") for row in ROWS for i, one in enumerate(getattr(row, name))]


def bent():
    water = molecule("H2O")
    water.positions[1] += (0.02, 0.05, -0.03)
    return water


def hydroxyl():
    return Atoms("OH", [(0, 0, 0), (0, 0, 1)])


def test_forces_are_the_derivative_of_the_energy_of_one_run(row, programs):
    result = row.static(bent())
    assert (programs / f"{row.program}.runs").read_text() == "run\n"
    forces, step, energies = result["results"]["forces"], 0.005, []
    for sign in (1, -1):
        moved = bent()
        moved.positions[1, 1] += sign * step
        energies.append(row.static(moved, ["energy"])["results"]["energy"])
    assert forces[1, 1] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=1e-3)
    assert forces == pytest.approx(standins.springs(bent(), 0, 1)[1], abs=1e-5)


def test_a_relaxed_molecule_has_a_vibration(row, programs):
    relax_job = getattr(row.module, "ase_relax_job", row.module.relax_job)
    acid = relax_job(molecule("HF"), fmax=0.01, calc_kwargs=row.settings)
    assert (programs / f"{row.program}.runs").read_text() == "run\n" * (acid["steps"] + 1)
    assert np.abs(acid["results"]["forces"]).max() < 0.01
    assert acid["atoms"].get_distance(0, 1) == pytest.approx(covalent_radii[[1, 9]].sum(), abs=1e-3)
    frequencies = row.module.freq_job(acid["atoms"], calc_kwargs=row.settings)["results"]["frequencies"]
    assert len(frequencies) == 1
    assert (programs / f"{row.program}.runs").read_text() == "run\n" * (acid["steps"] + 1 + 13)


@pytest.mark.parametrize(
    ("state", "charge", "multiplicity"),
    [({}, 0, 2), ({"charge": -1}, -1, 1), ({"multiplicity": 4}, 0, 4), ({"charge": 1, "multiplicity": 3}, 1, 3)],
)
def test_the_state_is_that_of_the_words(row, state, charge, multiplicity):
    result = row.static(hydroxyl(), ["energy"], **state)
    assert row.state.format(charge, multiplicity) in row.input_of(result)
    energy, _ = standins.springs(hydroxyl(), charge, multiplicity)
    assert result["results"]["energy"] == pytest.approx(energy, abs=1e-6)


def test_the_state_is_that_of_the_atoms(row):
    oxygen = molecule("O2")  # whose moments are those of the triplet
    assert row.state.format(0, 3) in row.input_of(row.static(oxygen))
    oxygen.set_initial_charges([0.5, 0.5])
    oxygen.set_initial_magnetic_moments([-0.5, -0.5])
    assert row.state.format(1, 2) in row.input_of(row.static(oxygen))


@pytest.mark.parametrize(("row", "arguments"), of_rows("refused"))
def test_arguments_that_do_not_fit_are_refused(row, arguments):
    given, message = arguments
    with pytest.raises(JobFailure, match=message):
        row.static(molecule("H2O"), **given)


@pytest.mark.parametrize(
    ("arguments", "atoms", "message"),
    [
        ({"multiplicity": 2}, molecule("H2O"), "10 electrons, and the multiplicity is 2"),
        ({"charge": 0.5}, molecule("H2O"), "The charge is 0.5. Give a whole number"),
        ({}, bulk("Cu"), "periodic along .*recipes of .* are for molecules"),
    ],
)
def test_bad_input_is_refused(row, programs, arguments, atoms, message):
    with pytest.raises(JobFailure, match=message):
        row.static(atoms, **arguments)
    assert not list(programs.glob("*.runs"))


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        ("scf", ConvergenceError, "The SCF of {program} did not converge. {advice}"),
        ("truncated", ProgramError, "{program} ended without a result"),
        ("killed", ProgramError, "{program} was killed by SIGKILL"),
    ],
)
def test_failures(monkeypatch, row, failure, error, message):
    monkeypatch.setenv(standins.FAILURE, failure)
    said = message.format(program=re.escape(row.program), advice=re.escape(row.advice))
    with pytest.raises(error, match=said):
        run_static(molecule("H2O"), row.code.calculator(molecule("H2O"), row.settings))


@pytest.mark.parametrize(("row", "failure"), of_rows("fails"))
def test_failures_of_one_code(monkeypatch, row, failure):
    monkeypatch.setenv(standins.FAILURE, failure)
    error, message = row.fails[failure]
    with pytest.raises(error, match=f"(?s){row.program} {row.ended}.*{message}"):
        run_static(molecule("H2O"), row.code.calculator(molecule("H2O"), row.settings))


def test_what_the_code_does_not_know_is_told_with_its_words(row):
    with pytest.raises(JobFailure, match=f"(?s)ProgramError: {row.program} {row.ended}.*{row.refusal}") as caught:
        row.static(molecule("H2O"), **row.unknown)
    kept = Path(caught.value.failure.directory)
    assert (kept / row.input).exists()
    assert (kept / row.output).exists()


def test_a_program_that_is_not_there(row):
    missing = f"/nowhere/{row.program}"
    with (
        change_settings(commands={row.name: missing}),
        pytest.raises(InputError, match=f"(?s){missing} is not there.*ADATOM_COMMANDS__{row.name.upper()}.*https://"),
    ):
        row.code.calculator(molecule("H2O"), row.settings)


OF_JOB = {  # ranks, threads, memory of the job below, in the words of the codes
    "orca": ["%pal nprocs 4 end\n%maxcore 1536 "],
    "gaussian": ["%nprocshared=8\n", "%mem=6553MB\n"],
    "qchem": ["MEM_TOTAL 6553\n"],
    "mrcc": ["mpitasks=4\n", "mem=1638MB\n"],
}


def test_the_resources_are_those_of_the_job(row, programs):
    program = programs / row.program
    program.write_text(program.read_text().replace("echo run", 'echo "$OMP_NUM_THREADS" "$@"'))
    with job_context(resources=Resources(ranks_per_node=4, threads_per_rank=2, memory="8G")):
        done = run_static(molecule("H2O"), row.code.calculator(molecule("H2O"), row.settings))
    for line in OF_JOB[row.name]:
        assert line in row.input_of(done)
    arguments = {"orca": " orca.inp", "qchem": " -np 4 -nt 2 qchem.inp qchem.out"}.get(row.name, "")
    assert (programs / f"{row.program}.runs").read_text().rstrip() == f"2{arguments}"


@pytest.mark.parametrize(
    ("preset", "keywords", "blocks", "start"),
    [
        ("b3lyp", None, None, "! b3lyp def2-tzvp \n"),
        (
            "b3lyp",
            ["PBE", "def2-SVP"],
            ["%scf MaxIter 300 end", "%maxcore 2000"],
            "! PBE def2-SVP \n%scf MaxIter 300 end\n",
        ),
        ("b3lyp", {"PBE": True, "B3LYP": Remove, "def2-TZVP": False}, None, "! pbe \n"),
        (["r2scan_3c", "tight"], {"SlowConv": True}, None, "! r2scan-3c tightscf defgrid3 slowconv \n"),
        (
            "own.yaml",
            {"pbe": Remove, "hf": True},
            None,
            "! def2-SVP hf \n%scf\n  maxiter 300\n  shift Shift 0.1 end\nend ",
        ),
        (
            "own.yaml",
            None,
            {"SCF": {"MAXITER": 5, "Shift": Remove}, "maxcore": 90},
            "! PBE def2-SVP \n%scf\n  maxiter 5\nend\n%maxcore 90 \n",
        ),
    ],
)
def test_words_and_blocks_of_orca_go_over_those_of_the_preset(tmp_path, preset, keywords, blocks, start):
    own = "keywords: [PBE, def2-SVP]\nblocks: {scf: {MaxIter: 300, Shift: Shift 0.1 end}}\n"
    (tmp_path / "own.yaml").write_text(own)
    preset = str(tmp_path / preset) if preset == "own.yaml" else preset
    given = {name: value for name, value in (("keywords", keywords), ("blocks", blocks)) if value is not None}
    result = orca.static_job(molecule("H2O"), properties=["energy"], preset=preset, calc_kwargs=given)
    assert (Path(result["dir_name"]) / "orca.inp").read_text().startswith(start)


OF_THEMSELVES = [row for row in ROWS if row.module in (orca, qchem)]
RUNS = {"orca": (2, 4), "qchem": (1, 2)}  # of a relaxation, with the forces at its end, and of a path


@pytest.fixture(params=OF_THEMSELVES, ids=lambda row: row.name)
def mover(request):
    """A code with an optimizer and a path of its own."""
    return request.param.module


def file_of(module, result, stem):
    return (Path(result["dir_name"]) / f"{stem}.inp").read_text()


def test_the_optimizer_of_the_code(mover, programs):
    own, theirs = (job(bent(), fmax=0.01) for job in (mover.relax_job, mover.ase_relax_job))
    assert own["results"]["energy"] == pytest.approx(theirs["results"]["energy"], abs=1e-4)
    assert np.abs(own["results"]["forces"]).max() < 0.01
    assert own["results"]["forces"] == pytest.approx(standins.springs(own["atoms"], 0, 1)[1], abs=1e-5)
    assert own["atoms"].get_distance(1, 2) == pytest.approx(theirs["atoms"].get_distance(1, 2), abs=1e-3)
    name = mover.__name__.rpartition(".")[2]
    assert (programs / f"{name}.runs").read_text() == "run\n" * (RUNS[name][0] + theirs["steps"] + 1)
    energies = [image.get_potential_energy() for image in read(own["trajectory"], ":")]
    assert energies[0] == pytest.approx(standins.springs(bent(), 0, 1)[0], abs=1e-6)
    assert len(energies) == own["steps"] + 1
    assert energies[-1] == pytest.approx(own["results"]["energy"])
    assert {"orca": "TolMaxG 1.944690e-04", "qchem": "GEOM_OPT_TOL_GRADIENT 194\n"}[name] in file_of(mover, own, "opt")


def test_the_optimizer_of_the_code_holds_what_is_fixed(mover):
    water = bent()
    water.set_constraint(FixAtoms([0, 2]))
    relaxed = mover.relax_job(water, fmax=0.01)["atoms"]
    assert relaxed.positions[[0, 2]] == pytest.approx(water.positions[[0, 2]], abs=1e-10)
    assert np.abs(relaxed.positions[1] - water.positions[1]).max() > 0.01
    water.set_constraint(FixBondLengths([(0, 1)]))
    with pytest.raises(JobFailure, match="cannot hold what FixBondLengths holds: use ase_relax_job"):
        mover.relax_job(water)


def test_the_optimizer_of_the_code_says_that_it_did_not_converge(mover):
    with pytest.raises(JobFailure, match="after 1 steps of the code's own optimizer"):
        mover.relax_job(bent(), fmax=1e-4, max_steps=1)
    left = mover.relax_job(bent(), fmax=1e-4, max_steps=1, allow_unconverged=True)
    assert not left["converged"]
    assert left["results"]["forces"] == pytest.approx(standins.springs(left["atoms"], 0, 1)[1], abs=1e-5)
    with pytest.raises(JobFailure, match="stress"):
        mover.relax_job(bent(), relax_cell=True)


def nearly_planar():
    ammonia = molecule("NH3")
    ammonia.positions[0, 2] = ammonia.positions[1, 2] + 0.1
    return ammonia


def planar():
    """The saddle point of the potential."""
    return standins.optimize(nearly_planar(), 1e-6, 20, True)[0][-1]


def test_the_code_finds_a_saddle_point(mover):
    found = mover.native_ts_job(nearly_planar(), fmax=0.005)
    assert found["atoms"].positions[0, 2] == pytest.approx(found["atoms"].positions[1, 2], abs=1e-3)
    assert np.abs(found["results"]["forces"]).max() < 0.005
    words = {
        orca: ["! b3lyp def2-tzvp OptTS", "Calc_Hess true"],
        qchem: ["JOBTYPE freq", "@@@", "GEOM_OPT_HESSIAN read"],
    }
    assert all(word in file_of(mover, found, "opt") for word in words[mover])
    assert (np.linalg.eigvalsh(standins.hessian(found["atoms"])) < -0.01).sum() == 1  # eV/Å²
    with pytest.raises(JobFailure, match="after 1 steps of the code's own optimizer"):
        mover.native_ts_job(nearly_planar(), fmax=1e-4, max_steps=1)


def test_the_path_of_the_code_goes_down_to_both_sides(mover, programs):
    saddle = planar()
    path = mover.native_irc_job(saddle)
    points, images = path["points"], read(path["trajectory"], ":")
    name = mover.__name__.rpartition(".")[2]
    assert (programs / f"{name}.runs").read_text() == "run\n" * 2  # the forces at the saddle point, and the path
    top = int(points["energies"].argmax())
    assert path["atoms"].positions == pytest.approx(saddle.positions)
    assert images[top].positions == pytest.approx(saddle.positions)
    assert path["results"]["energy"] == points["energies"][top]
    assert 2 < top < path["steps"] - 2
    assert path["steps"] == len(images) - 1 == len(points["energies"]) - 1
    assert (np.diff(points["energies"][: top + 1]) > 0).all()
    assert (np.diff(points["energies"][top:]) < 0).all()
    assert [image.get_potential_energy() for image in images] == pytest.approx(points["energies"])
    expected = [standins.springs(image, 0, 1) for image in images]
    assert points["energies"] == pytest.approx([energy for energy, _ in expected], abs=1e-6)
    slopes = path_points(images, points["energies"], [forces for _, forces in expected])["slopes"]
    assert points["slopes"] == pytest.approx(slopes, abs=1e-4 if mover is qchem else 0.8)  # of energies, or of forces
    reverse, forward = path["ends"]
    heights = [end.positions[0, 2] - end.positions[1:, 2].mean() for end in (reverse, forward)]
    assert heights[0] == pytest.approx(-heights[1], abs=1e-3)
    assert heights[1] > 0.5  # on the forward side the first coordinate that changes is larger
    for end in path["ends"]:
        assert np.abs(standins.springs(end, 0, 1)[1]).max() < (0.06 if mover is orca else 0.15)
        assert np.linalg.eigvalsh(standins.hessian(end)).min() > -0.1
    text = file_of(mover, path, "irc")
    if mover is orca:
        assert "! b3lyp def2-tzvp IRC \n%irc\n  MaxIter 200\n  Direction both\n  TolMaxG 9.7" in text
    else:
        parts = [dict(re.findall(r"^(\w+) (\S+)$", part, re.MULTILINE)) for part in text.split("@@@")]
        assert [part["JOBTYPE"] for part in parts] == ["freq", "rpath", "freq", "rpath"]
        assert [parts[i]["RPATH_DIRECTION"] for i in (1, 3)] == ["1", "-1"]


def test_a_path_that_does_not_end(mover):
    with pytest.raises(JobFailure, match="has not come to its end on both sides after 2 and 2 steps. Raise max_steps"):
        mover.native_irc_job(planar(), max_steps=2)
    left = mover.native_irc_job(planar(), max_steps=2, allow_unconverged=True)
    assert (left["converged"], left["steps"]) == (False, 4)
    assert (Path(left["dir_name"]) / "UNCONVERGED").exists()


def held():
    ammonia = planar()
    ammonia.set_constraint(FixAtoms([0]))
    return ammonia


@pytest.mark.parametrize(
    ("atoms", "arguments", "message"),
    [
        (nearly_planar(), {}, "starts at a saddle point, and here a force is .* above fmax=0.05"),
        (held(), {}, "the structure has constraints. Take irc_job"),
        (planar(), {"max_steps": 0}, "max_steps is 0"),
        (planar(), {"fmax": -1}, "fmax is -1"),
        (
            planar(),
            {"calc_kwargs": {"dispersion": {"model": "d3", "method": "PBE", "damping": "d3bj"}}},
            "with dispersion no code does. Take irc_job|not installed",
        ),
    ],
)
def test_a_path_that_cannot_start(mover, atoms, arguments, message):
    with pytest.raises(JobFailure, match=message):
        mover.native_irc_job(atoms, **arguments)


def test_a_minimum_has_no_path(mover):
    relaxed = mover.relax_job(bent(), fmax=0.001)["atoms"]
    with pytest.raises(JobFailure, match="irc of H2O does not go down. Is this a saddle point"):
        mover.native_irc_job(relaxed)


def test_what_the_job_sets_is_refused_in_the_block_of_orca():
    with pytest.raises(JobFailure, match="blocks has MaxIter of %irc, which the job sets. Give max_steps and fmax"):
        orca.native_irc_job(planar(), calc_kwargs={"blocks": {"irc": {"maxiter": 3}}})
    found = orca.native_irc_job(planar(), calc_kwargs={"blocks": {"irc": {"InitHess": "calc_numfreq"}}})
    assert "%irc\n  inithess calc_numfreq\nend" in file_of(orca, found, "irc")


def test_a_trajectory_of_orca_that_does_not_fit_its_table(monkeypatch):
    monkeypatch.setenv(standins.FAILURE, "trajectory")
    with pytest.raises(JobFailure, match="table of 13 structures, 1 of them a saddle point, and .* has 12"):
        orca.native_irc_job(planar())


def test_the_newer_optimizer_of_qchem(monkeypatch):
    monkeypatch.setenv(standins.FAILURE, "new optimizer")
    assert qchem.native_ts_job(nearly_planar(), fmax=0.005)["converged"]


def test_a_part_of_an_input_of_qchem_that_fails_after_one_that_did_not(monkeypatch):
    monkeypatch.setenv(standins.FAILURE, "second part")
    for job in (qchem.native_ts_job, qchem.native_irc_job):
        with pytest.raises(JobFailure, match="(?s)ended without a result.*Cannot open a scratch file"):
            job(planar())


def test_words_of_qchem_that_jobs_set():
    for name, said in (("GEOM_OPT_MAX_CYCLES", "give max_steps"), ("geom_opt_tol_gradient", "give fmax")):
        with pytest.raises(JobFailure, match=f"calc_kwargs has '{name.lower()}'. The job sets it: {said}"):
            qchem.relax_job(bent(), calc_kwargs={name: 5})
    held_water = bent()
    held_water.set_constraint(FixAtoms([0]))
    with pytest.raises(JobFailure, match="Atoms are fixed, and sections has opt. Give one"):
        qchem.relax_job(held_water, calc_kwargs={"sections": {"opt": "FIXED\n1 XYZ\nENDFIXED"}})
    heavy = planar()
    heavy.set_masses([None, 2.014, None, None])
    with pytest.raises(JobFailure, match="masses of its own, which Q-Chem's path does not follow. Take irc_job"):
        qchem.native_irc_job(heavy)


def test_a_relaxation_with_mp2_of_qchem():
    """Whose energy and gradient have other headers in each step."""
    relaxed = qchem.relax_job(bent(), fmax=0.01, calc_kwargs={"method": "mp2"})
    assert relaxed["results"]["energy"] == pytest.approx(standins.springs(relaxed["atoms"], 0, 1)[0], abs=1e-6)
    assert relaxed["results"]["forces"] == pytest.approx(standins.springs(relaxed["atoms"], 0, 1)[1], abs=1e-5)


PBE = {"xc": "pbe", "basis": "3-21G"}


def test_isotopes_are_in_the_input_of_gaussian():
    heavy = molecule("H2O")
    heavy.set_masses([None, 2.014, None])
    result = gaussian.static_job(heavy, calc_kwargs=PBE)
    lines = (Path(result["dir_name"]) / "Gaussian.com").read_text().splitlines()
    assert [line.split()[0] for line in lines if line[:1] in "OH" and line.count(".") >= 3] == [
        "O",
        "H(iso=2.014)",
        "H",
    ]
    assert {"#P pbepbe/3-21G ! ASE formatted method and basis", "nosymm", "force"} <= set(lines)


def test_orbitals_of_gaussian_go_to_the_next_job():
    with pytest.raises(JobFailure, match="FileIO operation on non-existent file"):
        gaussian.static_job(molecule("H2O"), calc_kwargs={**PBE, "guess": "read"})
    first = gaussian.static_job(molecule("H2O"), calc_kwargs=PBE)
    files = (first["dir_name"], ["Gaussian.chk"])
    gaussian.static_job(molecule("H2O"), calc_kwargs={**PBE, "guess": "read"}, copy_files=files)


def test_the_dipole_of_gaussian_has_the_axes_of_the_structure():
    assert "dipole" in gaussian.static_job(molecule("H2O"), calc_kwargs=PBE)["results"]
    turned = gaussian.static_job(molecule("H2O"), calc_kwargs={**PBE, "nosymm": None})
    assert "dipole" not in turned["results"]


def test_gaussian_has_no_method_of_its_own():
    with pytest.raises(JobFailure, match="There is no method. Give calc_kwargs={'method'"):
        gaussian.static_job(molecule("H2O"))


def test_jobs_on_several_nodes_are_not_for_gaussian():
    with (
        job_context(resources=Resources(nodes=2)),
        pytest.raises(InputError, match="The job asks for 2 nodes, and Gaussian runs on one"),
    ):
        run_static(molecule("H2O"), gaussian.gaussian.calculator(molecule("H2O"), PBE))


def test_the_energy_of_qchem_is_that_of_the_method(monkeypatch):
    ethanol = molecule("CH3CH2OH")  # of more atoms than a block of the gradient has columns
    energy, forces = standins.springs(ethanol, 0, 1)
    for method in ("hf", "mp2"):  # after that of the SCF, and with another header of the gradient
        results = qchem.static_job(ethanol, calc_kwargs={"method": method})["results"]
        assert results["energy"] == pytest.approx(energy, abs=1e-6)
        assert results["forces"] == pytest.approx(forces, abs=1e-5)
    monkeypatch.setenv(standins.FAILURE, "version 6.1")  # which no longer says "in the final basis set"
    assert qchem.static_job(ethanol)["results"]["energy"] == pytest.approx(energy, abs=1e-6)
    monkeypatch.setenv(standins.FAILURE, "other method")
    with pytest.raises(JobFailure, match="qchem.out has no energy of mp2; it has those of CCSD"):
        qchem.static_job(ethanol, calc_kwargs={"method": "mp2"})


def test_forces_in_a_solvent_are_the_total_of_qchem():
    given = {"solvent_method": "pcm", "sections": {"solvent": "dielectric 78.4"}}
    for result in (qchem.static_job(bent(), calc_kwargs=given), qchem.relax_job(bent(), calc_kwargs=given)):
        expected = standins.springs(result["atoms"], 0, 1)[1]
        assert result["results"]["forces"] == pytest.approx(expected, abs=1e-4)


def test_sections_and_variables_reach_the_input_of_qchem():
    given = {"max_scf_cycles": 200, "solvent_method": "pcm", "sections": {"solvent": "dielectric 78.4"}}
    result = qchem.static_job(molecule("H2O"), properties=["energy"], calc_kwargs=given)
    text = (Path(result["dir_name"]) / "qchem.inp").read_text()
    assert (
        "JOBTYPE sp\nMETHOD B3LYP\nBASIS def2-TZVP\nMAX_SCF_CYCLES 200\nSOLVENT_METHOD pcm\nSYM_IGNORE True\n" in text
    )
    assert "$solvent\ndielectric 78.4\n$end\n" in text


@pytest.mark.deep(reason="another parser takes seconds to import")
def test_another_parser_reads_what_stands_in_for_qchem():
    outputs = pytest.importorskip("pymatgen.io.qchem.outputs")
    result = qchem.static_job(bent())
    data = outputs.QCOutput(str(Path(result["dir_name"]) / "qchem.out")).data
    assert data["final_energy"] * Hartree == pytest.approx(result["results"]["energy"], abs=1e-6)
    assert np.array(data["gradients"][0]) * -Hartree / Bohr == pytest.approx(result["results"]["forces"], abs=1e-5)
    assert data["completion"]
    assert not data["errors"]


def test_mrcc_computes_energies_where_it_has_no_gradient():
    result = mrcc.static_job(molecule("H2O"))
    assert "forces" not in result["results"]
    text = (Path(result["dir_name"]) / "MINP").read_text()
    assert text.startswith("calc=CCSD(T)\nbasis=def2-TZVP\nsymm=off\nqmmm=amber\n")
    assert "dens" not in text
    with pytest.raises(JobFailure, match=r"MRCC wrote no gradient.*static_job properties=\['energy'\]"):
        mrcc.relax_job(molecule("H2O"))
