import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixInternals, FixSymmetry

from adatom import FlowFailure, flow, job
from adatom.errors import InputError
from adatom.recipes.emt import elastic_tensor_flow, relax_job, static_job
from adatom.schemas.save import load_results, save_results

TIGHT = {"relax_job": {"fmax": 1e-4}}


def second_derivative(crystal, strain, step=2e-3):
    """Of the energy by the size of a strain, per volume, in GPa."""
    energies = []
    for size in (-step, 0, step):
        atoms = crystal.copy()
        atoms.set_cell(crystal.cell.array @ (np.eye(3) + size * np.asarray(strain)), scale_atoms=True)
        atoms.calc = EMT()
        energies.append(atoms.get_potential_energy())
    return (energies[0] - 2 * energies[1] + energies[2]) / step**2 / crystal.get_volume() / units.GPa


def turned(crystal):
    crystal.rotate(30, (1, 2, 0), rotate_cell=True)
    return crystal


@pytest.mark.parametrize(
    ("crystal", "strains"), [(bulk("Cu"), 7), (bulk("Cu", cubic=True), 7), (turned(bulk("Cu", cubic=True)), 5)]
)
@pytest.mark.parametrize("relax_ions", [True, False])
def test_copper(crystal, strains, relax_ions):
    """Whatever the cell, the figures that the field's own tools give, and the derivatives of the energy."""
    result = elastic_tensor_flow(crystal, relax_ions=relax_ions, job_params=TIGHT)
    assert set(result) == {"bulk", "relax" if relax_ions else "static", "elasticity"}
    assert len(result["relax" if relax_ions else "static"]) == strains
    elasticity = result["elasticity"]
    c = elasticity["elastic_tensor"]["ieee_format"]
    assert [c[0, 0], c[0, 1]] == pytest.approx([172.5, 115.5], rel=5e-3)
    assert np.abs(elasticity["residual_stress"]).max() < 0.01
    relaxed = bulk("Cu", cubic=True)
    relaxed.set_cell(np.eye(3) * (result["bulk"]["atoms"].get_volume() / len(crystal) * 4) ** (1 / 3), scale_atoms=True)
    assert c[0, 0] == pytest.approx(second_derivative(relaxed, np.diag([1, 0, 0])), rel=3e-3)
    shear = np.zeros((3, 3))
    shear[0, 1] = shear[1, 0] = 0.5
    assert c[3, 3] == pytest.approx(second_derivative(relaxed, shear), rel=3e-3)
    assert elasticity["bulk_modulus"]["vrh"] == pytest.approx(134.11, rel=5e-3)  # that of the equation of state
    assert elasticity["stable"]


HCP = bulk("Cu", "hcp", a=2.54, c=4.15)


@pytest.fixture(scope="module")
def hcp(tmp_path_factory):
    from adatom import change_settings

    with change_settings(results_dir=tmp_path_factory.mktemp("hcp")):
        return elastic_tensor_flow(HCP, job_params=TIGHT)


def test_symmetry_saves_work_and_nothing_else(hcp):
    whole = elastic_tensor_flow(HCP, symmetry=False, job_params=TIGHT)
    assert len(whole["relax"]) == 25
    assert len(hcp["relax"]) == 11
    for kind in ("raw", "ieee_format"):
        few, many = (result["elasticity"]["elastic_tensor"][kind] for result in (hcp, whole))
        np.testing.assert_allclose(few, many, atol=0.1)


def test_ions_that_relax_soften_the_crystal(hcp):
    """Two atoms of a hexagonal cell move against each other where the basal plane is sheared."""
    clamped = elastic_tensor_flow(HCP, relax_ions=False, job_params=TIGHT)["elasticity"]
    change = clamped["elastic_tensor"]["raw"] - hcp["elasticity"]["elastic_tensor"]["raw"]
    assert change[5, 5] > 1.0
    assert np.linalg.eigvalsh(change)[0] > -0.1
    c = hcp["elasticity"]["elastic_tensor"]["raw"]
    assert c[5, 5] == pytest.approx((c[0, 0] - c[0, 1]) / 2, rel=1e-6)


def test_without_a_relaxation_of_the_cell():
    result = elastic_tensor_flow(bulk("Cu"), run_relax=False, relax_ions=False)
    assert set(result) == {"static", "elasticity"}
    at_rest = static_job(bulk("Cu"), properties=["energy", "stress"])["results"]["stress"] / units.GPa
    assert at_rest[0] > 2
    np.testing.assert_allclose(result["elasticity"]["residual_stress"], at_rest[0] * np.eye(3), atol=0.01)


