"""What can be said of a job or a flow is checked where it is said."""

import warnings
from dataclasses import FrozenInstanceError

import pytest

from adatom import change_settings, flow, job
from adatom.errors import InputError, UnknownNameError
from adatom.machines import Resources
from adatom.workflow.options import FlowOptions, JobOptions, UnusedResourceWarning, label, with_changes


def test_changed_options_leave_the_original_alone():
    options = JobOptions(retries=1)
    assert with_changes(options, {"timeout": 5, "name": "x"}) == JobOptions(name="x", retries=1, timeout=5)
    assert options == JobOptions(retries=1)
    with pytest.raises(FrozenInstanceError):
        options.retries = 2


def test_an_unknown_option_names_the_nearest_and_the_valid():
    valid = "Valid: batch_function, cache, engine_options, failed_inputs, key_functions, label, lockstep, name, persist"
    with pytest.raises(UnknownNameError, match=f"'retires'. Did you mean 'retries'.*{valid}"):
        with_changes(JobOptions(), {"retires": 2})
    valid = "Valid: cache, engine_options, label, name, on_failure, refresh_cache, runner"
    with pytest.raises(UnknownNameError, match=f"'retries'.*{valid}"):
        with_changes(FlowOptions(), {"retries": 2})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("retries", value) for value in (-1, 1.5, "2", None)),
        *(("retry_delay", value) for value in (-0.1, "1 s", float("nan"), None)),
        *(("cache", value) for value in ("source", "yes", 2)),
        ("reads", "info"),
        *(("timeout", value) for value in (0, -1, "1 h", float("nan"))),
        *(("lockstep", value) for value in (0, -1, 1.5, "2")),
    ],
)
def test_a_value_out_of_range_is_shown_with_what_would_be_right(name, value):
    with pytest.raises(InputError, match=f"{name}=.*: give "):
        JobOptions(**{name: value})


def test_jobs_that_run_together_have_no_process_of_their_own():
    with pytest.raises(InputError, match="lockstep=2 and timeout=3: .* Leave one of them out"):
        JobOptions(lockstep=2, timeout=3)


def test_values_at_the_edge_are_allowed():
    JobOptions(lockstep=1)
    JobOptions(retries=0, retry_delay=0, timeout=1e-3)
    JobOptions(timeout=float("inf"))
    JobOptions(timeout=None)


def test_resources_have_the_words_of_the_field():
    words = dict.fromkeys(Resources.model_fields, 1)
    assert JobOptions(resources=words).resources == Resources(**words)
    assert JobOptions(resources=Resources(nodes=2)) == JobOptions(resources={"nodes": 2})
    with pytest.raises(UnknownNameError, match=r"Resources 'gpu_per_node'. Did you mean 'gpus_per_node'"):
        JobOptions(resources={"gpu_per_node": 1})


def test_a_flow_raises_or_returns():
    assert FlowOptions().on_failure == "raise"
    with pytest.raises(UnknownNameError, match=r"on_failure 'retrun'. Did you mean 'return'"):
        flow(lambda: None, on_failure="retrun")


def test_a_resource_that_is_not_honoured_is_warned_of():
    @job(resources={"memory": "2 GB", "gpus_per_node": 1})
    def needy(value=0):
        return value

    @flow
    def workflow():
        return needy()

    with change_settings(workflow_engine="local"):
        for call in (needy, lambda: needy.submit().result(), lambda: needy.map([1]), workflow):
            with pytest.warns(UnusedResourceWarning, match="needy asks for gpus_per_node, memory, .* local") as seen:
                call()
            assert len(seen) == 1
    assert seen[0].filename == __file__  # the line in the body of the flow


def test_a_job_that_asks_for_nothing_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert job(lambda: 1)() == 1


def test_names_of_jobs_show_what_a_type_registers():
    class Molecule:
        def __init__(self, formula):
            self.formula = formula

    @job
    def look(thing):
        raise ValueError("seen")

    assert label(Molecule("H2O")) == label("text") == label(None) == ""
    label.register(Molecule, lambda molecule: molecule.formula)
    assert label(Molecule("H2O")) == "H2O"
    failure = look.submit(Molecule("H2O")).result(raise_on_failure=False)
    assert failure.job == "look H2O"
    assert "failed-JOB-look-H2O-" in failure.directory
