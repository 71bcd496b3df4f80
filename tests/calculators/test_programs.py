"""Programs are found, started on the job's ranks, and their ends are told from one another."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adatom import change_settings, job
from adatom.calculators.programs import Programs
from adatom.calculators.running import run_program
from adatom.errors import InputError, JobFailure, ProgramError, StorageError
from tests.codes import provide_code

SHELL = Programs("shell", "sh", "apt-get install dash")  # ls, cat and others are beside it


@pytest.fixture
def ase_says(monkeypatch):
    from ase.config import cfg

    def say(**values):
        monkeypatch.setitem(cfg.parser._sections, "shell", values)
        monkeypatch.setitem(cfg.parser._proxies, "shell", cfg.parser._proxies["DEFAULT"].__class__(cfg.parser, "shell"))

    return say


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "my programs"
    folder.mkdir()
    for name in ("sh", "ls"):
        (folder / name).symlink_to(shutil.which(name))
    return folder


def test_the_path_the_setting_and_ases_configuration(folder, ase_says):
    assert SHELL.command() == ["sh"]
    assert SHELL.command("ls") == ["ls"]
    with change_settings(commands={"shell": f"'{folder}/sh'"}):
        assert SHELL.command() == [f"{folder}/sh"]
        assert SHELL.command("ls") == [f"{folder}/ls"]
        ase_says(command="/bin/sh -x")
        assert SHELL.command() == ["/bin/sh", "-x"]
        assert SHELL.command("ls") == ["/bin/ls"]


def test_what_is_missing_is_named_with_the_next_step(folder):
    with pytest.raises(InputError, match=r"nothing.x is not there.*ADATOM_COMMANDS__SHELL.*\[shell\].*apt-get install"):
        SHELL.command("nothing.x")
    with change_settings(commands={"shell": str(folder / "bash")}):
        with pytest.raises(InputError, match="which has no sh"):
            SHELL.command()


@job
def command():
    return SHELL.command()


def test_the_launcher_is_the_jobs(ase_says):
    two = command.with_options(resources={"ranks_per_node": 2, "threads_per_rank": 3})
    assert two() == ["env", "OMP_NUM_THREADS=3", "mpirun", "-np", "2", "sh"]
    ase_says(command="env A=1 sh")
    assert command() == ["env", "A=1", "sh"]
    with pytest.raises(JobFailure, match="asks for 2 ranks.*launcher of its own: 'env A=1 sh'"):
        two()


def test_where_data_are(tmp_path, ase_says):
    assert SHELL.data_dir("/nowhere", tmp_path, key="files") == tmp_path
    with change_settings(data_dirs={"shell": "/usr"}):
        assert str(SHELL.data_dir(tmp_path, key="files")) == "/usr"
        ase_says(files="/etc")
        assert str(SHELL.data_dir(tmp_path, key="files")) == "/etc"
    ase_says(files="/nowhere")
    with pytest.raises(InputError, match=r"no directory /nowhere for files of shell. Set ADATOM_DATA_DIRS__SHELL"):
        SHELL.data_dir(tmp_path, key="files")


def run(script, directory, **options):
    return run_program("test", [sys.executable, "-c", script], directory, output="out", errors="err", **options)


def test_what_a_program_prints_is_kept(tmp_path):
    script = "import os, sys; print(os.environ['OMP_NUM_THREADS']); print('oh', file=sys.stderr); sys.exit(3)"
    assert run(script, tmp_path, fine=(0, 3), done="1\n") == "1\n"
    assert ((tmp_path / "out").read_text(), (tmp_path / "err").read_text()) == ("1\n", "oh\n")


def test_a_program_that_fails_says_why(tmp_path):
    script = "import pathlib, sys; print('first\\n' * 30, 'last'); pathlib.Path('CRASH').write_text('why'); sys.exit(3)"
    with pytest.raises(
        ProgramError, match=r"test ended with exit status 3.\nout:\n(?s:.*)last\nCRASH:\n  why"
    ) as caught:
        run(script, tmp_path, more=["CRASH", "absent"])
    assert str(caught.value).count("first") < 15
    assert "absent" not in str(caught.value)


def test_a_program_that_stops_before_its_end(tmp_path):
    with pytest.raises(ProgramError, match="test ended with exit status 0, before its end"):
        run("print('half')", tmp_path, done="whole")


@pytest.mark.parametrize("script", ["import os; os.kill(os.getpid(), 9)", "import os; os._exit(137)"])
def test_a_program_that_is_killed(tmp_path, script):
    with pytest.raises(ProgramError, match="test was killed by SIGKILL"):
        run(script, tmp_path)


def test_a_full_disk_is_told_from_other_failures(small_disk):
    with pytest.raises(StorageError, match="disk is full. Make room"):
        run("open('large', 'w').write('x' * 400_000)", small_disk)


def test_each_program_has_a_temporary_directory_of_its_own(tmp_path):
    def run(number):
        text = "import os, time; print(os.environ['TMPDIR'], os.listdir(os.environ['TMPDIR'])); time.sleep(0.2)"
        directory = tmp_path / str(number)
        directory.mkdir()
        said = run_program("python", [sys.executable, "-c", text], directory, output="out", errors="err")
        place, _, inside = said.strip().partition(" ")
        assert inside == "[]"
        return Path(place)

    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(run, range(4)))
    assert len(places) == 4
    assert not any(place.exists() for place in places)


@pytest.mark.deep(reason="it starts 200 programs")
def test_programs_of_mpi_that_start_at_once_do_not_meet(tmp_path):
    provide_code("espresso")  # which brings Open MPI

    def run(number):
        directory = tmp_path / str(number)
        directory.mkdir()
        return run_program("hostname", ["mpirun", "-n", "1", "hostname"], directory, output="out", errors="err")

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(run, range(200)))) == 1
