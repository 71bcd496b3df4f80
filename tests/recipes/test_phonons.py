import functools
import sys

import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule

from adatom import FlowFailure, change_settings, flow, job
from adatom.analysis import phonons as analysis
from adatom.analysis.phonons import Phonons
from adatom.atoms.convert import to_phonopy
from adatom.atoms.phonopy_model import phonopy_model
from adatom.errors import InputError, MissingExtraError
from adatom.recipes.common import phonons as common
from adatom.recipes.emt import phonon_flow, relax_job, static_job
from adatom.schemas.save import load_results, save_results
from tests.recipes.descriptions import CELLS, CHANGES
from tests.recipes.systems import crystal, described
from tests.schemas.typed import violations

SMALL = {"supercell_matrix": [2, 2, 2], "mesh": 10}


@pytest.fixture(scope="module")
def copper(tmp_path_factory):
    with change_settings(results_dir=tmp_path_factory.mktemp("copper")):
        return phonon_flow(bulk("Cu"), **SMALL)


def test_copper(copper):
    assert {kind: [run["name"] for run in runs] for kind, runs in copper.items() if kind != "phonons"} == {
        "relax": ["relax"],
        "static": ["static"],
    }
    phonons = copper["phonons"]
    assert phonons["force_constants"].shape == (8, 8, 3, 3)
    assert len(phonons["thermal_properties"]["temperatures"]) == 101
    assert phonons["space_group"] == "Fm-3m (225)"
    assert phonons["displacements"] == 1
    assert phonons["imaginary_modes"] == 0
    assert phonons["atoms"] == copper["relax"][0]["atoms"]
    assert np.abs(copper["relax"][0]["results"]["stress"]).max() * phonons["atoms"].get_volume() < 1e-3
    moved = copper["static"][0]["atoms"].positions - copper["static"][0]["input_atoms"].positions
    assert not moved.any()


def test_the_document_is_what_it_says_and_can_be_saved(copper, tmp_path):
    assert violations(copper["phonons"], Phonons) == []
    again = load_results(save_results(copper, tmp_path / "phonons.json"))["phonons"]
    assert violations(again, Phonons) == []
    assert np.array_equal(again["force_constants"], copper["phonons"]["force_constants"])
    assert again["primitive"] == copper["phonons"]["primitive"]


def test_without_a_relaxation():
    atoms = bulk("Cu", a=3.62)
    result = phonon_flow(atoms, run_relax=False, **SMALL)
    assert set(result) == {"static", "phonons"}
    assert result["phonons"]["atoms"] == atoms
    softer = phonon_flow(bulk("Cu", a=3.59), run_relax=False, **SMALL)["phonons"]["bands"]["frequencies"].max()
    assert result["phonons"]["bands"]["frequencies"].max() < softer


def wrapped(recipe):
    @functools.wraps(recipe)
    def outer(*args, **kwargs):
        return recipe(*args, **kwargs)

    return outer


@pytest.mark.parametrize(
    ("asked", "fmax"),
    [
        ({}, 1e-3),
        ({"job_params": {"relax_job": {"fmax": 0.02}}}, 0.02),
        ({"job_params": {"all": {"fmax": 0.02}}}, 0.02),
        ({"relax_job": relax_job.bind(fmax=0.02)}, 0.02),
        ({"job_params": {"relax_job": {"fmax": 0.02}}, "job_decorators": {"relax_job": wrapped}}, 0.02),
        ({"job_params": {"relax_job": {"max_steps": 50}}}, 1e-3),
        ({"fmax": 0.03}, 0.03),
        ({"job_params": {"relax_job": {"fmax": 0.02}}, "fmax": 0.03}, 0.03),
    ],
)
def test_what_is_said_of_the_relaxation_counts(asked, fmax):
    [relaxed] = phonon_flow(bulk("Cu"), **asked, **SMALL)["relax"]
    assert relaxed["parameters"]["fmax"] == fmax


def test_forces_at_rest_are_subtracted():
    """An atom out of its place: what it feels there is no force constant."""
    atoms = bulk("Cu", cubic=True)
    atoms.positions[0] += 0.02, 0.01, 0.03
    options = {"run_relax": False, "supercell_matrix": [1, 1, 1], "mesh": 5, "ignore_imaginary": True}
    result = phonon_flow(atoms, subtract_residual=True, **options)
    [residual] = result["residual"]
    assert np.abs(residual["results"]["forces"]).max() > 0.1
    assert np.allclose(residual["atoms"].positions, atoms.positions)
    assert len(result["static"]) > 1
    plain = phonon_flow(atoms, **options)
    # both signs of a displacement are computed here, and the difference of two forces has no residual
    assert np.allclose(result["phonons"]["force_constants"], plain["phonons"]["force_constants"], atol=1e-6)


@job
def fails_when_displaced(atoms):
    raise ValueError("no forces")


def test_a_failed_supercell_is_named_and_there_are_no_phonons():
    with pytest.raises(FlowFailure, match="ValueError: no forces") as caught:
        phonon_flow(bulk("Cu"), static_job=fails_when_displaced, **SMALL)
    assert [failure.job.split()[0] for failure in caught.value.failures] == ["fails_when_displaced", "fit_phonons"]
    assert caught.value.value["relax"][0]["converged"]


