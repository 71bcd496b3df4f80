import numpy as np
import pytest
from ase import units
from ase.build import bulk

from adatom import FlowFailure, change_settings, flow, job
from adatom.analysis.phonons import as_phonopy
from adatom.analysis.qha import QuasiHarmonic
from adatom.atoms.deformations import scale_volume
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.emt import eos_flow, phonon_flow, qha_flow, relax_job, static_job
from adatom.schemas.save import load_results, save_results
from tests.schemas.typed import violations

SMALL = {"supercell_matrix": [2, 2, 2], "mesh": 20, "t_step": 50}
FEW = {**SMALL, "strains": (-0.04, -0.02, 0.0, 0.02, 0.04), "t_max": 100}
FROM_BELOW = (-0.04, -0.02, 0.0, 0.02, 0.04, 0.06, 0.08)


@pytest.fixture(scope="module")
def copper(tmp_path_factory):
    with change_settings(results_dir=tmp_path_factory.mktemp("copper")):
        return qha_flow(bulk("Cu"), **SMALL)


def test_copper(copper):
    assert {kind: len(runs) for kind, runs in copper.items() if kind != "qha"} == {
        "relax": 1,
        "points": 8,
        "phonons": 8,
    }
    qha = copper["qha"]
    assert qha["failed"] == {}
    assert qha["temperatures"].tolist() == list(range(0, 1001, 50))
    assert (np.diff(qha["volumes"]) > 0).all()
    assert (np.diff(qha["bulk_moduli"]) < 0).all()
    at_rest = eos_flow(bulk("Cu"))["eos"]
    assert at_rest["v0"] < qha["volumes"][0] < 1.01 * at_rest["v0"]  # zero-point vibrations
    assert 1e-5 < qha["thermal_expansion"][6] < 1e-4


@pytest.mark.parametrize(
    ("asked", "fmax"),
    [({"job_params": {"relax_job": {"fmax": 0.02}}}, 0.02), ({"fmax": 0.03}, 0.03), ({}, 1e-3)],
)
def test_what_is_said_of_the_relaxations_counts(asked, fmax):
    result = qha_flow(bulk("Cu"), **asked, **FEW)
    assert {run["parameters"]["fmax"] for run in result["relax"] + result["points"]} == {fmax}


def test_another_code_gives_the_same(copper):
    from phonopy import run_qha

    qha = copper["qha"]
    other = run_qha(
        [as_phonopy(each["phonons"]) for each in copper["phonons"]],
        np.append(qha["temperatures"], 1050.0),
        [point["results"]["energy"] for point in copper["points"]],
        mesh=20.0,
        eos="birch_murnaghan",
        exclude_gamma_acoustic=True,
    )
    assert qha["volumes"] == pytest.approx(other.equilibrium_volumes, rel=1e-5)
    assert qha["gibbs_energies"] == pytest.approx(other.gibbs_free_energies, abs=1e-6)
    assert qha["bulk_moduli"] * units.GPa == pytest.approx(other.bulk_moduli, rel=1e-4)
    assert qha["entropies"] == pytest.approx(other.entropy_temperature, rel=1e-3, abs=1e-9)
    assert qha["thermal_expansion"][4:] == pytest.approx(
        other.thermal_expansion[4:], rel=3e-2
    )  # from differences there
    assert qha["heat_capacities"][4:] == pytest.approx(other.heat_capacity_P.heat_capacities[4:], rel=1e-2)


def test_it_is_the_harmonic_crystal_at_the_same_volume(copper):
    """G without a pressure is F at the volume of equilibrium, and its minimum."""
    qha, index = copper["qha"], 12
    helmholtz = []
    for factor in (0.99, 1.0, 1.01):
        atoms = bulk("Cu")
        atoms.set_cell(atoms.cell * (factor * qha["volumes"][index] / atoms.get_volume()) ** (1 / 3), scale_atoms=True)
        thermal = phonon_flow(atoms, run_relax=False, **SMALL)["phonons"]["thermal_properties"]
        helmholtz.append(static_job(atoms)["results"]["energy"] + thermal["free_energy"][index])
    assert helmholtz[1] == pytest.approx(qha["gibbs_energies"][index], abs=2e-4)
    assert min(helmholtz) == helmholtz[1]


