"""The part of a script that a shell reads."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.errors import InputError
from adatom.machines import Resources
from adatom.machines.schedulers.base import scheduler, scheduler_names
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


@pytest.mark.parametrize(("command", "status"), [("true", 0), ("false", 1)])
def test_what_comes_after_runs_and_leaves_the_status(tmp_path, command, status):
    after = ["MINE=1", "echo $MINE $OMP_NUM_THREADS", "false", "exit 7", "echo never"]
    done, mark = run(tmp_path, [command], post_commands=after)
    assert (done.returncode, done.stdout, mark) == (status, "1 3\n", f"{status}")


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


# --- What others wrote ------------------------------------------------------------------------------------------------

FOREIGN = ["#SBATCH --uid=0", "#PBS -l walltime=1", "#$ -N x", "#BSUB -q x", "#PJM -L x", "#adatom walltime 1"]
ends_of_lines = st.sampled_from(["\n", "\r", "\r\n", "\v", "\f", "\n\n  "])
texts = st.lists(st.sampled_from(FOREIGN) | ends_of_lines | st.characters(codec="utf-8", exclude_characters="\0"))
hostile = texts.map("".join)


@pytest.mark.parametrize("name", scheduler_names())
@pytest.mark.filterwarnings("ignore")
@given(argument=hostile, value=hostile, place=hostile, seen=hostile.map(lambda text: text.replace("$", "")))
def test_no_text_becomes_a_line_for_a_scheduler(name, argument, value, place, seen):
    kind = scheduler(name)
    job = BatchJob(
        "job", Path("/w") / place.replace("/", ""), ["echo", argument], Resources(walltime=60),
        environment={"MINE": value}, shell_environment={"SEEN": f"$MINE{seen}"},
    )  # fmt: skip
    lines = kind.script(job).splitlines()
    assert [line for line in lines if line.startswith(kind.prefix)] == kind.header(job)


@given(argument=hostile, value=hostile, seen=hostile.map(lambda text: text.replace("$", "")))
def test_any_text_arrives_as_it_is(argument, value, seen):
    job = BatchJob(
        "job", Path("/tmp"), ["printf", "%s|", argument], Resources(), environment={"MINE": value},
        shell_environment={"SEEN": f"${{MINE}}{seen}"},
    )  # fmt: skip
    lines = body(job).splitlines()
    exports = [line for line in lines if line.startswith("export ")]
    shell = [*exports, next(line for line in lines if line.startswith("printf")), 'printf "%s|%s" "$MINE" "$SEEN"']
    done = subprocess.run(["bash", "-c", "\n".join(shell)], capture_output=True, check=True)
    assert done.stdout.decode() == f"{argument}|{value}|{value}{seen}"


@pytest.mark.parametrize("end", ["\n", "\r", "\v", "\f", "\x1b[2J", "\x85", "\u2028"])
@pytest.mark.parametrize("place", ["modules", "pre_commands", "post_commands", "directives"])
def test_a_line_is_one_line(tmp_path, place, end):
    with pytest.raises(InputError, match=f"One of {place} is .*Give one line"):
        BatchJob("job", tmp_path, ["true"], Resources(), **{place: [f"a{end}#SBATCH --uid=0"]})


@pytest.mark.parametrize("name", scheduler_names())
@pytest.mark.parametrize("field", ["queue", "account"])
def test_a_directive_is_one_line(tmp_path, name, field):
    job = BatchJob("job", tmp_path, ["true"], Resources(walltime=60), **{field: "a\n#SBATCH --uid=0"})
    if name != "local":
        with pytest.raises(InputError, match="directive .*Give one line"):
            scheduler(name).script(job)


@pytest.mark.parametrize("name", ["", "a b", "a\n#SBATCH --uid=0", "../a", "-a", "a;id"])
def test_a_name_of_another_form_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="is no name"):
        BatchJob(name, tmp_path, ["true"], Resources())


@pytest.mark.parametrize("which", ["environment", "shell_environment"])
@pytest.mark.parametrize("name", ["", "1A", "A B", "A=1\n#SBATCH --uid=0\nB", "A;id", "\u00e4"])
def test_a_variable_of_another_form_is_refused(tmp_path, which, name):
    with pytest.raises(InputError, match="is no name of an environment variable"):
        BatchJob("job", tmp_path, ["true"], Resources(), **{which: {name: "1"}})


@pytest.mark.parametrize(
    "value", ["$(id)", "a $((1+1))", "${A:-$(id)}", "${A:=b}", "${!A}", "${}", "$", "$1", "$$", "$?"]
)
def test_only_names_of_variables_are_expanded(tmp_path, value):
    with pytest.raises(InputError, match=r"shell_environment.MINE is .*only \$NAME and"):
        BatchJob("job", tmp_path, ["true"], Resources(), shell_environment={"MINE": value})


def test_a_zero_byte_is_refused(tmp_path):
    with pytest.raises(InputError, match="zero byte"):
        BatchJob("job", tmp_path, ["true"], Resources(), environment={"MINE": "a\0b"})