def test_in_another_flow_with_a_future(copper):
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True, fmax=1e-3)
        return phonon_flow(relaxed["atoms"], run_relax=False, **SMALL)["phonons"]

    found = workflow(bulk("Cu"))["bands"]["frequencies"]
    assert found == pytest.approx(copper["phonons"]["bands"]["frequencies"], abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"supercell_matrix": [2, 2]}, r"supercell_matrix is \[2, 2\]"),
        ({"min_length": 0}, "min_length is 0"),
        ({"distance": -0.01}, "distance is -0.01"),
        ({"mesh": -1}, "mesh is -1"),
        ({"t_max": -5}, "t_min, t_max and t_step are 0.0, -5 and 10"),
    ],
)
def test_bad_input_is_refused_before_anything_runs(changes, message, results_dir):
    with pytest.raises(InputError, match=message):
        phonon_flow(bulk("Cu"), **changes)
    assert not list(results_dir.rglob("JOB-*"))


def test_a_molecule_is_refused():
    with pytest.raises(InputError, match="periodic in three directions"):
        phonon_flow(molecule("H2O"))


def test_without_phonopy(monkeypatch, results_dir):
    for name in [name for name in sys.modules if name.partition(".")[0] == "phonopy"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "phonopy", None)  # what Python itself does for a module that is not to be found
    with pytest.raises(MissingExtraError, match=r"pip install 'adatom\[phonons\]'"):
        phonon_flow(bulk("Cu"))
    assert not list(results_dir.rglob("JOB-*"))


def test_of_no_code():
    with pytest.raises(InputError, match="bound to no code"):
        common.phonon_flow(bulk("Cu"))


def test_a_plain_function_in_the_place_of_a_job():
    def computed(atoms):
        return static_job.fn(atoms)

    found = phonon_flow(bulk("Cu", a=3.59), static_job=computed, run_relax=False, **SMALL)
    assert found["phonons"]["imaginary_modes"] == 0


@pytest.mark.parametrize("masses", [[10, 100, 100, 10], [100, 10, 10, 100]])
def test_isotopes_are_different_atoms(masses):
    """The layers of a crystal, wherever the cell begins. Against phonopy with the masses of the whole cell."""
    nickel = bulk("Ni", cubic=True)
    nickel.set_masses(masses)
    found = phonon_flow(nickel, **SMALL, t_min=300, t_max=300)["phonons"]
    assert sorted(found["primitive"].get_masses()) == [10, 100]
    assert found["space_group"] == "P4/mmm (123)"
    free_energy = found["thermal_properties"]["free_energy"][0] / 2

    model = analysis.as_phonopy({**found, "primitive_matrix": np.eye(3)})
    model.run_mesh(10, is_gamma_center=True)
    whole = model.run_thermal_properties(temperatures=[300], exclude_gamma_acoustic=True)
    assert free_energy == pytest.approx(whole.free_energy[0] * 1000 * units.J / units.mol / 4, abs=2e-4)


def test_an_antiferromagnet_has_a_space_group():
    nickel = bulk("Ni", cubic=True)
    nickel.set_initial_magnetic_moments([1, 1, -1, -1])
    with pytest.warns(UserWarning, match="magnetic ordering"):
        found = phonon_flow(nickel, **SMALL, run_relax=False)["phonons"]
    assert found["space_group"] == "Fm-3m (225)"
    assert found["primitive"].get_initial_magnetic_moments().tolist() == [1, -1]


def test_a_left_handed_cell(copper):
    crystal = bulk("Cu")
    crystal.set_cell(crystal.cell.array[[1, 0, 2]])
    found, expected = phonon_flow(crystal, **SMALL)["phonons"], copper["phonons"]
    for quantity in ("free_energy", "entropy", "heat_capacity"):
        np.testing.assert_allclose(
            found["thermal_properties"][quantity], expected["thermal_properties"][quantity], rtol=1e-5, atol=1e-9
        )
    assert found["bands"]["path"] == expected["bands"]["path"]
    np.testing.assert_allclose(found["bands"]["frequencies"], expected["bands"]["frequencies"], atol=1e-4)


def test_a_magnetic_cell_whose_symmetry_spglib_does_not_find_is_refused_first(results_dir):
    """One spglib does not know the magnetic space group of: its own error came after all supercells."""
    changes = [(CHANGES | CELLS)[name] for name in ("doubled", "reversed_vectors", "doubled", "sheared")]
    magnet = described(crystal(), ["vector_moments"], changes)
    try:
        phonopy_model(to_phonopy(magnet), [1, 1, 1], None, 1e-5)
    except InputError:
        pass
    else:
        pytest.skip("this version of spglib finds it")
    with pytest.raises(InputError, match="spglib finds no symmetry.*initial magnetic moments.*primitive one"):
        phonon_flow(magnet, **SMALL)
    assert not list(results_dir.rglob("JOB-*"))
