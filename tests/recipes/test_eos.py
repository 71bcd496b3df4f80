import numpy as np
import pytest
from ase import units
from ase.build import bulk

from adatom import FlowFailure, flow, job
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.emt import eos_flow, relax_job, static_job

FIVE = (-0.10, -0.05, 0.0, 0.05, 0.10)


@pytest.mark.parametrize("relax_ions", [True, False])
def test_copper(relax_ions):
    """Against the figures that the field's own tools give."""
    result = eos_flow(bulk("Cu"), strains=FIVE, relax_ions=relax_ions)
    eos = result["eos"]
    assert eos["bulk_modulus"] == pytest.approx(134.11, rel=1e-3)
    assert eos["v0"] == pytest.approx(11.566, rel=1e-3)
    assert eos["failed"] == {}
    assert np.abs(eos["residuals"]).max() < 1e-3
    assert [point["name"] for point in result["points"]] == ["relax" if relax_ions else "static"] * 5
    assert [point["input_atoms"].info["volume_strain"] for point in result["points"]] == list(FIVE)


def test_the_bulk_modulus_is_that_of_the_stress():
    """K = -V dp/dV, from the stress tensor."""
    eos = eos_flow(bulk("Cu"), relax_ions=False)["eos"]
    pressures = []
    for factor in (1 - 1e-3, 1 + 1e-3):
        atoms = bulk("Cu")
        atoms.set_cell(atoms.cell * (factor * eos["v0"] / atoms.get_volume()) ** (1 / 3), scale_atoms=True)
        stress = static_job(atoms, properties=["energy", "stress"])["results"]["stress"]
        pressures.append(-stress[:3].mean() / units.GPa)
    assert eos["bulk_modulus"] == pytest.approx((pressures[0] - pressures[1]) / 2e-3, rel=5e-3)


@job
def fails_when_stretched(atoms):
    if atoms.info["volume_strain"] > 0.05:
        raise ValueError("too long")
    return static_job(atoms)


def test_a_failed_point_is_named_and_the_rest_is_fitted():
    result = eos_flow(bulk("Cu"), static_job=fails_when_stretched, relax_ions=False)
    assert result["eos"]["failed"] == {"+0.06": "ValueError: too long"}
    assert result["points"][-1].message == "too long"
    whole = eos_flow(bulk("Cu"), relax_ions=False)["eos"]
    assert len(result["eos"]["volumes"]) == len(whole["volumes"]) - 1 == 6
    assert result["eos"]["v0"] == pytest.approx(whole["v0"], rel=1e-3)


def test_fewer_than_five_points_are_a_failure_that_names_them():
    with pytest.raises(
        FlowFailure, match=r"1 of 5 points failed, and 5 are needed: {'\+0.06': 'ValueError: too long'}"
    ):
        eos_flow(bulk("Cu"), static_job=fails_when_stretched, relax_ions=False, strains=(-0.04, -0.02, 0, 0.02, 0.06))


def test_in_another_flow_with_a_future():
    @flow
    def workflow(atoms):
        return eos_flow(relax_job(atoms, relax_cell=True)["atoms"])["eos"]

    eos = workflow(bulk("Cu", a=3.7))
    assert eos["v0"] == pytest.approx(eos["volumes"][3], rel=1e-3)  # it is strained about the relaxed volume


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"equation": "birch_murnagan"}, UnknownNameError, "Did you mean 'birch_murnaghan'"),
        ({"strains": (0.0, 0.0, 0.1, 0.2, 0.3)}, InputError, "5 volumes or more, and these are 4"),
        ({"strains": (-1.0, -0.5, 0.0, 0.5, 1.0)}, InputError, "above -1"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(changes, error, message, results_dir):
    with pytest.raises(error, match=message):
        eos_flow(bulk("Cu"), **changes)
    assert not list(results_dir.rglob("JOB-*"))


def test_a_molecule_is_refused():
    from ase.build import molecule

    with pytest.raises(InputError, match="A crystal is strained, periodic in three directions"):
        eos_flow(molecule("H2O"))
