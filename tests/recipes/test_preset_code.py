"""A code with presets: its jobs take one, and the user's arguments go over it."""

import inspect
import pickle
import sys

import pytest
from ase.build import bulk

from adatom import JobFailure, Remove
from adatom.errors import InputError, UnknownNameError

CODE = """
from ase.calculators.emt import EMT

from adatom.recipes.common import jobs
from adatom.recipes.common.preset_code import PresetCode


def make(atoms, *, asap_cutoff=False, fixed_cutoff=True, only=None):
    assert only is None or set(atoms.symbols) <= set(only)
    return EMT(asap_cutoff=asap_cutoff, fixed_cutoff=fixed_cutoff)


emt = PresetCode("EMT", make, parameters=("asap_cutoff", "fixed_cutoff", "only"), preset="usual.yaml")
static_job = emt.job(jobs.static_job)
ase_relax_job = emt.job(jobs.relax_job, name="ase_relax_job")
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    (tmp_path / "adatom_presets.py").write_text(CODE)
    (tmp_path / "usual.yaml").write_text("asap_cutoff: true\nonly: [Cu]\n")
    (tmp_path / "other.yaml").write_text("parent: ./usual.yaml\nfixed_cutoff: false\nonly: Remove\n")
    monkeypatch.syspath_prepend(tmp_path)
    import adatom_presets

    yield adatom_presets
    del sys.modules["adatom_presets"]


def used(result):
    parameters = result["parameters"]["calculator"]
    return parameters["asap_cutoff"], parameters["fixed_cutoff"]


def test_the_default_the_chosen_one_and_the_users_arguments(code):
    assert used(code.static_job(bulk("Cu"))) == (True, True)
    assert used(code.static_job(bulk("Al"), preset="other.yaml")) == (True, False)
    assert used(code.static_job(bulk("Cu"), calc_kwargs={"asap_cutoff": False})) == (False, True)
    changes = {"asap_cutoff": Remove, "fixed_cutoff": Remove}
    assert used(code.static_job(bulk("Cu"), preset="other.yaml", calc_kwargs=changes)) == (False, True)


def test_the_calculator_is_made_for_the_structure(code):
    with pytest.raises(JobFailure, match="AssertionError"):
        code.static_job(bulk("Al"))


def test_the_job_is_documented_and_goes_by_reference(code):
    job = code.ase_relax_job
    assert job.__name__ == "ase_relax_job"
    assert pickle.loads(pickle.dumps(job)) is job
    names = list(inspect.signature(job).parameters)
    assert names[0] == "atoms"
    assert names[names.index("preset") + 1] == "calc_kwargs"
    for name in names:
        assert job.__doc__.count(f"\n{name}\n") == 1
    assert inspect.signature(job).parameters["preset"].default == "usual.yaml"


def test_mistakes(code, results_dir):
    with pytest.raises(UnknownNameError, match="Did you mean 'asap_cutoff'"):
        code.static_job.fn(bulk("Cu"), calc_kwargs={"asap_cutof": 1})
    with pytest.raises(InputError, match=r"no preset 'nowhere.yaml'"):
        code.static_job.fn(bulk("Cu"), preset="nowhere.yaml")
    assert not results_dir.exists()


def test_another_content_of_a_preset_is_another_key(code, tmp_path):
    job = code.static_job.with_options(cache="inputs")
    first = job(bulk("Cu"), preset=str(tmp_path / "usual.yaml"))
    again = job(bulk("Cu"), preset=str(tmp_path / "usual.yaml"))
    assert again["dir_name"] == first["dir_name"]
    (tmp_path / "usual.yaml").write_text("asap_cutoff: false\n")
    changed = job(bulk("Cu"), preset=str(tmp_path / "usual.yaml"))
    assert used(changed) == (False, True)
