"""Flows that were written for no code in particular, with a code that is not ASE's own: they agree with one another."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk, graphene, molecule

from adatom.recipes.tblite import (
    bulk_to_defects_flow,
    convergence_flow,
    elastic_tensor_flow,
    eos_flow,
    neb_flow,
    phonon_flow,
    qha_flow,
    relax_job,
    slab_to_ads_flow,
    static_job,
)
from tests.codes import needs_code

pytestmark = needs_code("tblite")
JOBS = {"all": {"calc_kwargs": {"method": "GFN1-xTB"}}}
ROUGH = {**JOBS, "relax_job": {"fmax": 0.3}}


def energy(atoms, method="GFN1-xTB"):
    return static_job(atoms, calc_kwargs={"method": method})["results"]["energy"]


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


@needs_code("phonons")
def test_zero_point_motion_and_heat_expand_the_crystal(silicon):
    """By the modes that fit into the cube; those of silicon are stiff."""
    eos, atoms = silicon
    strains = [-0.06, -0.03, 0.0, 0.03, 0.06]
    options = {"supercell_matrix": [1, 1, 1], "mesh": [2, 2, 2], "t_step": 100, "ignore_imaginary": True}
    found = qha_flow(atoms, run_relax=False, relax_ions=False, strains=strains, **options, job_params=JOBS)["qha"]
    assert 1.0 < 4 * found["volumes"][0] / eos["v0"] < 1.01  # of the primitive cell and of the cube
    assert found["bulk_moduli"][0] == pytest.approx(eos["bulk_modulus"], rel=0.1)


@needs_code("defects")
def test_a_vacancy_of_diamond():
    """In a cube of eight atoms: what counts here is that the numbers fit one another."""
    cube = bulk("C", cubic=True)
    sizes = {"min_length": 3, "min_atoms": 8, "max_atoms": 8}
    result = bulk_to_defects_flow(cube, run_static=False, supercell_kwargs=sizes, job_params=ROUGH)
    [found], [run] = result["formation_energies"]["defects"], result["relax"]
    assert len(run["atoms"]) == 7
    assert found["formation_energy"] == pytest.approx(energy(run["atoms"]) - 7 / 8 * energy(cube), abs=1e-4)


def test_water_on_graphene():
    sheet = graphene(size=(2, 2, 1), vacuum=8)
    sheet.pbc = True
    options = {"run_static": False, "ads_kwargs": {"sites": ["ontop"]}}
    result = slab_to_ads_flow(sheet, "H2O", **options, job_params=ROUGH)
    [site], [run] = result["adsorption_energies"]["sites"], result["relax"]
    alone = [energy(result[part]["atoms"]) for part in ("slab", "adsorbate")]
    assert site["adsorption_energy"] == pytest.approx(energy(run["atoms"]) - sum(alone), abs=1e-4)
    assert abs(site["adsorption_energy"]) < 0.7  # no chemical bond


def test_the_inversion_of_ammonia_goes_through_the_flat_molecule():
    ammonia = molecule("NH3")
    other = ammonia.copy()
    other.positions[:, 2] *= -1
    path = neb_flow(ammonia, other, images=3)["path"]
    flat = ammonia.copy()
    flat.positions[:, 2] = 0.0
    lowest, highest = (relax_job(atoms)["results"]["energy"] for atoms in (ammonia, flat))
    assert path["forward_barrier"] == pytest.approx(highest - lowest, abs=1e-3)
    assert path["reaction_energy"] == pytest.approx(0.0, abs=1e-4)


def test_the_accuracy_that_water_needs():
    found = convergence_flow(molecule("H2O"), {"calc_kwargs.accuracy": [100.0, 1.0, 0.01]}, tolerance=1e-6)
    table = found["convergence"]["table"]
    assert [row["difference"] for row in table] == pytest.approx(
        [abs(row["property"] - energy(molecule("H2O"), "GFN2-xTB") / 3) for row in table], abs=1e-8
    )
    assert found["convergence"]["chosen"] == {"calc_kwargs.accuracy": 1.0}