def test_an_unstable_crystal_is_said_to_be_one():
    result = elastic_tensor_flow(bulk("Cu", "bcc", a=2.86), run_relax=False, relax_ions=False)["elasticity"]
    assert not result["stable"]
    assert result["eigenvalues"][0] < 0


def test_it_can_be_saved(tmp_path, hcp):
    back = load_results(save_results(hcp, tmp_path / "elastic.json"))["elasticity"]
    np.testing.assert_array_equal(
        back["elastic_tensor"]["ieee_format"], hcp["elasticity"]["elastic_tensor"]["ieee_format"]
    )
    assert back["bulk_modulus"] == hcp["elasticity"]["bulk_modulus"]
    assert (tmp_path / "elastic.json").stat().st_size < 1e6


@job
def fails_at_one_strain(atoms, properties):
    if atoms.info["strain"] == "xx+0.01":
        raise ValueError("too long")
    return static_job(atoms, properties=properties)


def test_a_strain_that_failed_is_named_and_the_rest_is_used():
    with pytest.raises(FlowFailure, match="too long") as caught:
        elastic_tensor_flow(bulk("Cu"), static_job=fails_at_one_strain, relax_ions=False)
    elasticity = caught.value.value["elasticity"]
    assert elasticity["failed"] == {"xx+0.01": "ValueError: too long"}
    assert elasticity["elastic_tensor"]["ieee_format"][0, 0] == pytest.approx(172.5, rel=5e-3)


def test_strains_that_do_not_suffice_are_named():
    with pytest.raises(FlowFailure, match=r"determine 3 of the 6.*These failed: {'xx\+0.01': 'ValueError: too long'}"):
        elastic_tensor_flow(bulk("Cu"), static_job=fails_at_one_strain, relax_ions=False, norm_strains=[0.01])


@job
def relaxes_without_stress(atoms, **kwargs):
    result = relax_job(atoms, **kwargs)
    del result["results"]["stress"]
    return result


def test_a_code_without_stress_in_its_relaxations():
    with pytest.raises(FlowFailure, match="gives no stress, but energy, .*Set run_static=True"):
        elastic_tensor_flow(bulk("Cu"), relax_job=relaxes_without_stress)
    result = elastic_tensor_flow(bulk("Cu"), relax_job=relaxes_without_stress, run_static=True)
    assert len(result["relax"]) == len(result["static"]) == 7
    assert result["elasticity"]["elastic_tensor"]["ieee_format"][0, 0] == pytest.approx(172.5, rel=5e-3)


def test_in_another_flow_with_a_future():
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True, fmax=1e-4)
        return elastic_tensor_flow(relaxed["atoms"], run_relax=False, relax_ions=False)["elasticity"]

    elasticity = workflow(bulk("Cu", a=3.7))
    assert np.abs(elasticity["residual_stress"]).max() < 0.01


@pytest.mark.parametrize(
    ("atoms", "changes", "message"),
    [
        (molecule("H2O"), {}, "A crystal is strained, periodic in three directions"),
        (bulk("Cu"), {"norm_strains": []}, "norm_strains is"),
        (bulk("Cu"), {"shear_strains": [0.0]}, "shear_strains has 0.0"),
        (bulk("Cu"), {"symprec": 0}, "symprec is 0"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(atoms, changes, message, results_dir):
    with pytest.raises(InputError, match=message):
        elastic_tensor_flow(atoms, **changes)
    assert not list(results_dir.rglob("JOB-*"))


def test_a_constraint_of_the_crystal_without_strain():
    """FixSymmetry would undo a shear, or let only the part of it through that the old symmetry allows."""
    free = elastic_tensor_flow(bulk("Cu", cubic=True))["elasticity"]
    held = bulk("Cu", cubic=True)
    held.set_constraint(FixSymmetry(held))
    found = elastic_tensor_flow(held)["elasticity"]
    np.testing.assert_allclose(found["elastic_tensor"]["raw"], free["elastic_tensor"]["raw"], atol=0.1)
    assert free["elastic_tensor"]["raw"][3, 3] > 80
    held.set_constraint(FixInternals(bonds=[[2.55, [0, 1]]]))
    with pytest.raises(FlowFailure, match="FixInternals, which does not hold under strain"):
        elastic_tensor_flow(held, run_relax=False)
