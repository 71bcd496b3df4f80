"""Why a call is a miss: what differs from the nearest stored result."""

import pytest
from ase.build import bulk

from adatom import change_settings, explain, job
from adatom.cache.canonical import UnhashableError
from adatom.recipes.emt import relax_job, static_job


@pytest.fixture(autouse=True)
def own_cache(tmp_path):
    with change_settings(cache_dir=tmp_path / "cache", cache="on", results_dir=tmp_path / "results"):
        yield


def parts(explanation):
    return {difference.part for difference in explanation.differences}


def test_nothing_is_stored_yet(tmp_path):
    found = explain(static_job, bulk("Cu"))
    assert (found.hit, found.differences, found.nearest) == (False, (), "")
    assert "No result of adatom.recipes.emt:static_job is in" in found.reason
    assert not (tmp_path / "cache").exists()


def test_a_hit():
    result = static_job(bulk("Cu"))
    found = explain(static_job, bulk("Cu"))
    assert found.hit
    assert str(found).startswith(f"hit: adatom.recipes.emt:static_job {found.key}")
    assert static_job(bulk("Cu"))["provenance"]["cached_from"] == found.key
    assert "cached_from" not in result["provenance"]


def test_what_differs_is_named():
    for fmax in (0.5, 0.01):
        relax_job(bulk("Cu"), fmax=fmax)
    moved = bulk("Cu")
    moved.positions += 0.1
    strained = bulk("Cu", a=3.7)
    assert parts(explain(relax_job, bulk("Cu"), fmax=0.02)) == {"fmax"}
    assert parts(explain(relax_job, moved)) == {"atoms.positions"}
    assert parts(explain(relax_job, strained)) == {"atoms.cell"}
    assert parts(explain(relax_job, strained, calc_kwargs={"asap_cutoff": True})) > {"atoms.cell", "calc_kwargs"}
    near = explain(relax_job, bulk("Cu"), fmax=0.02)
    assert near.nearest == explain(relax_job, bulk("Cu")).key  # the newest of those that differ as little
    assert "fmax: 0.02, stored: 0.01" in str(near)
    assert "atoms.positions" in str(explain(relax_job, moved))


def test_the_code_that_changed_is_named():
    cells = {"__name__": "notebook"}
    exec("def helper(x): return x + 1", cells)
    exec("def recipe(x): return helper(x)", cells)
    recipe = job(cells["recipe"])
    recipe(1)
    assert explain(recipe, 1).hit
    exec("def helper(x): return x + 2", cells)
    found = explain(recipe, 1)
    assert parts(found) == {"source"}
    assert found.differences[0].code == ("notebook.helper",)
    assert "source: notebook.helper changed" in str(found)
    assert recipe(1) == 3


def test_what_has_no_key_is_an_error_by_name():
    loop = []
    loop.append(loop)
    with pytest.raises(UnhashableError, match="atoms"):
        explain(static_job, loop)
    with pytest.raises(TypeError, match="missing a required argument: 'atoms'"):
        explain(static_job)


def test_with_the_cache_off_it_says_so():
    static_job(bulk("Cu"))
    with change_settings(cache="off"):
        found = explain(static_job, bulk("Cu"))
        assert not found.hit
        assert "ADATOM_CACHE=on" in found.reason
        assert "The result is stored" in found.reason
