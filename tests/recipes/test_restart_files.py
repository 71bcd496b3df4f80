"""Files of an earlier run, from which a program starts."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk, molecule

from adatom.recipes import abinit, cp2k, elk, nwchem
from tests.codes import provide_code


@dataclass(frozen=True)
class Case:
    """A file that a code leaves, and the arguments with which the code starts from it."""

    module: Any
    atoms: Atoms
    settings: Mapping[str, Any]
    file: str
    reads: Mapping[str, Any]
    output: str
    cycle: str  # what the program prints in each cycle of an SCF

    @property
    def name(self) -> str:
        return self.module.__name__.rpartition(".")[2]

    def cycles(self, result) -> int:
        return len(re.findall(self.cycle, Path(result["dir_name"], self.output).read_text()))


CASES = [
    Case(
        abinit,
        bulk("Si"),
        {"pps": "hgh", "ecut": 250, "kpts": [2, 2, 2]},
        "abinito_WFK",
        {"getwfk_filepath": '"abinito_WFK"'},
        "abinit.log",
        r"(?m)^ ETOT +\d+",
    ),
    Case(
        cp2k,
        molecule("H2", vacuum=2.5),
        {"basis_set": "SZV-MOLOPT-SR-GTH", "cutoff": 2700},
        "cp2k-RESTART.wfn",
        {"inp": "&FORCE_EVAL\n&DFT\n&SCF\nSCF_GUESS RESTART\n&END\n&END\n&END"},
        "cp2k.out",
        r"(?m)^ +\d+ (?:P_Mix|DIIS|OT)",
    ),
    Case(elk, bulk("Si"), {"kpts": [2, 2, 2]}, "STATE.OUT", {"tasks": 1}, "INFO.OUT", "Loop number"),
    Case(
        nwchem,
        molecule("H2O"),
        {"xc": "pbe", "basis": "3-21G"},
        "nwchem/nwchem.movecs",
        {"dft": {"vectors": "input nwchem.movecs"}},
        "nwchem.nwo",
        r"(?m)^ d= ",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_program_starts_from_a_file_of_an_earlier_run(case):
    provide_code(case.name)
    first = case.module.static_job(case.atoms, calc_kwargs=case.settings)
    again = case.module.static_job(
        case.atoms, calc_kwargs={**case.settings, **case.reads}, copy_files=(first, case.file)
    )
    assert case.cycles(first) > 4
    assert case.cycles(again) <= 3
    assert again["results"]["energy"] == pytest.approx(first["results"]["energy"], abs=1e-4)
