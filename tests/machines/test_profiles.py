"""Profiles in TOML, and what is wrong with them."""

import os
from pathlib import Path

import pytest

from adatom import change_settings
from adatom.errors import InputError, UnknownNameError
from adatom.machines import ExecutionProfile, HPCProfile, load_profiles

WHOLE = """
[commands.pw]
executable = "pw.x"
arguments = ["-in", "pw.in"]

[executions.pw-16]
command = "pw"
resource_class = "gpu"
nodes = 2
ranks_per_node = 8
memory = "16G"
walltime = "2h"
launcher = "srun"
modules = ["qe/7.3"]
environment = { OMP_PROC_BIND = "close" }

[machines.big]
scheduler = "slurm"
queues = { cpu = "main", gpu = "accel" }
accounts = { cpu = "abc" }
directives = ["--mail-type=END"]
[machines.big.limits.main]
walltime = "1-00:00:00"
memory = "500G"
[machines.big.executables]
"pw.x" = "/opt/qe/bin/pw.x"
[machines.big.slurm]
qos = "high"
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home/.config/adatom/profiles").mkdir(parents=True)
    return tmp_path


def test_what_a_file_says(tmp_path):
    (tmp_path / "all.toml").write_text(WHOLE)
    profiles = load_profiles([tmp_path / "all.toml"])
    how = profiles.execution("pw-16")
    assert (how.name, how.resources.ranks, how.memory, how.walltime) == ("pw-16", 16, 16 * 2**30, 7200)
    big = profiles.machine("big")
    assert (big.options.qos, big.options.requeue, big.limits["main"].walltime) == ("high", False, 86400)
    assert profiles.command("pw").arguments == ("-in", "pw.in")


def test_later_places_come_first(home):
    def write(path, queue):
        path.write_text(f'[machines.{{}}]\nscheduler = "slurm"\nqueues.cpu = "{queue}"\n'.format("site"))

    write(home / "home/.config/adatom/profiles/site.toml", "of the home".replace(" ", "-"))
    assert load_profiles().machine("site").all_queues == ["of-the-home"]
    write(home / "adatom.toml", "of-the-project")
    assert load_profiles().machine("site").all_queues == ["of-the-project"]
    (home / "more").mkdir()
    write(home / "more/b.toml", "of-b")
    write(home / "more/a.toml", "of-a")
    with change_settings(profiles=[home / "more"]):
        assert load_profiles().machine("site").all_queues == ["of-b"]
    with change_settings(profiles=f"{home / 'more'}{os.pathsep}{home / 'more/a.toml'}"):
        assert load_profiles().machine("site").all_queues == ["of-a"]


def test_what_is_not_there(home):
    with pytest.raises(UnknownNameError, match=r"Unknown machine 'x'\. Valid: none\. Profiles are read from: .*adatom"):
        load_profiles().machine("x")
    with change_settings(profiles=[home / "absent.toml"]), pytest.raises(InputError, match="no profiles at .*absent"):
        load_profiles()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[machine.x]\n", "Unknown section in FILE 'machine'. Did you mean 'machines'?"),
        ("[machines]\nx = 1\n", "FILE: [machines] holds one table for each name, such as [machines.mine]."),
        ("machines = 3\n", "FILE: [machines] holds one table for each name"),
        ("[machines.x]\n", "FILE: [machines.x]: "),
        ("[machines.x]\nscheduler = 'slrum'\n", "Unknown scheduler 'slrum'. Did you mean 'slurm'? Valid: "),
        ("[machines.x]\nscheduler = 'slurm'\nqueue = 'a'\n", "'queue'. Did you mean 'queues'?"),
        ("[machines.x]\nscheduler = 'slurm'\nslurm.qoss = 'a'\n", "Unknown key of SlurmOptions 'qoss'"),
        ("[machines.x]\nscheduler = 'slurm'\nslurm = 'a'\n", "'slurm' of HPCProfile is 'a': give a section"),
        ("[machines.x]\nscheduler = 'slurm'\nlocal.a = 1\n", "Unknown key of HPCProfile 'local'"),
        ("[machines.x]\nscheduler = 'slurm'\nqueues.tpu = 'a'\n", "'queues.tpu.[key]' of HPCProfile is 'tpu'"),
        (
            "[machines.x]\nscheduler = 'slurm'\nqueues.cpu = 'a b'\n",
            "'queues.cpu' of HPCProfile is 'a b': Give one word",
        ),
        (
            "[machines.x]\nscheduler = 'slurm'\nlimits.a.nodes = 1\n",
            "Unknown queue in the limits of x 'a'. Valid: none.",
        ),
        ("[machines.x]\nscheduler = 'slurm'\nqueues.cpu = 'a'\nlimits.a.nods = 1\n", "'nods'. Did you mean 'nodes'?"),
        (
            "[machines.x]\nscheduler = 'slurm'\ndirectives = ['a\\nb']\n",
            "'directives.0' of HPCProfile is 'a\\nb': Give",
        ),
        ("[machines.x]\nscheduler = 'slurm'\nhost = '-oProxy'\n", "host='-oProxy' is nothing that ssh takes: give a"),
        ("[machines.x]\nscheduler = 'slurm'\nhost = 'a b'\n", "'host' of HPCProfile is 'a b': Give one word"),
        (
            "[machines.x]\nscheduler = 'local'\nhost = 'a'\n",
            "host='a': 'local' has no commands that could be run there. Name the scheduler of that",
        ),
        (
            "[machines.x]\nscheduler = 'slurm'\nshared_files = true\n",
            "shared_files says something of a host, and x has none: name the host, too.",
        ),
        (
            "[machines.x]\nscheduler = 'slurm'\nhost = 'a'\nremote_dir = 'jobs'\n",
            "remote_dir='jobs': give an absolute path of a, or ~/ and a path, and no step upwards.",
        ),
        (
            "[machines.x]\nscheduler = 'slurm'\nhost = 'a'\nexecutables.pw = ['~/bin/pw.x']\n",
            "executables.pw='~/bin/pw.x': ~ is of this machine. Give the path on a.",
        ),
        ("[executions.x]\ncommand = 'y'\nlauncher = 'srum'\n", "Unknown launcher 'srum'. Did you mean 'srun'?"),
        (
            "[executions.x]\ncommand = 'y'\nenvironment = { 'A B' = '' }\n",
            "'A B' is no name of an environment variable",
        ),
        ("[commands.'a/b']\nexecutable = 'y'\n", "name: 'a/b' is no name: give a letter"),
        ("[commands.a]\n", "Command needs 'executable'."),
        ("[commands.a\n", "The profiles in FILE cannot be read: Expected ']'"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, text, said):
    file = tmp_path / "bad.toml"
    file.write_text(text.replace("'a\\nb'", '"a\\nb"'))
    with pytest.raises(InputError) as caught:
        load_profiles([file])
    assert said.replace("FILE", str(file)) in str(caught.value).replace(r"\n", "\\n")
    assert str(file) in str(caught.value)


def test_profiles_are_made_in_python_too():
    assert HPCProfile(name="x", scheduler="slurm", slurm={"qos": "a"}).options.qos == "a"
    copied = HPCProfile(**HPCProfile(name="x", scheduler="slurm", slurm={"qos": "a"}).model_dump() | {"name": "y"})
    assert (copied.name, copied.options.qos) == ("y", "a")
    with pytest.raises(InputError, match=r"ExecutionProfile needs 'command'\."):
        ExecutionProfile(name="x")


def test_a_file_that_cannot_be_read(tmp_path):
    path = Path(tmp_path, "binary.toml")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        load_profiles([path])
