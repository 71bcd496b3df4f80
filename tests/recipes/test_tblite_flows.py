"""Flows that were written for no code in particular, with a code that is not ASE's own: they agree with one another."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk

from adatom.recipes.tblite.core import static_job
from adatom.recipes.tblite.crystals import elastic_tensor_flow, eos_flow, phonon_flow
from tests.codes import needs_code

pytestmark = needs_code("tblite")
JOBS = {"all": {"calc_kwargs": {"method": "GFN1-xTB"}}}


@pytest.fixture(scope="module")
def silicon(tmp_path_factory):
    """The equation of state of a cube of eight atoms, sampled at Γ, and the cube at its lowest energy."""
    from adatom import change_settings

    with change_settings(results_dir=tmp_path_factory.mktemp("silicon")):
        eos = eos_flow(bulk("Si", a=5.68, cubic=True), relax_ions=False, job_params=JOBS)["eos"]
    atoms = bulk("Si", a=5.68, cubic=True)
    atoms.set_cell(np.eye(3) * eos["v0"] ** (1 / 3), scale_atoms=True)
    return eos, atoms


def test_at_the_volume_of_the_lowest_energy_there_is_no_stress(silicon):
    eos, atoms = silicon
    result = static_job(atoms, properties=["energy", "stress"], calc_kwargs={"method": "GFN1-xTB"})["results"]
    assert result["energy"] == pytest.approx(eos["e0"], abs=2e-3)
    assert np.abs(result["stress"]).max() / units.GPa < 0.01 * eos["bulk_modulus"]


def test_the_bulk_modulus_of_the_elastic_tensor_is_that_of_the_energies(silicon):
    eos, atoms = silicon
    found = elastic_tensor_flow(atoms, run_relax=False, relax_ions=False, job_params=JOBS)["elasticity"]
    assert found["stable"]
    assert found["bulk_modulus"]["vrh"] == pytest.approx(eos["bulk_modulus"], rel=0.03)


@needs_code("phonons")
def test_phonons_at_gamma_are_those_of_the_forces(silicon):
    """The optical mode of silicon, threefold, by moving its two sublattices against each other."""
    _, atoms = silicon
    document = phonon_flow(atoms, run_relax=False, supercell_matrix=(1, 1, 1), mesh=[1, 1, 1], job_params=JOBS)[
        "phonons"
    ]
    moved, step = atoms.copy(), 0.005
    moved.positions[1::2, 0] += step  # of the diamond cube, every other atom is of the other sublattice
    forces = static_job(moved, calc_kwargs={"method": "GFN1-xTB"})["results"]["forces"]
    mass = atoms.get_masses()[0] / 2  # reduced
    omega = np.sqrt(-forces[1::2, 0].mean() / step / mass)  # in ASE's units
    optical = omega / (2 * np.pi) * units.s * 1e-12
    bands = np.array(document["bands"]["frequencies"])
    assert np.abs(bands - optical).min() < 0.03 * optical
