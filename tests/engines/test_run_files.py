"""Files of jobs that come from a host, which is not trusted with their names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.engines.queue import far_end
from adatom.engines.queue.received import Received
from adatom.engines.queue.run_files import RunFiles

RUN = "/home/me/results/FLOW-a/JOB-b-0123456789ab"


@pytest.fixture
def run(tmp_path):
    """Final path of the directory of a run, whose task is called ``task``."""
    spool = tmp_path / "spool"
    for folder in ("done", "kept", "files"):
        (spool / folder).mkdir(parents=True)
    run = tmp_path / "results/FLOW-a/JOB-b-0123456789ab"
    (spool / "files/task").write_bytes(RunFiles([str(run)], ["*"], 100).packed)
    return run


def keep(run: Path, *parts: list) -> set[str]:
    files = {str(number): b"text" for number in range(len(parts))}
    received = Received(run.parents[2] / "spool")
    return received.keep("host", [list(part) for part in parts], files)


@pytest.mark.parametrize("name", ["", "failed-", "running-", "failed-running-"])
@pytest.mark.parametrize("end", ["", "-try2", "-try12-again", "-again-again", "-other", "x"])
def test_other_names_of_a_run(run, name, end):
    path = run.with_name(f"{name}{run.name}{end}") / "in/out"
    part = [far_end.FILE, "task", str(path), 0, 4]
    if name == "failed-running-" or end in ("-other", "x"):
        with pytest.raises(ValueError, match="is no file of the job task"):
            keep(run, part)
        assert not path.exists()
    else:
        keep(run, part)
        assert path.read_text() == "text"


@pytest.mark.parametrize(
    "path",
    [
        "{run}",
        "{run}/../evil",
        "{run}/in/../../evil",
        "{run}//evil",
        "{run}/./evil",
        "{run}/evil/",
        "{flow}/evil",
        "{flow}/JOB-other/evil",
        "/evil",
        "evil",
        "",
    ],
)
def test_no_file_is_written_elsewhere(run, tmp_path, path):
    path = path.format(run=run, flow=run.parent)
    for part in ([far_end.FILE, "task", path, 0, 4], [far_end.LEFT, "task", path, "/there", 10**6]):
        with pytest.raises(ValueError, match="is no file of the job task"):
            keep(run, part)
    assert not [found for found in tmp_path.rglob("*") if found.is_file() and found.parent.name != "files"]


@given(st.text("./ab-", max_size=20), st.sampled_from(["", RUN, RUN + "/", "/home/me/results/FLOW-a/"]))
def test_whatever_is_accepted_is_in_a_directory_of_the_run(text, start):
    if RunFiles([RUN], ["*"], 1).have(start + text):
        flow, entry = Path(RUN).parent, Path(RUN).name
        inside = Path(start + text).resolve().relative_to(flow).parts
        assert len(inside) > 1
        assert entry in inside[0]


def test_a_file_takes_its_name_when_it_is_whole(run):
    keep(run, [far_end.FILE, "task", f"{run}/out", 0, 8])
    assert [path.name for path in run.iterdir()] == [".out.part"]
    keep(run, [far_end.FILE, "task", f"{run}/out", 4, 8], [far_end.ANSWER, "task"])
    assert (run / "out").read_text() == "texttext"
    assert [path.name for path in run.iterdir()] == ["out"]


def test_a_host_that_did_not_hear_that_all_was_received_says_it_again(run):
    parts = [far_end.FILE, "task", f"{run}/out", 0, 4], [far_end.ANSWER, "task"]
    assert keep(run, *parts) == {"task"}
    (run / "out").write_text("changed here since")
    assert keep(run, *parts) == {"task"}
    assert (run / "out").read_text() == "changed here since"


def test_files_that_stay_there_are_listed(run):
    large = [[far_end.LEFT, "task", f"{run}/{name}", f"/there/{name}", 10**9] for name in ("a", "b")]
    keep(run, *large, [far_end.ANSWER, "task"])
    assert (run / "not-copied.txt").read_text() == "host:/there/a  1000000000 bytes\nhost:/there/b  1000000000 bytes\n"
    with pytest.raises(ValueError, match="is no part of a reply"):
        keep(run, ["surprise", "task"])
