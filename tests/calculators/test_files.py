from pathlib import Path

import pytest
from ase.calculators.emt import EMT
from ase.calculators.vasp import Vasp

import adatom
from adatom.calculators.files import own_directory, writes_files
from tests.configs.operations import Program


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path):
        yield tmp_path


def test_which_calculators_run_a_program():
    assert writes_files(Program())
    assert writes_files(Vasp(command="vasp"))  # of neither of ASE's two kinds
    assert not writes_files(EMT())


def test_a_program_has_a_directory_of_its_own_and_others_keep_theirs(results):
    program, other = Program(), EMT()
    with own_directory(program, "scf") as directory:
        assert Path(program.directory) == directory.path
        assert directory.path.is_dir()
    [made] = results.iterdir()
    assert made.name.startswith("scf-")
    with own_directory(other, "scf"):
        assert other.directory == "."
    assert list(results.iterdir()) == [made]
