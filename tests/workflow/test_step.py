"""Jobs and flows look like the functions in them, and travel."""

import inspect
import pickle
import runpy
import typing

import cloudpickle
import pytest

from adatom import Remove, change_settings, flow, job, strip, subflow
from adatom.errors import InputError, UnknownNameError
from adatom.workflow.options import JobOptions
from tests.engines.jobs import Pair, add, add_each, collect, inner_flow, mult
from tests.interpreter import run

HERE = __name__


@job
def relax(atoms: str, fmax: float = 0.01, *, steps: int = 100) -> dict[str, float]:
    """Relax a structure."""
    return {"fmax": fmax, "steps": steps}


tight_relax = relax.bind(fmax=0.001)


class Recipes:
    scale = 3

    @job
    def scaled(self, value):
        return self.scale * value

    @staticmethod
    @job
    def static(value):
        return value


# --- Looks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [job, flow, subflow, job(), flow(), subflow(), job(retries=1), flow(name="x")])
def test_a_step_looks_like_its_function(make):
    step = make(strip(relax))
    assert step.__name__ == "relax"
    assert step.__doc__ == "Relax a structure."
    assert (step.__module__, step.__qualname__) == (HERE, "relax")
    assert inspect.signature(step) == inspect.signature(step.fn)
    assert str(inspect.signature(step)) == "(atoms: str, fmax: float = 0.01, *, steps: int = 100) -> dict[str, float]"
    assert typing.get_type_hints(step) == {"atoms": str, "fmax": float, "steps": int, "return": dict[str, float]}
    assert step.fn is strip(relax)


def test_its_name_is_that_of_the_function_or_of_the_option():
    assert relax.name == "relax"
    assert relax.with_options(name="other").name == "other"
    assert repr(relax) == f"<Job {HERE}.relax>"
    assert repr(inner_flow) == "<Flow tests.engines.jobs.inner_flow>"


def test_strip_gives_the_plain_function():
    assert strip(relax)("x") == {"fmax": 0.01, "steps": 100}
    assert strip(len) is len
    assert strip(strip(relax)) is relax.fn


def test_on_an_engine_without_flows_native_is_the_plain_function():
    assert inner_flow.native is inner_flow.fn


# --- Changed copies ---------------------------------------------------------------------------------------------------


def test_other_options_leave_the_original_alone():
    changed = relax.with_options(retries=3).with_options(timeout=5)
    assert (changed.options.retries, changed.options.timeout) == (3, 5)
    assert relax.options == JobOptions()
    assert changed.fn is relax.fn
    assert type(changed) is type(relax)
    assert job(relax, retries=3).options == relax.with_options(retries=3).options


def test_bound_defaults_are_used_and_shown():
    assert tight_relax("x") == {"fmax": 0.001, "steps": 100}
    assert tight_relax("x", fmax=0.5, steps=1) == {"fmax": 0.5, "steps": 1}
    assert tight_relax.fn("x") == {"fmax": 0.001, "steps": 100}
    assert relax("x") == {"fmax": 0.01, "steps": 100}
    assert inspect.signature(tight_relax).parameters["fmax"].default == 0.001
    assert inspect.signature(relax).parameters["fmax"].default == 0.01
    assert tight_relax.__doc__ == relax.__doc__


def test_bound_defaults_add_up():
    bound = relax.bind(fmax=1).bind(steps=2).with_options(retries=1).bind(fmax=3)
    assert bound("x") == {"fmax": 3, "steps": 2}
    assert bound.options.retries == 1


def test_an_earlier_parameter_may_be_bound():
    bound = add.bind(a=10)
    assert bound(b=5) == 15
    assert bound() == 11
    assert str(inspect.signature(bound)) == "(*, a=10, b=1)"


def test_a_name_that_is_no_parameter_cannot_be_bound():
    with pytest.raises(UnknownNameError, match=r"parameter of relax 'fmx'. Did you mean 'fmax'"):
        relax.bind(fmx=1)
    assert collect.bind(anything=1)() == {"args": (), "kwargs": {"anything": 1}}


def show(number=0, kwargs=None):
    return number, kwargs


def test_layers_of_dictionaries_are_laid_over_one_another():
    """Those of `bind`, of "all", of the name and of the call, as with presets."""
    bound = job(show).bind(kwargs={"a": 1, "deep": {"x": 1}})
    assert bound.bind(kwargs={"b": 2})() == (0, {"a": 1, "b": 2, "deep": {"x": 1}})
    assert bound(kwargs={"deep": {"y": 2}}) == (0, {"a": 1, "deep": {"x": 1, "y": 2}})
    assert bound.map([5], kwargs={"b": 2}) == [(5, {"a": 1, "b": 2, "deep": {"x": 1}})]
    assert bound.submit(kwargs={"b": 2}).result() == (0, {"a": 1, "b": 2, "deep": {"x": 1}})
    assert bound(kwargs=None) == (0, None)

    @flow
    def workflow(show_job=bound, more=None):
        return show_job(**(more or {}))

    params = {"all": {"kwargs": {"b": 2}}, "show_job": {"kwargs": {"deep": {"y": 3}}}}
    laid = {"a": 1, "b": 2, "deep": {"x": 1, "y": 3}}
    assert workflow(job_params=params) == (0, laid)
    assert workflow(job_params=params, more={"kwargs": {"c": 4}}) == (0, {**laid, "c": 4})
    assert workflow.bind(more={"number": 1}).bind(more={"kwargs": {"b": 2}})()[0] == 1
    assert workflow.bind(more={"number": 1})(more={"kwargs": {"b": 2}})[0] == 1


