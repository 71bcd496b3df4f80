import pytest
from ase.build import bulk, fcc111

from adatom import FlowFailure, flow
from adatom.errors import InputError, UnknownNameError
from adatom.recipes.common import slabs as common
from adatom.recipes.emt.core import relax_job
from adatom.recipes.emt.slabs import bulk_to_slabs_flow, slab_to_ads_flow
from adatom.recipes.lj import slabs as lj

SMALL = {"min_slab_size": 4.0, "min_vacuum_size": 10.0, "min_length_width": None}


def test_slabs_of_copper(results_dir):
    result = bulk_to_slabs_flow(bulk("Cu"))
    energies = {kind: sorted((len(r["atoms"]), r["results"]["energy"]) for r in result[kind]) for kind in result}
    expected = [(64, 10.894242), (80, 11.2063), (80, 12.748511), (96, 14.134421)]
    for kind in ("relax", "static"):
        assert [n for n, _ in energies[kind]] == [n for n, _ in expected]
        assert [e for _, e in energies[kind]] == pytest.approx([e for _, e in expected], abs=1e-4)
    assert len(list(results_dir.rglob("relax.traj"))) == len(list(results_dir.rglob("static.traj"))) == 4
    for relaxed, static in zip(result["relax"], result["static"], strict=True):
        assert static["input_atoms"] == relaxed["atoms"]
        assert static["atoms"].info["miller_index"] == relaxed["atoms"].info["miller_index"]


def test_without_statics(results_dir):
    result = bulk_to_slabs_flow(bulk("Cu"), run_static=False, slab_kwargs=SMALL)
    assert set(result) == {"relax"}
    assert len(result["relax"]) == len(list(results_dir.rglob("*.traj"))) == 4


def test_in_another_flow_with_a_future():
    @flow
    def workflow(atoms):
        relaxed = relax_job(atoms, relax_cell=True)
        return {"bulk": relaxed, "slabs": bulk_to_slabs_flow(relaxed["atoms"], slab_kwargs=SMALL)}

    out = workflow(bulk("Cu", a=3.7))
    assert len(out["slabs"]["static"]) == 4
    # the slabs are cut from the relaxed crystal
    edge = min(out["slabs"]["relax"][0]["input_atoms"].cell.lengths()[:2])
    assert edge == pytest.approx(out["bulk"]["atoms"].cell.lengths()[0], rel=1e-6)
    assert edge < 3.6 / 2**0.5


def test_adsorbates():
    slab = fcc111("Cu", (2, 2, 2), vacuum=8, periodic=True)
    result = slab_to_ads_flow(slab, "O", ads_kwargs={"distance": 1.2})
    assert [r["atoms"].info["site"] for r in result["relax"]] == ["ontop", "bridge", "hollow", "hollow"]
    energies = {
        (r["atoms"].info["site"], r["atoms"].info["site_index"]): r["results"]["energy"] for r in result["static"]
    }
    assert energies["hollow", 0] < energies["bridge", 0] < energies["ontop", 0]
    assert set(slab_to_ads_flow(slab, "H", run_static=False)) == {"relax"}


@pytest.mark.filterwarnings("ignore")
def test_a_flow_without_a_code_says_so():
    with pytest.raises((InputError, FlowFailure), match=r"bound to no code.*adatom.recipes.emt"):
        common.bulk_to_slabs_flow(bulk("Cu"), slab_kwargs=SMALL)


def test_jobs_are_arguments():
    result = common.bulk_to_slabs_flow(bulk("Cu"), relax_job=relax_job, run_static=False, slab_kwargs=SMALL)
    assert {r["parameters"]["calculator"]["name"] for r in result["relax"]} == {"EMT"}


def test_the_code_is_bound():
    result = lj.bulk_to_slabs_flow(bulk("Ar", "fcc", 5.3), slab_kwargs=SMALL, run_static=False)
    assert {r["parameters"]["calculator"]["name"] for r in result["relax"]} == {"LennardJones"}


def test_job_params_reach_the_jobs():
    result = bulk_to_slabs_flow(
        bulk("Cu"),
        slab_kwargs=SMALL,
        job_params={"relax_job": {"fmax": 0.05}, "all": {"calc_kwargs": {"asap_cutoff": True}}},
    )
    assert {r["parameters"]["fmax"] for r in result["relax"]} == {0.05}
    assert {r["parameters"]["calculator"]["asap_cutoff"] for r in result["relax"] + result["static"]} == {True}


def test_bad_arguments_are_refused_before_any_job(results_dir):
    with pytest.raises((UnknownNameError, FlowFailure), match="Did you mean 'max_index'"):
        bulk_to_slabs_flow(bulk("Cu"), slab_kwargs={"max_indx": 2})
    with pytest.raises((UnknownNameError, FlowFailure), match="Did you mean 'distance'"):
        slab_to_ads_flow(fcc111("Cu", (1, 1, 2), vacuum=8), "O", ads_kwargs={"distanc": 2})
    assert not list(results_dir.rglob("*.traj"))
