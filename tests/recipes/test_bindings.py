"""Every code that has the jobs of a common flow has the flow."""

import inspect
import pkgutil
from importlib import import_module

import pytest

from adatom.recipes import common
from adatom.recipes.common import flows, jobs
from adatom.recipes.common.code import unbound
from adatom.recipes.registry import codes, recipes_of
from adatom.workflow import Flow

FLOWS = {
    name: value
    for module in pkgutil.iter_modules(common.__path__, f"{common.__name__}.")
    for name, value in vars(import_module(module.name)).items()
    if isinstance(value, Flow) and value.__module__ == module.name and name in import_module(module.name).__all__
}


def jobs_of(flow):
    return {key for key, value in inspect.signature(flow).parameters.items() if value.default is unbound}


def test_the_flows_are_found():
    assert {"bulk_to_slabs_flow", "slab_to_ads_flow", "bulk_to_defects_flow", "elastic_tensor_flow", "eos_flow",
            "phonon_flow", "qha_flow", "neb_flow", "ts_flow", "irc_flow", "convergence_flow"} <= set(FLOWS)  # fmt: skip
    assert all(jobs_of(flow) <= set(jobs.__all__) and jobs_of(flow) for flow in FLOWS.values())


def test_each_is_a_row_of_the_table():
    assert {name: value for name, value in vars(flows).items() if isinstance(value, Flow)} == FLOWS
    assert all(name == flow.__name__ for name, flow in FLOWS.items())


@pytest.mark.parametrize("code", codes())
def test_a_code_has_the_flows_of_its_jobs(code):
    found = {recipe.function: recipe.step for recipe in recipes_of(code)}
    for name, flow in FLOWS.items():
        if jobs_of(flow) <= set(found):
            assert name in found, f"{code} has {', '.join(jobs_of(flow))} and no {name}"
            assert not jobs_of(found[name]), f"{name} of {code} is bound to no {', '.join(jobs_of(found[name]))}"


@pytest.mark.parametrize("code", codes())
def test_the_jobs_of_a_flow_are_the_codes_own(code):
    for recipe in recipes_of(code):
        if recipe.function in FLOWS:
            parameters = inspect.signature(recipe.step).parameters
            for key in jobs_of(FLOWS[recipe.function]):
                assert parameters[key].default.__module__ == f"adatom.recipes.{code}", (recipe.name, key)
