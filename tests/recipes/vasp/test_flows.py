"""Flows of VASP: what each job is given, and what it goes on from."""

from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.vasp import Incar, sets

from adatom import JobFailure
from adatom.recipes.vasp import (
    double_relax_flow,
    matpes_static_flow,
    mp_gga_relax_flow,
    mp_metagga_relax_flow,
    static_job,
)
from tests.standins.vasp_bands import GAP

pytestmark = pytest.mark.filterwarnings("ignore::pymatgen.io.vasp.sets.BadInputSetWarning")
READS = "found WAVECAR, reading the header"
OF_THE_JOB = {"EDIFFG", "IBRION", "ISIF", "LWAVE", "NSW"}  # how far to relax, and what to keep


def incar(result):
    return Incar.from_file(Path(result["dir_name"]) / "INCAR")


def reads(result):
    return READS in (Path(result["dir_name"]) / "vasp.out").read_text()


def assert_of_set(result, kind, atoms, **options):
    structure = AseAtomsAdaptor.get_structure(atoms)
    made = getattr(sets, kind)(structure, sort_structure=False, **options)
    expected, own = dict(made.incar), incar(result)
    assert own.keys() - OF_THE_JOB == expected.keys() - OF_THE_JOB
    for tag in expected.keys() - OF_THE_JOB:
        assert str(own[tag]).lower() == str(expected[tag]).lower() or own[tag] == pytest.approx(
            expected[tag], abs=1e-6
        ), tag
    if made.kpoints:
        given = (Path(result["dir_name"]) / "KPOINTS").read_text().split("\n")[3].split()
        assert [int(number) for number in given] == list(made.kpoints.kpts[0])


def strained():
    atoms = bulk("Cu", a=3.75, cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def test_relax_twice(runs):
    result = double_relax_flow(strained(), job_params={"all": {"calc_kwargs": {"kspacing": 0.5}}})
    first, second = result["first_relax"], result["second_relax"]
    assert second["input_atoms"] == first["atoms"]
    assert not reads(first)
    assert reads(second)
    assert (incar(first)["LWAVE"], incar(second)["LWAVE"]) == (True, False)
    assert incar(first)["KSPACING"] == incar(second)["KSPACING"] == 0.5
    assert runs() == 2
    known = strained()
    known.calc = EMT()
    BFGS(FrechetCellFilter(known), logfile=None).run(0.01)
    assert second["atoms"].cell.volume == pytest.approx(known.cell.volume, rel=2e-3)
    assert second["results"]["energy"] <= first["results"]["energy"] + 1e-9


def test_the_jobs_of_the_two_relaxations_differ():
    settings = {"first_relax_job": {"fmax": 0.1, "relax_cell": False}, "second_relax_job": {"fmax": 0.02}}
    rough = {"all": {"calc_kwargs": {"kspacing": 0.5}}, **settings}
    result = double_relax_flow(strained(), job_params=rough)
    assert [incar(result[name])["EDIFFG"] for name in ("first_relax", "second_relax")] == [-0.1, -0.02]
    assert [incar(result[name])["ISIF"] for name in ("first_relax", "second_relax")] == [2, 3]


def test_the_gga_workflow_of_the_materials_project():
    result = mp_gga_relax_flow(strained())
    first, second, static = (result[name] for name in ("first_relax", "second_relax", "static"))
    assert_of_set(first, "MPRelaxSet", strained())
    assert_of_set(second, "MPRelaxSet", first["atoms"])
    assert_of_set(static, "MPStaticSet", second["atoms"])
    assert [reads(run) for run in (first, second, static)] == [False, True, True]
    assert [incar(run)["LWAVE"] for run in (first, second, static)] == [True, True, False]
    assert static["atoms"].positions == pytest.approx(second["atoms"].positions)
    assert abs(second["atoms"].cell.volume - strained().cell.volume) > 1


@pytest.mark.parametrize("gap", [0, 2])
def test_the_r2scan_workflow_of_the_materials_project(gap, monkeypatch):
    monkeypatch.setenv(GAP, str(gap))
    crystal = bulk("Al", a=4.1, cubic=True)
    result = mp_metagga_relax_flow(crystal)
    first, second, static = (result[name] for name in ("pre_relax", "relax", "static"))
    assert result["bandgap"] == pytest.approx(gap and gap - 0.2 * 4 * 0.6, abs=1e-4)  # the set's moments part the spins
    start = {"user_incar_settings": {"METAGGA": None, "GGA": "PS", "EDIFFG": -0.05}}
    assert_of_set(first, "MPScanRelaxSet", crystal, **start)
    assert_of_set(second, "MPScanRelaxSet", first["atoms"], bandgap=result["bandgap"])
    assert_of_set(static, "MPScanStaticSet", second["atoms"], bandgap=result["bandgap"])
    assert [incar(run)["EDIFFG"] for run in (first, second)] == [-0.05, -0.02]
    assert (incar(second)["ISMEAR"], incar(second)["KSPACING"] > 0.3) == ((-5, True) if gap else (2, False))
    assert incar(static)["KSPACING"] == incar(second)["KSPACING"]
    assert [reads(run) for run in (first, second, static)] == [False, True, True]


def test_a_job_of_another_set():
    presets = {"pre_relax_job": "mp24_pbesol_relax", "relax_job": "mp24_relax", "static_job": "mp24_static"}
    result = mp_metagga_relax_flow(bulk("Al"), job_params={job: {"preset": name} for job, name in presets.items()})
    assert_of_set(result["relax"], "MP24RelaxSet", result["pre_relax"]["atoms"], bandgap=0.0)
    assert incar(result["relax"])["LREAL"] is False


def test_matpes():
    atoms = bulk("Cu", a=3.75)
    result = matpes_static_flow(atoms, run_pbe_u=True)
    assert list(result) == ["pbe", "r2scan", "pbe_u"]
    for name, functional in (("pbe", "PBE"), ("r2scan", "R2SCAN"), ("pbe_u", "PBE+U")):
        assert_of_set(result[name], "MatPESStaticSet", atoms, xc_functional=functional)
        assert np.array_equal(result[name]["atoms"].positions, atoms.positions)
    assert [reads(run) for run in result.values()] == [False, True, True]
    assert list(matpes_static_flow(bulk("Al"))) == ["pbe", "r2scan"]


def test_wave_functions_are_of_one_program(programs, runs):
    """vasp_std does not read those of vasp_gam, which a run at the Γ point alone would be by."""
    result = double_relax_flow(strained(), job_params={"all": {"preset": "molecule", "fmax": 0.1}})
    assert reads(result["second_relax"])
    assert runs() == 2
    assert not (programs / "vasp_gam.runs").exists()


def test_files_of_a_result_go_to_the_next_job(runs):
    settings = {"kspacing": 0.6}
    first = static_job(bulk("Cu"), calc_kwargs={**settings, "lwave": True, "lcharg": True})
    assert reads(static_job(first["atoms"], copy_files=(first, ["WAVECAR"]), calc_kwargs=settings))
    third = static_job(first["atoms"], copy_files=(first, ["CHGCAR"]), calc_kwargs={**settings, "icharg": 1})
    assert incar(third)["ICHARG"] == 1
    assert not reads(third)
    density, given = (Path(result["dir_name"]) / "CHGCAR" for result in (third, first))
    assert density.read_bytes() == given.read_bytes()
    with pytest.raises(JobFailure, match="WAVECAR"):
        static_job(first["atoms"], copy_files=(third, ["WAVECAR"]), calc_kwargs=settings)
    assert runs() == 3