def test_remove_takes_away():
    bound = job(show).bind(number=7, kwargs={"a": 1})
    assert bound.bind(number=Remove)() == (0, {"a": 1})
    assert bound(number=Remove) == (0, {"a": 1})
    assert bound(kwargs=Remove) == (7, None)
    with pytest.raises(InputError, match="add has no default of its own for 'a', which the call removes"):
        add.bind(a=10)(b=1, a=Remove)
    with pytest.raises(InputError, match="collect has no default of its own for 'anything'"):
        collect.bind(anything=1)(anything=Remove)

    @flow
    def workflow(show_job=bound):
        return show_job()

    assert workflow(job_params={"all": {"number": Remove}}) == (0, {"a": 1})
    assert workflow(job_params={"show_job": {"kwargs": Remove}}) == (7, None)


def test_a_name_that_is_no_option_is_refused_where_it_is_written():
    for make in (job, relax.with_options):
        with pytest.raises(UnknownNameError, match="Did you mean 'retry_delay'"):
            make(retry_dely=1)
    for make in (flow, subflow):
        with pytest.raises(UnknownNameError, match="Did you mean 'on_failure'"):
            make(on_failur="return")


# --- Methods ----------------------------------------------------------------------------------------------------------


def test_a_job_may_be_a_method():
    recipes = Recipes()
    recipes.scale = 5
    assert recipes.scaled(2) == 10
    assert Recipes.scaled(recipes, 2) == 10
    assert recipes.static(2) == Recipes.static(2) == 2
    assert Recipes.scaled.name == "scaled"


def test_a_method_travels():
    with change_settings(local_workers=2):
        assert Recipes().scaled(2) == 6


# --- Travel -----------------------------------------------------------------------------------------------------------

CALL = """
import pickle, sys
step, args = pickle.load(open(sys.argv[1], "rb"))
print(step(*args), getattr(step.options, "retries", 0))
"""


def call_elsewhere(tmp_path, step, *args, dumps=cloudpickle.dumps):
    """What a step gives, and its retries, in another interpreter."""
    (tmp_path / "step").write_bytes(dumps((step, args)))
    return run(CALL, tmp_path, tmp_path / "step").strip()


@pytest.mark.parametrize("step", [relax, add, add_each, inner_flow, Recipes.scaled, Recipes.static])
def test_what_can_be_imported_travels_by_reference(step):
    packed = pickle.dumps(step)
    assert pickle.loads(packed) is step
    assert len(packed) < 150
    assert len(cloudpickle.dumps(step)) < 150


def test_references_arrive_in_another_interpreter(tmp_path):
    assert call_elsewhere(tmp_path, add, 1, 2, dumps=pickle.dumps) == "3 0"
    assert call_elsewhere(tmp_path, tight_relax, "x", dumps=pickle.dumps) == "{'fmax': 0.001, 'steps': 100} 0"


def test_changed_copies_of_what_can_be_imported_travel_light(tmp_path):
    bound, eager = mult.bind(b=20), mult.with_options(retries=4)
    assert call_elsewhere(tmp_path, bound, 3, dumps=pickle.dumps) == "60 0"
    assert call_elsewhere(tmp_path, eager, 3, 4, dumps=pickle.dumps) == "12 4"
    assert call_elsewhere(tmp_path, eager.bind(b=20), 3, dumps=pickle.dumps) == "60 4"
    assert max(len(pickle.dumps(step)) for step in (bound, eager, tight_relax)) < 500


def test_closures_travel_by_value(tmp_path):
    offset = 40

    @job(retries=2)
    def closure(value, b=0):
        return value + offset + b

    assert call_elsewhere(tmp_path, closure, 2) == "42 2"
    assert call_elsewhere(tmp_path, closure.bind(b=1), 2) == "43 2"
    assert call_elsewhere(tmp_path, job(lambda x: x * 2), 4) == "8 0"


def test_a_bound_flow_travels(tmp_path):
    assert call_elsewhere(tmp_path, inner_flow.bind(b=5), 2) == "{'sum': 7, 'product': 10} 0"


def test_a_job_in_an_argument_travels():
    assert cloudpickle.loads(cloudpickle.dumps({"x": [add]}))["x"][0] is add
    arrived = cloudpickle.loads(cloudpickle.dumps(Pair(add.bind(b=4), None)))
    assert arrived.left(1) == 5


SCRIPT = """
from adatom import job

@job
def twice(value):
    return 2 * value
"""


@pytest.mark.parametrize("start", ["run_path", "exec"])
def test_a_job_of_a_script_that_is_no_module_travels_by_value(tmp_path, start):
    """As run by `runpy`, `exec`, a notebook or a documentation tool."""
    (tmp_path / "script.py").write_text(f"{SCRIPT}\nresult = twice(4)")
    with change_settings(local_workers=2):
        if start == "run_path":
            result = runpy.run_path(str(tmp_path / "script.py"))["result"]
        else:
            exec((tmp_path / "script.py").read_text(), space := {})
            result = space["result"]
    assert result == 8


def test_a_script_needs_no_guard_and_its_functions_travel_by_value(tmp_path):
    script = f"{SCRIPT}\ndef helper(x):\n    return twice(x)\nprint(twice(4), twice.bind(value=5)(), job(helper)(6))"
    assert run(script, tmp_path, ADATOM_LOCAL_WORKERS=2) == "8 10 12\n"
