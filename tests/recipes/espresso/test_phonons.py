"""Born charges by ph.x, and what finite displacements make of them: against ph.x, q2r.x and matdyn.x."""

import re
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk

from adatom.analysis.polar import check_polar
from adatom.errors import ProgramError
from adatom.recipes.espresso import dielectric_job, matdyn_job, phonon_flow, phonon_job, q2r_job, static_job

# Points between those of a grid with Γ: with a few of them, the response to a field is nearly converged. The spacing
# gives a crystal and its supercell the same points: 4 along a vector of the one, 2 along one of the other.
SETTINGS = {"kspacing": 0.49, "koffset": (1, 1, 1)}
POLAR = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {**SETTINGS, "input_data": {"ecutwfc": 12, "ecutrho": 48, "conv_thr": 1e-12}},
}
ROUGH = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {**SETTINGS, "input_data": {"ecutwfc": 8, "ecutrho": 32}, "kspacing": 1.0},
}


def arsenide():
    return bulk("AlAs", "zincblende", a=5.6)


def test_the_response_to_a_field_is_read_as_ph_prints_it():
    """Of a crystal without symmetry, whose charges are not symmetric."""
    crystal = arsenide()
    crystal.positions[1] += 0.3, -0.2, 0.4
    crystal.set_cell(crystal.cell.array @ [[1, 0.05, 0], [0, 1, 0.1], [0.02, 0, 1]], scale_atoms=True)
    response = dielectric_job.fn(static_job.fn(crystal, **ROUGH), input_data={"tr2_ph": 1e-10})
    output = (Path(response["dir_name"]) / "ph.out").read_text()
    charges = response["results"]["born_charges"]
    fields = re.findall(r"E[xyz] +\( +(\S+) +(\S+) +(\S+) \)", output)
    assert charges.reshape(-1, 3) == pytest.approx(np.array(fields[-6:], dtype=float), abs=1e-5)
    assert np.abs(charges - charges.swapaxes(1, 2)).max() > 0.1
    after = output.rpartition("Dielectric constant in cartesian axis")[2]
    rows = re.findall(r"\( +(\S+) +(\S+) +(\S+) \)", after)[:3]
    assert response["results"]["dielectric"] == pytest.approx(np.array(rows, dtype=float), abs=1e-6)


def test_a_metal_has_no_response_to_a_field():
    metallic = static_job.fn(arsenide(), **{**ROUGH, "preset": ["metal", "lda"]})
    with pytest.raises(ProgramError, match="metals"):
        dielectric_job.fn(metallic)


@pytest.mark.deep(reason="supercells with pw.x, a minute; tests/analysis/test_polar.py has the same physics of ions")
def test_the_longitudinal_mode_is_that_of_ph():
    """Two ways to the splitting at Γ: forces in supercells with phonopy's correction, and perturbation theory alone."""
    options = {"run_relax": False, "supercell_matrix": [2, 2, 2], "mesh": [8, 8, 8]}
    result = phonon_flow(arsenide(), polar=True, **options, job_params={"static_job": POLAR})
    static, response = result["polar"]
    charges, tensor = check_polar(arsenide(), response["results"]["born_charges"], response["results"]["dielectric"])
    assert charges[0] == pytest.approx(charges[0, 0, 0] * np.eye(3), abs=1e-6)
    assert 1.9 < charges[0, 0, 0] < 2.4
    assert 8 < tensor[0, 0] < 11

    dfpt = phonon_job(static, grid=(1, 1, 1))
    assert dfpt["results"]["born_charges"] == pytest.approx(response["results"]["born_charges"], abs=1e-4)
    near = matdyn_job(q2r_job(dfpt), qpoints=[[0, 0, 1e-4]])["results"]["frequencies"][0]
    transverse, longitudinal = near[3], near[5]
    assert longitudinal - transverse > 20

    found = result["phonons"]["bands"]["frequencies"][0] * 1e12 * units._hplanck / units._e / units.invcm
    assert found[3:] == pytest.approx([transverse, transverse, longitudinal], rel=5e-3)
