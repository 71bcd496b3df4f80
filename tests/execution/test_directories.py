"""What stands on disk while a run lasts and when it has ended."""

import gzip
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom import change_settings, job
from adatom.errors import StorageError
from adatom.execution.directories import RunDirectory, entered, find_run, mark_interrupted, run_directory
from adatom.utils.names import unique_name
from tests import interpreter


@pytest.fixture(autouse=True)
def results(tmp_path):
    with change_settings(results_dir=tmp_path / "results"):
        yield tmp_path / "results"


def names(directory):
    return sorted(name for name in os.listdir(directory) if not name.startswith("."))


# --- One run ----------------------------------------------------------------------------------------------------------


def test_a_run_is_marked_until_it_has_ended_well(results):
    with run_directory("relax") as run:
        assert names(results) == [f"running-{run.final.name}"]
        assert run.path == results / f"running-{run.final.name}"
        (run.path / "data").write_text("x")
    assert names(results) == [run.final.name]
    assert run.path == run.final
    assert (run.final / "data").read_text() == "x"
    assert run.final.name.startswith("relax-")


@pytest.mark.parametrize("error", [ValueError("the cause"), KeyboardInterrupt("the cause"), SystemExit("the cause")])
def test_a_run_that_raises_keeps_its_files_and_the_cause(results, error):
    with pytest.raises(type(error)), run_directory("relax") as run:
        (run.path / "partial").write_text("x")
        raise error
    assert names(results) == [f"failed-{run.final.name}"]
    assert names(run.path) == ["error.txt", "partial"]
    text = (run.path / "error.txt").read_text()
    assert f"{type(error).__name__}: the cause" in text
    assert "raise error" in text
    assert "adatom/directories.py" not in text


def test_a_cause_that_no_encoding_can_write(results):
    """As the name of a file that is not UTF-8."""
    with pytest.raises(ValueError, match="Å"), run_directory("relax") as run:
        raise ValueError("Å\udcff")
    assert run.path.name.startswith("failed-relax-")
    assert "Å\\udcff" in (run.path / "error.txt").read_text("utf-8")


def test_a_directory_is_made_when_it_is_first_needed(results):
    directory = RunDirectory(results / "deep" / "job")
    with entered(directory):
        assert not results.exists()
        assert directory.open() is directory.open()
        assert names(results / "deep") == ["running-job"]
    with entered(RunDirectory(results / "deep" / "other")):
        pass
    assert names(results / "deep") == ["job"]


def test_a_job_that_failed_has_a_directory_even_if_it_made_none(results):
    with pytest.raises(ValueError), entered(RunDirectory(results / "job")):  # noqa: PT011
        raise ValueError
    assert names(results / "failed-job") == ["error.txt"]


def test_two_runs_of_one_name_are_never_mixed(results):
    directories = RunDirectory(results / "same"), RunDirectory(results / "same")
    for directory, name in zip(directories, "ab", strict=True):
        (directory.open() / name).touch()
        if directory is directories[0]:
            directory.finish()
    directories[1].finish()
    assert names(results / "same") == ["a"]
    assert names(results / "same-again") == ["b"]
    assert directories[1].final == results / "same-again"


# --- Scratch ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["same", "other"])
def scratch(request, tmp_path):
    """A scratch directory, on the file system of the results and on another one."""
    if request.param == "same":
        yield tmp_path / "scratch"
        return
    for folder in ("/dev/shm", "/var/tmp", "/tmp"):
        if os.access(folder, os.W_OK) and os.stat(folder).st_dev != tmp_path.stat().st_dev:
            with tempfile.TemporaryDirectory(dir=folder) as path:
                yield Path(path)
            return
    pytest.skip("no other file system that can be written")


def test_files_come_home_from_scratch(results, scratch):
    with change_settings(scratch_dir=scratch):
        with run_directory("good") as good:
            assert good.path.parent == scratch
            assert good.final.parent == results
            (good.path / "in").mkdir()
            (good.path / "in" / "data").write_text("x")
            assert names(results) == []
        with pytest.raises(ValueError, match="bad"), run_directory("bad") as bad:
            (bad.path / "partial").touch()
            raise ValueError("bad")
    assert names(scratch) == []
    assert names(results) == sorted([good.final.name, f"failed-{bad.final.name}"])
    assert (good.final / "in" / "data").read_text() == "x"
    assert names(bad.path) == ["error.txt", "partial"]


def test_runs_of_jobs_at_the_same_time_do_not_meet_in_scratch(results, scratch):
    together = [RunDirectory(results / name) for name in ("a", "b")]
    with change_settings(scratch_dir=scratch):
        children = [directory.child("relax") for directory in together]
        paths = [child.open() for child in children]
        assert len(set(paths)) == 2
        assert all(path.is_relative_to(scratch) for path in paths)
        for directory in [*children, *together]:
            directory.finish()
    assert names(scratch) == []
    assert [names(results / name) for name in names(results)] == [["relax-1"]] * 2


