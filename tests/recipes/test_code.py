"""A new code is one small file."""

import inspect
import sys

import pytest
from ase.build import bulk

from adatom.errors import InputError
from adatom.recipes.common.code import Code
from adatom.recipes.emt import static_job

NEW_CODE = """
from ase.calculators.morse import MorsePotential

from adatom.recipes.common import jobs
from adatom.recipes.common.code import Code
from adatom.recipes.common.flows import *

morse = Code("Morse", MorsePotential, parameters=tuple(MorsePotential.default_parameters))

static_job = morse.job(jobs.static_job)
relax_job = morse.job(jobs.relax_job)

morse.bind_flows()
"""


@pytest.fixture
def new_code(tmp_path, monkeypatch):
    (tmp_path / "adatom_morse.py").write_text(NEW_CODE)
    monkeypatch.syspath_prepend(tmp_path)
    import adatom_morse

    yield adatom_morse
    del sys.modules["adatom_morse"]


def test_its_jobs_and_flows_run(new_code):
    kwargs = {"epsilon": 0.3, "r0": 2.5, "rho0": 4.0, "rcut1": 4.0, "rcut2": 5.0}
    assert new_code.static_job.__module__ == "adatom_morse"
    result = new_code.static_job(bulk("Cu"), calc_kwargs=kwargs)
    assert result["parameters"]["calculator"]["name"] == "MorsePotential"
    slabs = new_code.bulk_to_slabs_flow(
        bulk("Cu"),
        run_static=False,
        slab_kwargs={"min_length_width": None, "min_slab_size": 4},
        job_params={"relax_job": {"calc_kwargs": kwargs}},
    )
    assert len(slabs["relax"]) == 4


def test_a_calculator_is_never_shared():
    made = []

    def make():
        made.append(object())
        return made[-1]

    code = Code("X", make)
    assert code.calculator(bulk("Cu")) is not code.calculator(bulk("Cu"))


def test_a_bound_job_shows_its_defaults():
    bound = static_job.bind(calc_kwargs={"asap_cutoff": True})
    assert inspect.signature(bound).parameters["calc_kwargs"].default == {"asap_cutoff": True}
    assert inspect.signature(static_job).parameters["calc_kwargs"].default is None
    assert next(iter(inspect.signature(bound).parameters)) == "atoms"


def test_its_own_check_comes_before_the_calculator():
    def make(**calc_kwargs):
        raise AssertionError("made")

    def check(atoms, calc_kwargs):
        if calc_kwargs.get("cutoff", 0) < len(atoms):
            raise InputError(f"cutoff is {calc_kwargs}")

    code = Code("X", make, parameters=("cutoff",), check=check)
    with pytest.raises(InputError, match="cutoff is {}"):
        code.calculator(bulk("Cu"))
    with pytest.raises(AssertionError, match="made"):
        code.calculator(bulk("Cu"), {"cutoff": 1})
