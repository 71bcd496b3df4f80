"""Recipes with any calculator of ASE."""

import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

from adatom import JobFailure
from adatom.recipes import ase, emt
from tests.codes import provide_code


@pytest.mark.parametrize("calculator", ["emt", "ase.calculators.emt:EMT", EMT, EMT(), (EMT, [], {}), lambda: EMT()])
def test_a_calculator_is_named_in_many_ways(calculator):
    found = ase.static_job(bulk("Cu"), calculator=calculator)
    assert found["results"]["energy"] == emt.static_job(bulk("Cu"))["results"]["energy"]


def test_arguments_reach_the_calculator():
    kwargs = {"sigma": 3.4, "epsilon": 0.01, "rc": 12.0}
    by_hand = bulk("Ar")
    by_hand.calc = LennardJones(**kwargs)
    found = ase.static_job(bulk("Ar"), calculator="lj", calc_kwargs=kwargs)
    assert found["results"]["energy"] == by_hand.get_potential_energy()


def test_a_flow():
    one, other = ase.eos_flow(bulk("Cu"), job_params={"all": {"calculator": "emt"}}), emt.eos_flow(bulk("Cu"))
    assert one["eos"]["bulk_modulus"] == pytest.approx(other["eos"]["bulk_modulus"])


def test_a_program_runs_in_a_directory_of_its_own(tmp_path, monkeypatch):
    provide_code("mopac")
    monkeypatch.chdir(tmp_path)
    found = ase.static_job(molecule("H2O"), calculator="mopac", calc_kwargs={"method": "PM6"})
    assert found["parameters"]["calculator"]["method"] == "PM6"
    assert {path.name for path in tmp_path.iterdir()} == {"results"}


@pytest.mark.parametrize(
    ("calculator", "message"),
    [
        (None, "Which calculator"),
        ("orka", "Unknown calculator of ASE 'orka'. Did you mean 'orca'"),
        ("orca", "ORCA cannot be made: No configuration of .*configuration file, which `ase info` names"),
        ("nowhere:Calculator", "'nowhere:Calculator' cannot be imported: No module named 'nowhere'"),
        ("ase.calculators.emt:EMD", "cannot be imported: module 'ase.calculators.emt' has no attribute 'EMD'"),
        (3, "The calculator is 3"),
    ],
)
def test_what_is_no_calculator_is_refused(calculator, message, monkeypatch):
    monkeypatch.delenv("ASE_ORCA_COMMAND", raising=False)
    with pytest.raises(JobFailure, match=message):
        ase.static_job(molecule("H2O"), calculator=calculator)