# --- Compression ------------------------------------------------------------------------------------------------------


def test_files_of_a_finished_run_are_compressed_but_for_trajectories(results):
    with change_settings(gzip=True), run_directory("run") as run:
        for name in ("log.txt", "run.traj", "already.gz"):
            (run.path / name).write_text(name)
        (run.path / "folder").mkdir()
    assert names(run.final) == ["already.gz", "folder", "log.txt.gz", "run.traj"]
    assert gzip.decompress((run.final / "log.txt.gz").read_bytes()) == b"log.txt"
    assert (run.final / "already.gz").read_text() == "already.gz"


def test_files_of_a_failed_run_stay_readable(results):
    with pytest.raises(KeyError), change_settings(gzip=True), run_directory("run") as run:
        (run.path / "log.txt").touch()
        raise KeyError
    assert names(run.path) == ["error.txt", "log.txt"]


# --- Several runs in one ----------------------------------------------------------------------------------------------


def three_runs():
    finals = []
    for name in ("relax", "relax", "static"):
        with run_directory(name) as run:
            (run.path / "data").write_text(name)
            finals.append(str(run.final))
    return finals


def test_the_first_run_of_a_job_takes_its_directory_and_others_stand_in_it(results):
    finals = job(three_runs)()
    [top] = names(results)
    assert finals == [f"{results}/{top}", f"{results}/{top}/relax-1", f"{results}/{top}/static-2"]
    assert [(Path(final) / "data").read_text() for final in finals] == ["relax", "relax", "static"]


def test_all_runs_of_a_job_use_scratch(results, scratch):
    with change_settings(scratch_dir=scratch), entered(RunDirectory(results / "job")):
        finals = three_runs()
    assert names(results) == ["job"]
    assert [(Path(final) / "data").read_text() for final in finals] == ["relax", "relax", "static"]
    assert names(scratch) == []


@pytest.mark.parametrize("with_scratch", [False, True])
def test_a_run_in_a_run_that_still_lasts(results, tmp_path, with_scratch):
    with change_settings(scratch_dir=tmp_path / "scratch" if with_scratch else None):
        with run_directory("outer") as outer:
            (outer.path / "data").write_text("outer")
            with run_directory("inner") as inner:
                (inner.path / "data").write_text("inner")
                with run_directory("inmost") as inmost:
                    (inmost.path / "data").write_text("inmost")
            assert outer.path.name.startswith("running-")
    assert inmost.final == inner.final / "inmost-1" == outer.final / "inner-1" / "inmost-1"
    for run, text in ((outer, "outer"), (inner, "inner"), (inmost, "inmost")):
        assert (run.final / "data").read_text() == text
    assert not with_scratch or names(tmp_path / "scratch") == []


def test_a_run_in_a_run_that_fails_is_marked_and_so_is_the_outer_one(results):
    with pytest.raises(ValueError, match="x"), run_directory("outer") as outer, run_directory("inner") as inner:
        raise ValueError("x")
    assert names(results) == [f"failed-{outer.final.name}"]
    assert names(outer.path) == ["error.txt", "failed-inner-1"]
    assert inner.path.name == "failed-inner-1"


# --- Disks that will not do -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["results_dir", "scratch_dir"])
def test_a_directory_that_cannot_be_written_is_found_before_the_work(tmp_path, setting):
    (tmp_path / "file").touch()
    worked = []
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with change_settings({setting: path}), pytest.raises(StorageError, match=f"Set ADATOM_{setting.upper()}"):
            with run_directory("run"):
                worked.append(path)
    assert worked == []


def test_results_that_cannot_be_written_are_found_before_the_work_in_scratch(tmp_path):
    (tmp_path / "file").touch()
    with change_settings(results_dir=tmp_path / "file" / "deeper", scratch_dir=tmp_path / "scratch"):
        with pytest.raises(StorageError, match="Set ADATOM_RESULTS_DIR"), run_directory("run"):
            pytest.fail("worked")
    assert not (tmp_path / "scratch").exists()


FULL = b"x" * 300_000


def test_a_disk_that_fills_up_in_mid_run(small_disk):
    with change_settings(results_dir=small_disk):
        with pytest.raises(OSError, match="No space left"), run_directory("run") as run:
            (run.path / "data").write_bytes(FULL)
    assert names(small_disk) == [f"failed-{run.final.name}"]


