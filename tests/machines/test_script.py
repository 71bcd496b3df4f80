"""The part of a script that a shell reads."""

import subprocess

import pytest

from adatom.machines import Resources
from adatom.machines.script import BatchJob, body


def run(tmp_path, command, **more):
    job = BatchJob("job", tmp_path, command, Resources(threads_per_rank=3), **more)
    done = subprocess.run(["bash", "-c", body(job)], capture_output=True, text=True, cwd="/", check=False)
    mark = tmp_path / job.end_mark
    return done, mark.read_text().strip() if mark.exists() else None


def test_the_program_runs_in_its_directory_with_its_threads(tmp_path):
    done, mark = run(tmp_path, ["sh", "-c", "pwd; echo $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS"])
    assert (done.stdout, done.returncode, mark) == (f"{tmp_path}\n3 3 3\n", 0, "0")


def test_a_directory_with_a_space_and_a_quote(tmp_path):
    place = tmp_path / "it's mine $HOME"
    place.mkdir()
    done, mark = run(place, ["pwd"])
    assert (done.stdout, mark) == (f"{place}\n", "0")


def test_the_status_of_the_program_is_that_of_the_script(tmp_path):
    done, mark = run(tmp_path, ["sh", "-c", "exit 7"])
    assert (done.returncode, mark) == (7, "7")


def test_an_old_end_mark_says_nothing(tmp_path):
    (tmp_path / "job.end").write_text("0\n")
    _, mark = run(tmp_path, ["sh", "-c", "kill -9 $PPID"])
    assert mark is None


def test_the_environment_is_taken_as_it_is(tmp_path):
    value = "a b  $HOME `x` \"y\" 'z' \\ \n!"
    done, _ = run(tmp_path, ["printenv", "MINE"], environment={"MINE": value})
    assert done.stdout == f"{value}\n"
    done, _ = run(tmp_path, ["printenv", "OMP_NUM_THREADS"], environment={"OMP_NUM_THREADS": "1"})
    assert done.stdout == "1\n"


def test_what_is_to_expand_on_the_node_does(tmp_path):
    shell_environment = {"MINE": '/opt/lib:$OTHER "b" `c` \\d', "OTHER": "x"}
    done, _ = run(tmp_path, ["printenv", "MINE"], environment={"OTHER": "y z"}, shell_environment=shell_environment)
    assert done.stdout == '/opt/lib:y z "b" `c` \\d\n'


def test_what_is_set_before_stays_set(tmp_path):
    done, _ = run(tmp_path, ["printenv", "MINE"], pre_commands=["export MINE=1; true", "MINE=$((MINE + 1))"])
    assert done.stdout == "2\n"


@pytest.mark.parametrize(
    ("more", "failed"),
    [
        ({"pre_commands": ["true", "it='s wrong'; false"]}, "it='s wrong'; false"),
        ({"modules": ["qe/7"]}, "module load qe/7"),
    ],
)
def test_what_fails_before_ends_it_and_is_named(tmp_path, more, failed):
    done, mark = run(tmp_path, ["echo", "never"], **more)
    assert (done.returncode, done.stdout, mark) == (1, "", None)
    assert done.stderr.endswith(f"adatom: this failed: {failed}\n")
