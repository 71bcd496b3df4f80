"""Flows of phonons for polar crystals: rigid ions, whose modes at Γ are known, and their Born charges."""

import numpy as np
import pytest

from adatom import FlowFailure, job
from adatom.analysis.phonons import Phonons, as_phonopy
from adatom.errors import InputError
from adatom.recipes.emt import phonon_flow, qha_flow
from adatom.schemas.save import load_results, save_results
from tests.analysis.rigid_ions import born_charges, energy, forces, optical_modes, rocksalt
from tests.deep import deep_but
from tests.schemas.typed import violations


@job
def ionic_job(atoms):
    results = {"forces": forces(atoms)} | ({"energy": energy(atoms)} if len(atoms) == 2 else {})
    return {"name": "static", "atoms": atoms, "input_atoms": atoms, "results": results}


@job
def ionic_dielectric_job(static):
    tensors = {"born_charges": born_charges(static["atoms"]), "dielectric": np.eye(3)}
    return {"name": "dielectric", "results": tensors}


@job
def half_a_dielectric_job(static):
    charges = born_charges(static["atoms"]) * np.array([1, 0.5])[:, None, None]
    return {
        "name": "dielectric",
        "atoms": static["atoms"],
        "results": {"born_charges": charges, "dielectric": np.eye(3)},
    }


TENSORS = {"born_charges": born_charges(rocksalt()).tolist(), "dielectric": np.eye(3).tolist()}
SMALL = {"static_job": ionic_job, "run_relax": False, "supercell_matrix": [2, 2, 2], "mesh": [2, 2, 2]}
COMPUTED = {"polar": True, "dielectric_job": ionic_dielectric_job}


@pytest.fixture(scope="module")
def computed(tmp_path_factory):
    from adatom import change_settings

    with change_settings(results_dir=tmp_path_factory.mktemp("computed")):
        return phonon_flow(rocksalt(), **COMPUTED, **SMALL)


def test_charges_are_computed_before_the_supercells(computed):
    assert [run["name"] for run in computed["polar"]] == ["static", "dielectric"]
    assert computed["polar"][0]["atoms"] == rocksalt()
    assert len(computed["static"]) == 2
    modes = computed["phonons"]["bands"]["frequencies"][0]
    assert modes[3:] == pytest.approx([optical_modes()[0]] * 2 + [optical_modes()[1]], abs=1e-3)


def test_given_charges_do_the_same(computed):
    given = phonon_flow(rocksalt(), **TENSORS, **SMALL)
    assert set(given) == {"static", "phonons"}
    expected = computed["phonons"]["bands"]["frequencies"]
    assert given["phonons"]["bands"]["frequencies"] == pytest.approx(expected, abs=1e-6)


def test_the_document_is_what_it_says_and_can_be_saved(computed, tmp_path):
    assert violations(computed["phonons"], Phonons) == []
    again = load_results(save_results(computed, tmp_path / "phonons.json"))["phonons"]
    assert violations(again, Phonons) == []
    order = [0 if symbol == "Na" else 1 for symbol in again["primitive"].symbols]
    assert again["born_charges"] == pytest.approx(born_charges(rocksalt())[order])
    model = as_phonopy(again)
    assert model.run_qpoints([[0, 0.02, 0.02]]).frequencies[0, -1] == pytest.approx(optical_modes()[1], abs=0.05)


def test_charges_that_break_the_sum_rule_cost_no_supercell():
    with pytest.raises(FlowFailure, match=r"component of 0.25 e, and the acoustic sum rule allows 0.1 e") as caught:
        phonon_flow(rocksalt(), polar=True, dielectric_job=half_a_dielectric_job, **SMALL)
    assert set(caught.value.value) == {"polar", "static", "phonons"}
    assert not isinstance(caught.value.value["static"], list)


def test_a_plain_function_in_the_place_of_the_job(computed):
    found = phonon_flow(rocksalt(), polar=True, dielectric_job=lambda static: ionic_dielectric_job.fn(static), **SMALL)
    assert found["polar"][1]["results"]["dielectric"] == pytest.approx(np.eye(3))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"polar": True}, "this code has no dielectric_job. Give born_charges and dielectric"),
        ({**COMPUTED, **TENSORS}, "polar is True, and born_charges and dielectric are given"),
        ({"born_charges": TENSORS["born_charges"]}, "born_charges is given without dielectric"),
        ({**TENSORS, "born_charges": [np.eye(3), np.eye(3)]}, "a component of 1 e, and the acoustic sum rule"),
        ({**TENSORS, "dielectric": -np.eye(3)}, "dielectric has the eigenvalue -1"),
    ],
)
@pytest.mark.parametrize("flow", [phonon_flow, qha_flow], ids=lambda flow: flow.name)
def test_bad_input_is_refused_before_anything_runs(flow, changes, message, results_dir):
    with pytest.raises(InputError, match=message):
        flow(rocksalt(), **changes)
    assert not list(results_dir.rglob("JOB-*"))


@pytest.mark.parametrize("choice", deep_but(["computed"], ["computed", "given"], "one flow, and the same numbers"))
def test_thermal_expansion(choice):
    tensors = {"computed": COMPUTED, "given": TENSORS}[choice]
    options = {**SMALL, "supercell_matrix": [1, 1, 1], "relax_ions": False, "ignore_imaginary": True}
    strains = (0.0, 0.02, 0.04, 0.06, 0.08)
    found = qha_flow(rocksalt(), **options, **tensors, strains=strains, t_max=0.0)
    assert [len(runs) for runs in found.get("polar", [])] == ([2] * 5 if choice == "computed" else [])
    longitudinal = [run["phonons"]["bands"]["frequencies"][0, -1] for run in found["phonons"]]
    assert (np.diff(longitudinal) < 0).all()
    assert longitudinal[0] == pytest.approx(optical_modes()[1], abs=1e-3)
    for run, point in zip(found.get("polar", []), found["points"], strict=False):
        assert run[0]["atoms"] == point["atoms"]
    assert len(found["qha"]["volumes"]) == 1
