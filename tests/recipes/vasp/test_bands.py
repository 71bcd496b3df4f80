"""Bands in the density of an earlier run: free electrons, whose energies are known."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.io import read
from pymatgen.core import Lattice, Structure
from pymatgen.electronic_structure.core import Spin
from pymatgen.io.vasp import Incar, Vasprun
from pymatgen.io.vasp.sets import MPNonSCFSet

from adatom import JobFailure, change_settings
from adatom.recipes.vasp import non_scf_job, static_job

HALF = units.Hartree * units.Bohr**2 / 2  # ħ²/2m in eV Å²
KEPT = {"lcharg": True, "kspacing": 0.5}


def incar(result):
    return Incar.from_file(Path(result["dir_name"]) / "INCAR")


def free_electrons(atoms, kpoints, bands):
    steps = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), -1).reshape(-1, 3)
    waves = 2 * np.pi * (np.asarray(kpoints)[:, None] + steps) @ atoms.cell.reciprocal().array
    return HALF * np.sort((waves**2).sum(-1), axis=1)[:, :bands]


@pytest.fixture(scope="module")
def static(programs, tmp_path_factory):
    with change_settings(results_dir=tmp_path_factory.mktemp("static")):
        return static_job(bulk("Al"), calc_kwargs=KEPT)


def with_settings(result, **settings):
    parameters = {"calculator": {**result["parameters"]["calculator"], **settings}}
    return {**result, "parameters": parameters}


def test_on_a_grid(static, runs):
    result = non_scf_job(static)
    found = result["results"]
    assert found.keys() == {"kpoints", "weights", "eigenvalues", "fermi_energy"}
    spins, points, bands = found["eigenvalues"].shape
    assert (spins, bands) == (1, 5)  # 1.2 times 4
    assert found["kpoints"].shape == (points, 3)
    assert found["weights"].sum() == pytest.approx(1)
    expected = free_electrons(static["atoms"], found["kpoints"], bands)
    assert found["eigenvalues"][0] == pytest.approx(expected, abs=1e-4)
    occupied = 2 * found["weights"] @ (expected < found["fermi_energy"]).sum(1)
    assert occupied == pytest.approx(3, abs=0.2)
    own = incar(result)
    assert (own["ICHARG"], own["NSW"], own["NBANDS"], own["KSPACING"]) == (11, 0, 5, 0.25)
    assert (own["ENCUT"], own["LASPH"]) == (520, True)  # of the earlier run
    assert runs() == 1
    assert result["atoms"] == static["atoms"]


def test_twice_as_many_k_points_of_numbers(static):
    first = with_settings(static, kspacing=None, kpts=[3, 3, 3])
    lines = (Path(non_scf_job(first)["dir_name"]) / "KPOINTS").read_text().splitlines()
    assert (lines[2], lines[3].split()) == ("Gamma", ["6", "6", "6"])
    given = non_scf_job(first, calc_kwargs={"kpts": [5, 5, 5], "nbands": 9})
    assert incar(given)["NBANDS"] == 9
    assert "5 5 5" in (Path(given["dir_name"]) / "KPOINTS").read_text()


@pytest.mark.parametrize("turned", [False, True])
def test_along_a_path(turned):
    crystal, side = bulk("Al"), 4.05
    if turned:
        crystal.set_cell(crystal.cell[[1, 0, 2]])
        assert crystal.cell.handedness == -1
    first = static_job(crystal, calc_kwargs=KEPT)
    found = non_scf_job(first, mode="line", path="XGL", npoints=21)["results"]
    (x, letter), (gamma, _), (end, last) = found["labels"]
    assert (found["path"], letter, last) == ("XGL", "X", "L")
    assert (gamma - x, end - gamma) == pytest.approx((2 * np.pi / side, 3**0.5 * np.pi / side), rel=1e-4)
    energies = found["eigenvalues"][0]
    assert energies[0, 0] == pytest.approx(HALF * (2 * np.pi / side) ** 2, abs=1e-3)
    assert energies[-1, 0] == pytest.approx(HALF * 3 * (np.pi / side) ** 2, abs=1e-3)
    assert energies[np.argmin(abs(found["distances"] - gamma)), 0] == pytest.approx(0, abs=1e-3)
    assert energies == pytest.approx(free_electrons(crystal, found["kpoints"], energies.shape[1]), abs=1e-3)
    on_a_grid = Vasprun(Path(first["dir_name"]) / "vasprun.xml", parse_potcar_file=False)
    assert found["fermi_energy"] == pytest.approx(on_a_grid.efermi, abs=1e-3)


def test_spins_and_their_symmetry_stay():
    nickel = bulk("Ni", cubic=True)
    nickel.set_initial_magnetic_moments([0.6, 0.6, -0.6, 0.2])
    result = non_scf_job(static_job(nickel, calc_kwargs=KEPT))
    up, down = result["results"]["eigenvalues"]
    assert down - up == pytest.approx(np.full_like(up, 0.2 * 0.8), abs=1e-6)
    assert incar(result)["MAGMOM"] == [0.6, 0.6, -0.6, 0.2]
    of_set = static_job(bulk("Ni"), preset="mp_gga_static", calc_kwargs={"kpts": [2, 2, 2]})
    assert incar(non_scf_job(of_set))["MAGMOM"] == incar(of_set)["MAGMOM"] == [0.6]


def test_optics(static):
    result = non_scf_job(static, optics=True)
    function = result["results"]["dielectric_function"]
    energies, real, imaginary = function["energies"], function["real"], function["imaginary"]
    plasma = 4 * np.pi * 3 / static["atoms"].get_volume() * units.Bohr**3 * units.Hartree**2
    assert real[0] == pytest.approx(np.eye(3) * (1 + plasma / 25), rel=1e-6)
    assert np.trapezoid(energies * imaginary[:, 0, 0], energies) == pytest.approx(np.pi / 2 * plasma, rel=0.02)
    assert energies[imaginary[:, 1, 1].argmax()] == pytest.approx(5, abs=0.05)
    known = Vasprun(Path(result["dir_name"]) / "vasprun.xml", parse_potcar_file=False).dielectric
    assert (energies, real[:, 2, 2], imaginary[:, 0, 1]) == (
        pytest.approx(known[0]),
        pytest.approx(np.array(known[1])[:, 2]),
        pytest.approx(np.array(known[2])[:, 3]),
    )
    assert incar(result)["NBANDS"] == 8


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("mode", "optics"), [("uniform", False), ("uniform", True), ("line", False)])
def test_the_tags_are_those_of_pymatgens_set(static, mode, optics):
    own = incar(non_scf_job(static, mode=mode, optics=optics, npoints=10))
    structure = Structure(Lattice(static["atoms"].cell.array), ["Al"], [[0, 0, 0]])
    theirs = MPNonSCFSet(structure, mode=mode, optics=optics).incar_updates
    # Theirs reduces no k points on a line, has another broadening, and forgets the moments.
    ours = {"ISYM", "SIGMA", "CSHIFT", "MAGMOM", "NBANDS"}
    assert {tag: own.get(tag) for tag in theirs if tag not in ours} == {
        tag: value for tag, value in theirs.items() if tag not in ours
    }


def test_the_reader_agrees_with_those_of_ase_and_pymatgen():
    nickel = bulk("Ni")
    nickel.set_initial_magnetic_moments([0.6])
    result = non_scf_job(static_job(nickel, calc_kwargs=KEPT))
    found, file = result["results"], Path(result["dir_name"]) / "vasprun.xml"
    by_pymatgen, by_ase = Vasprun(file, parse_potcar_file=False), read(file).calc
    assert found["eigenvalues"][1] == pytest.approx(by_pymatgen.eigenvalues[Spin.down][:, :, 0])
    assert found["kpoints"] == pytest.approx(np.array(by_pymatgen.actual_kpoints))
    assert found["weights"] == pytest.approx(by_ase.get_k_point_weights())
    assert found["eigenvalues"][0, 3] == pytest.approx(by_ase.get_eigenvalues(kpt=3, spin=0))
    assert found["fermi_energy"] == pytest.approx(by_ase.get_fermi_level()) == by_pymatgen.efermi


@pytest.mark.parametrize(
    ("of_static", "of_bands", "message"),
    [
        ({"lhfcalc": True}, {}, "no bands of a hybrid functional from the density"),
        ({"metagga": "R2SCAN"}, {}, r"no TAUCAR in .*VASP 6\.6 or later"),
        ({}, {"mode": "lines"}, "mode is 'lines'. Give 'uniform' or 'line'"),
        ({}, {"mode": "line", "optics": True}, "optics needs a grid"),
        ({}, {"calc_kwargs": {"nbandss": 4}}, "Unknown argument of VASP 'nbandss'. Did you mean 'nbands'"),
        ({"kspacing": None, "kpts": [[0, 0, 0], [0.5, 0, 0]]}, {}, "are no grid. Give calc_kwargs"),
    ],
)
def test_what_cannot_be_is_refused_before_vasp_runs(of_static, of_bands, message, static, runs):
    with pytest.raises(JobFailure, match=message):
        non_scf_job(with_settings(static, **of_static), **of_bands)
    assert runs() == 0


def test_a_density_that_was_not_kept_is_missed(static, runs, tmp_path):
    shutil.copytree(static["dir_name"], tmp_path / "copy")
    (tmp_path / "copy" / "CHGCAR").unlink()
    with pytest.raises(JobFailure, match="no CHGCAR in .* Run it with calc_kwargs={'lcharg': True}"):
        non_scf_job({**static, "dir_name": str(tmp_path / "copy")})
    assert runs() == 0


def test_a_result_of_another_code_is_refused():
    from adatom.recipes.emt import static_job as emt_job

    with pytest.raises(JobFailure, match="Give the result of a job with VASP"):
        non_scf_job(emt_job(bulk("Al")))


def test_compressed_files_of_the_earlier_run_will_do(static, tmp_path):
    directory = tmp_path / "copy"
    shutil.copytree(static["dir_name"], directory)
    for name in ("CHGCAR", "OUTCAR"):
        with gzip.open(directory / f"{name}.gz", "wb") as packed:
            packed.write((directory / name).read_bytes())
        (directory / name).unlink()
    result = non_scf_job({**static, "dir_name": str(directory)}, mode="line", npoints=5)
    assert result["results"]["eigenvalues"].shape[1] >= 5
