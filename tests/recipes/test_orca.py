"""ORCA, with the program that stands in for it: input, output, failures."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from adatom import JobFailure, change_settings
from adatom.calculations import run_static
from adatom.errors import ConvergenceError, InputError, ProgramError
from adatom.execution.context import job_context
from adatom.machines.resources import Resources
from adatom.recipes.orca import freq_job, orca, relax_job, static_job
from tests import standins


@pytest.fixture(autouse=True)
def program(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    program = standins.install("orca", tmp_path / "bin")
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return program


def bent():
    water = molecule("H2O")
    water.positions[1] += (0.02, 0.05, -0.03)
    return water


def input_of(result):
    return (Path(result["dir_name"]) / "orca.inp").read_text()


def test_a_molecule(program):
    result = static_job(bent())
    assert program.with_name("orca.runs").read_text() == "run\n"
    assert "! B3LYP def2-TZVP EnGrad" in input_of(result)
    assert "*xyz 0 1" in input_of(result)
    forces, step = result["results"]["forces"], 0.005
    energies = []
    for sign in (1, -1):
        moved = bent()
        moved.positions[1, 1] += sign * step
        energies.append(static_job(moved)["results"]["energy"])
    assert forces[1, 1] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=1e-3)


def test_relaxed_water_has_vibrations():
    water = relax_job(molecule("H2O"), fmax=0.01)
    assert np.abs(water["results"]["forces"]).max() < 0.01
    assert len(freq_job(water["atoms"])["results"]["frequencies"]) == 3


def test_words_and_blocks_reach_the_input():
    given = {"keywords": ["PBE", "def2-SVP", "SlowConv"], "blocks": ["%scf MaxIter 300 end", "%maxcore 2000"]}
    text = input_of(static_job(molecule("H2O"), properties=["energy"], calc_kwargs=given))
    assert text.startswith("! PBE def2-SVP SlowConv \n%scf MaxIter 300 end\n%maxcore 2000 \n")


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ({}, "*xyz 0 2"),
        ({"charge": -1}, "*xyz -1 1"),
        ({"multiplicity": 4}, "*xyz 0 4"),
    ],
)
def test_the_state_is_that_of_the_words(state, line):
    assert line in input_of(static_job(Atoms("OH", [(0, 0, 0), (0, 0, 1)]), calc_kwargs=state))


def test_the_state_is_that_of_the_atoms():
    oxygen = molecule("O2")  # whose moments are those of the triplet
    oxygen.set_initial_charges([0.5, 0.5])
    oxygen.set_initial_magnetic_moments([0.5, 0.5])
    assert "*xyz 1 2" in input_of(static_job(oxygen))
    neutral = static_job(molecule("O2"))
    assert "*xyz 0 3" in input_of(neutral)


def test_the_ranks_are_those_of_the_job():
    with job_context(resources=Resources(ranks_per_node=4)):
        done = run_static(molecule("H2O"), orca.calculator(molecule("H2O")))
    assert "%pal nprocs 4 end" in input_of(done)


@pytest.mark.parametrize(
    ("arguments", "atoms", "message"),
    [
        ({"keyword": ["PBE"]}, molecule("H2O"), "Unknown argument of ORCA 'keyword'. Did you mean 'keywords'"),
        ({"keywords": "PBE"}, molecule("H2O"), "keywords is 'PBE'. Give a list"),
        ({"keywords": ["PBE", "TightOpt"]}, molecule("H2O"), "keywords has 'TightOpt', with which ORCA moves"),
        ({"multiplicity": 2}, molecule("H2O"), "10 electrons, and the multiplicity is 2"),
        ({}, bulk("Cu"), "periodic along .*recipes of ORCA are for molecules"),
    ],
)
def test_bad_input_is_refused(arguments, atoms, message):
    with pytest.raises(JobFailure, match=message):
        static_job(atoms, calc_kwargs=arguments)


@pytest.mark.parametrize(
    ("failure", "error", "message"),
    [
        ("scf", ConvergenceError, "The SCF of orca did not converge. Add SlowConv to `keywords`"),
        ("truncated", ProgramError, "(?s)orca ended without a result.*SCF CONVERGED AFTER  12 CYCLES"),
        ("killed", ProgramError, "orca was killed by SIGKILL"),
    ],
)
def test_failures(monkeypatch, failure, error, message):
    monkeypatch.setenv(standins.FAILURE, failure)
    with pytest.raises(error, match=message):
        run_static(molecule("H2O"), orca.calculator(molecule("H2O")))


def test_a_word_that_orca_does_not_know():
    with pytest.raises(JobFailure, match="(?s)orca ended with exit status 1.*UNRECOGNIZED.*B3LIP") as caught:
        static_job(molecule("H2O"), calc_kwargs={"keywords": ["B3LIP"]})
    assert (Path(caught.value.failure.directory) / "orca.out").exists()


def test_a_program_that_is_not_there():
    with (
        change_settings(commands={"orca": "/nowhere/orca"}),
        pytest.raises(InputError, match="(?s)/nowhere/orca is not there.*ADATOM_COMMANDS__ORCA.*orcaforum"),
    ):
        orca.calculator(molecule("H2O"))
