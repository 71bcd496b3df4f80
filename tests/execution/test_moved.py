"""Tasks that run on another machine, and the paths in what they get and return."""

from pathlib import Path

import pytest

from adatom import change_settings, job
from adatom.errors import IncompleteError
from adatom.execution.call import Batch
from adatom.execution.moved import moved, moved_back
from adatom.execution.worker import pack, unpack
from tests.execution.calls import call_of


@pytest.fixture
def place(tmp_path):
    """Directory for all paths of a machine whose results are in ``/there/results``."""
    place = tmp_path / "place"
    (place / "there/results/FLOW-a/failed-JOB-b").mkdir(parents=True)
    (place / "there/results/FLOW-a/JOB-a").mkdir()
    (place / "there/data").mkdir()
    return str(place)


def run(place, function, *args):
    with change_settings(results_dir="/there/results"):
        call = call_of(function, *args, directory="/there/results/FLOW-a/JOB-c")
    return moved(call, place), call


@job
def same(*values):
    return list(values)


@pytest.mark.parametrize(
    "path",
    ["/there/results/FLOW-a/JOB-a", "/there/results/FLOW-a/JOB-b", "/there/data", Path("/there/results/FLOW-a")],
)
def test_paths_that_are_there(place, path):
    work, call = run(place, same, {"dir_name": path}, [1, path])
    answer = pack(work)
    assert unpack(answer) == [{"dir_name": type(path)(place + str(path))}, [1, type(path)(place + str(path))]]
    assert unpack(moved_back(call, answer, place)) == [{"dir_name": path}, [1, path]]


@pytest.mark.parametrize(
    "text", ["/", "/there", "/there/results", "/there/results/x", "/tmp", "there/data", "", "/" * 9999]
)
def test_text_that_is_none_of_these(place, text):
    work, _ = run(place, same, text)
    assert unpack(pack(work)) == [text]


def test_a_failure_names_the_directory_of_the_caller(place):
    @job
    def fail():
        raise IncompleteError("no time")

    work, call = run(place, fail)
    failure = unpack(moved_back(call, pack(work), place))
    assert failure.directory == "/there/results/FLOW-a/failed-JOB-c"
    assert (Path(place) / "there/results/FLOW-a/failed-JOB-c/error.txt").exists()


def test_a_batch(place):
    _, call = run(place, same, "/there/data")
    answer = pack(moved(Batch("b", [call, call], b""), place))
    outcomes, seconds = unpack(moved_back(Batch("b", [call, call], b""), answer, place))
    assert [unpack(one) for one in outcomes] == [["/there/data"]] * 2
    assert seconds > 0