def test_a_disk_that_has_no_room_for_what_comes_from_scratch(small_disk, tmp_path):
    with change_settings(results_dir=small_disk, scratch_dir=tmp_path / "scratch"):
        with pytest.raises(StorageError, match=r"Cannot move the files of a run .*No space left"):
            with run_directory("run") as run:
                (run.path / "small").write_text("x")
                (run.path / "data").write_bytes(FULL)
    assert not run.final.exists()
    assert not [name for name in names(small_disk) if not name.startswith("running-")]
    assert (run.path / "data").read_bytes() == FULL


def test_a_disk_that_has_no_room_to_compress(small_disk):
    with change_settings(results_dir=small_disk, gzip=True):
        with pytest.raises(StorageError, match=r"Cannot compress .*No space left"), run_directory("run") as run:
            (run.path / "data").write_bytes(os.urandom(200_000))
    assert names(small_disk) == [f"failed-{run.final.name}"]
    assert (run.path / "data").stat().st_size == 200_000


# --- Names ------------------------------------------------------------------------------------------------------------


def test_names_are_unique_in_many_threads():
    with ThreadPoolExecutor(25) as threads:
        found = list(threads.map(lambda _: [unique_name("JOB", "relax") for _ in range(400)], range(25)))
    assert len({name for some in found for name in some}) == 10_000


def test_names_are_unique_after_a_fork_and_whatever_the_user_seeds(tmp_path):
    code = """
import os, random
from adatom.utils.names import unique_name
unique_name("JOB")
child = os.fork()
random.seed(0)
print(unique_name("JOB"), flush=True)
if child:
    os.waitpid(child, 0)
"""
    names = [name for _ in range(2) for name in interpreter.run(code, tmp_path).split()]
    assert len(set(names)) == 4


@given(st.lists(st.text(max_size=200), max_size=3))
def test_whatever_a_run_is_called_its_name_can_name_a_file(parts):
    name = unique_name(*parts)
    assert Path(name).name == name
    assert "\0" not in name
    with tempfile.TemporaryDirectory() as folder:
        for prefix in ("", "running-", "failed-"):
            os.mkdir(Path(folder) / f"{prefix}{name}-try2")


def test_names_are_readable():
    assert unique_name("JOB", "relax_job", "Cu4 (fcc)/x").startswith("JOB-relax_job-Cu4_fcc_x-")
    assert unique_name("JOB", "", "Fe0.5=+").startswith("JOB-Fe0.5=+-")
    assert unique_name("原子").startswith("原子-")


# --- Runs whose process is gone ---------------------------------------------------------------------------------------


def test_the_directory_of_a_process_that_is_gone_is_marked(results):
    (results / "running-job").mkdir(parents=True)
    (results / "running-job" / "partial").touch()
    assert mark_interrupted(results / "job", "killed") == results / "failed-job"
    assert names(results) == ["failed-job"]
    assert (results / "failed-job" / "error.txt").read_text() == "killed\n"
    assert (results / "failed-job" / "partial").exists()


def test_a_cause_that_is_known_is_kept(results):
    directory = RunDirectory(results / "job")
    directory.fail(ValueError("the cause"))
    assert mark_interrupted(results / "job", "killed") == results / "failed-job"
    assert "the cause" in (results / "failed-job" / "error.txt").read_text()


def test_where_there_is_no_directory_one_is_made_only_if_asked(results):
    assert mark_interrupted(results / "job", "killed") is None
    assert not results.exists()
    assert mark_interrupted(results / "job", "killed", make=True) == results / "failed-job"
    assert names(results / "failed-job") == ["error.txt"]


def test_marking_on_a_disk_that_will_not_be_written_is_no_error(tmp_path):
    (tmp_path / "file").touch()
    assert mark_interrupted(tmp_path / "file" / "job", "killed", make=True) is None


# --- What an earlier run left -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("around", ["", "failed-", "running-"])
@pytest.mark.parametrize("own", ["", "failed-", "running-"])
def test_a_run_is_found_under_whichever_name_it_has(results, around, own):
    left = results / f"{around}job" / f"{own}relax-1"
    left.mkdir(parents=True)
    assert find_run(results / "job" / "relax-1") == left
    assert find_run(results / "job" / "relax-2") is None
    assert find_run(Path("/no-such-run")) is None


def test_a_child_goes_on_from_the_child_of_the_earlier_run(results):
    (results / "failed-before" / "running-md-2").mkdir(parents=True)
    first = RunDirectory(results / "now")
    assert (first.previous, first.is_child, first.is_resumable) == (None, False, False)
    assert first.child("md").previous is None
    job = RunDirectory(results / "now")
    job.find_previous = lambda: results / "before"
    assert job.child("md").previous is None
    child = job.child("md")
    assert (child.previous, child.is_child) == (results / "failed-before" / "running-md-2", True)
    assert job.child("md").previous is None
    assert job.is_resumable
