"""Exceptions say what was wrong and what would be right, also after a journey."""

import copy
import pickle
from pathlib import Path

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom import errors
from adatom.errors import (
    AdatomError,
    BatchJobError,
    FlowFailure,
    ItemError,
    JobFailure,
    MissingExtraError,
    UnfinishedError,
    UnknownNameError,
)
from adatom.execution.failure import Failure
from adatom.machines import BatchResult, Outcome, State

FAILED = Failure("relax Cu", "/results/failed-x", "ValueError", "wrong", "Traceback: line 1\nline 2\n", "node1", 42)
SKIPPED = FAILED.skip("static Cu")
EXAMPLES = [
    UnknownNameError("optimizer", "BFSG", ["BFGS", "FIRE"], "See the table."),
    MissingExtraError("prefect", "prefect"),
    JobFailure(FAILED),
    FlowFailure("workflow", [FAILED, SKIPPED], {"a": [1, FAILED]}),
    BatchJobError("what was wrong", BatchResult("7", "x-1", Outcome(State.TIMEOUT), *map(Path, "abc"))),
    ItemError("stopped at structure 2", FAILED, ["done"], ["left"]),
    UnfinishedError("stopped after 2 structures", ["done"], ["left"]),
]
KNOWN = {type(error) for error in EXAMPLES}
EXAMPLES += [kind("what was wrong") for kind in map(vars(errors).get, errors.__all__) if kind not in KNOWN]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "travel", [copy.copy, lambda e: pickle.loads(pickle.dumps(e)), lambda e: cloudpickle.loads(cloudpickle.dumps(e))]
)
def test_errors_travel(error, travel):
    arrived = travel(error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)


def test_every_error_is_one_of_the_tree_and_a_usual_one_too():
    for kind in map(vars(errors).get, errors.__all__):
        assert issubclass(kind, AdatomError)
        assert f" {kind.__name__} " in f"{errors.__doc__} " or kind is AdatomError
    usual = {
        "InputError": ValueError,
        "MissingExtraError": ImportError,
        "StorageError": OSError,
        "EngineError": RuntimeError,
        "JobTimeoutError": TimeoutError,
    }
    for name, builtin in usual.items():
        assert issubclass(getattr(errors, name), builtin)


def test_an_unknown_name_says_the_nearest_the_valid_and_the_next_step():
    assert str(EXAMPLES[0]) == ("Unknown optimizer 'BFSG'. Did you mean 'BFGS'? Valid: BFGS, FIRE. See the table.")
    assert str(UnknownNameError("engine", "queue", ["dask"])) == "Unknown engine 'queue'. Valid: dask."
    assert str(UnknownNameError("engine", None, [])) == "Unknown engine None. Valid: none."


@given(st.sets(st.text("abcdefgh_", min_size=4, max_size=9), min_size=1, max_size=6), st.data())
def test_a_name_in_another_case_is_recognised_and_all_valid_ones_are_listed(valid, data):
    name = data.draw(st.sampled_from(sorted(valid)))
    message = str(UnknownNameError("thing", name.upper(), valid))
    assert f"Did you mean {name!r}?" in message
    assert f"Valid: {', '.join(sorted(valid))}." in message


def test_a_missing_extra_gives_the_line_that_installs_it():
    assert (
        str(MissingExtraError("parsl", "parsl")) == "parsl is not installed. Get it with: pip install 'adatom[parsl]'"
    )


def test_the_failure_of_a_flow_lists_what_failed_and_then_what_was_skipped():
    lines = str(FlowFailure("workflow", [FAILED, SKIPPED])).splitlines()
    assert lines[0] == "workflow: 1 failed, 1 skipped."
    assert lines[1] == "relax Cu: ValueError: wrong"
    assert lines[-1] == "static Cu: Skipped: needs relax Cu, which failed"
    assert "  | line 2" in lines
    assert "  files: /results/failed-x" in lines


def test_the_failure_of_a_flow_does_not_show_the_values_it_carries():
    error = FlowFailure("workflow", [FAILED], {"long": "x" * 1000})
    assert len(str(error)) + len(repr(error)) < 1000
    assert error.value == {"long": "x" * 1000}