def test_all_is_of_the_primitive_cell():
    options = {**FEW, "supercell_matrix": [1, 1, 1], "relax_ions": False, "run_relax": False}
    qha = qha_flow(bulk("Cu", cubic=True), **options)["qha"]
    scaled = scale_volume(bulk("Cu"), FEW["strains"])
    assert qha["point_volumes"] == pytest.approx([atoms.get_volume() for atoms in scaled])
    energies = [static_job(atoms)["results"]["energy"] for atoms in scaled]
    assert qha["point_energies"] == pytest.approx(energies, abs=1e-9)


def test_the_document_is_what_it_says_and_can_be_saved(copper, tmp_path):
    assert violations(copper["qha"], QuasiHarmonic) == []
    again = load_results(save_results(copper, tmp_path / "qha.json"))["qha"]
    assert violations(again, QuasiHarmonic) == []
    assert np.array_equal(again["volumes"], copper["qha"]["volumes"])


def test_under_pressure_it_is_smaller(copper):
    pressed = qha_flow(bulk("Cu"), pressure=3 * units.GPa, **FEW)["qha"]
    expected = copper["qha"]["volumes"][:3] * (1 - 3 / copper["qha"]["bulk_moduli"][:3])
    assert pressed["volumes"] == pytest.approx(expected, rel=2e-3)


def test_a_volume_with_imaginary_modes_is_told_by_name():
    with pytest.warns(UserWarning, match="are imaginary"):
        result = qha_flow(bulk("Cu"), **{**FEW, "strains": (*FEW["strains"], 0.5)})
    [(name, why)] = result["qha"]["failed"].items()
    assert name == "+0.5"
    assert "modes are imaginary, the lowest at -" in why
    assert len(result["qha"]["point_volumes"]) == 5


@job
def fails_when_stretched(atoms):
    if len(atoms) > 1 and atoms.get_volume() / len(atoms) > 12.2:
        raise ValueError("too long")
    return static_job(atoms)


def test_a_failed_volume_is_named_and_the_rest_is_fitted(copper):
    with pytest.raises(FlowFailure, match="too long") as caught:
        qha_flow(bulk("Cu"), static_job=fails_when_stretched, strains=FROM_BELOW, **SMALL)
    qha = caught.value.value["qha"]
    assert "needs fails_when_stretched Cu8, which failed" in qha["failed"]["+0.06"]
    assert {"+0.06", "+0.08"} < set(qha["failed"])
    assert len(qha["point_volumes"]) == 5
    count = len(qha["temperatures"])
    assert 5 < count < len(copper["qha"]["temperatures"])  # the largest volumes are not there
    assert qha["volumes"] == pytest.approx(copper["qha"]["volumes"][:count], rel=2e-3)


def test_fewer_than_five_volumes_are_a_failure_that_names_them():
    with pytest.raises(FlowFailure, match=r"2 of 5 volumes cannot be used, and 5 are needed: {'\+0.06'"):
        qha_flow(bulk("Cu"), static_job=fails_when_stretched, **{**FEW, "strains": (-0.02, 0, 0.02, 0.06, 0.08)})


def test_in_another_flow_with_a_future(copper):
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True, fmax=1e-3)
        return qha_flow(relaxed["atoms"], run_relax=False, **FEW)["qha"]

    assert workflow(bulk("Cu"))["volumes"] == pytest.approx(copper["qha"]["volumes"][:3], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"equation": "vinnet"}, UnknownNameError, "Did you mean 'vinet'"),
        ({"strains": (0.0, 0.1)}, InputError, "5 volumes or more, and these are 2"),
        ({"strains": (-1.0, -0.5, 0.0, 0.5, 1.0)}, InputError, "above -1"),
        ({"distance": 0}, InputError, "distance is 0"),
        ({"t_step": 0}, InputError, "a step above 0"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(changes, error, message, results_dir):
    with pytest.raises(error, match=message):
        qha_flow(bulk("Cu"), **changes)
    assert not list(results_dir.rglob("JOB-*"))
