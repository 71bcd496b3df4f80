"""``adatom profiles``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adatom.utils.processes import Process

TOML = f"""
[commands.show]
executable = "python"
arguments = ["-c", "import sys; print(sys.argv[1:])"]
description = "Shows what it is given."

[commands.fail]
executable = "python"
arguments = ["-c", "raise SystemExit(3)"]

[commands.sleep]
executable = "python"
arguments = ["-c", "import time; time.sleep(100)"]

[executions.show-small]
command = "show"
walltime = "1m"

[executions.fail-small]
command = "fail"

[executions.sleep-small]
command = "sleep"

[machines.laptop]
scheduler = "local"
executables = {{ python = {json.dumps(sys.executable)}, gone = "/no/such/program" }}

[runners.few]
machine = "laptop"
jobs_per_node = 2

[remote.dft]
system = "few"
items_per_job = 36
"""


@pytest.fixture(autouse=True)
def _profiles(monkeypatch):
    monkeypatch.setenv("HOME", str(Path.cwd()))
    Path("adatom.toml").write_text(TOML)


def test_the_list(cli):
    lines = cli("profiles", "list").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:-1]] == [
        ["command", "show"], ["command", "fail"], ["command", "sleep"], ["execution", "show-small"],
        ["execution", "fail-small"], ["execution", "sleep-small"], ["machine", "laptop"],
        ["runner", "few"], ["remote", "dft"],
    ]  # fmt: skip
    assert lines[-1] == f"9 profiles, from {Path.cwd()}/.config/adatom/profiles (not there), {Path.cwd()}/adatom.toml"
    assert json.loads(cli("profiles", "list", "--json").stdout)[-2:] == [
        {"kind": "runner", "name": "few", "about": "2 jobs at a time on a node of laptop"},
        {"kind": "remote", "name": "dft", "about": "36 items in a job of few"},
    ]


def test_show(cli, refused):
    shown = json.loads(cli("profiles", "show", "show-small").stdout)["execution"]
    assert (shown["walltime"], shown["nodes"], shown["launcher"]) == (60, 1, "single")
    assert json.loads(cli("profiles", "show", "dft").stdout)["remote"]["items_per_job"] == 36
    assert "Unknown profile 'laptob'. Did you mean 'laptop'?" in refused("profiles", "show", "laptob")


def test_render_prints_a_script_that_runs(cli):
    script = cli("profiles", "render", "show", "show-small", "laptop", "--set", "walltime=5m", "--", "a b", "$x")
    assert script.exit_code == 0, script.stderr
    assert "#adatom walltime 300.0\n" in script.stdout
    done = subprocess.run(["bash"], input=script.stdout, capture_output=True, text=True, check=True)
    assert done.stdout == "['a b', '$x']\n"
    assert not Path(".adatom-jobs").exists()


def test_submit_and_follow(cli):
    submitted = cli("profiles", "submit", "show", "show-small", "laptop", "--", "x")
    id = submitted.stdout.strip()
    again = cli("profiles", "submit", "show", "show-small", "laptop", "--", "x")
    assert again.stdout.strip() == id  # the same job: nobody has followed it yet
    (row,) = json.loads(cli("profiles", "status", "--json").stdout)
    assert (row["id"], row["machine"], row["state"] in ("queued", "running", "succeeded")) == (id, "laptop", True)
    attached = cli("profiles", "attach")
    assert (attached.exit_code, attached.stdout) == (0, f"{id} {row['name']} succeeded\n")
    assert Path(f"{row['name']}.out").read_text() == "['x']\n"
    for command in ("status", "attach", "cancel"):
        nothing = cli("profiles", command)
        assert (nothing.exit_code, nothing.stdout) == (0, "")
        assert nothing.stderr.startswith(f"Nothing is submitted in {Path.cwd()} ")


def test_one_that_fails(cli):
    cli("profiles", "submit", "fail", "fail-small", "laptop", "--work-dir", "new")
    attached = cli("profiles", "attach", "new")
    assert attached.exit_code == 1
    assert attached.stdout.endswith(" failed\n")


def test_cancel(cli, refused):
    id = cli("profiles", "submit", "sleep", "sleep-small", "laptop").stdout.strip()
    assert f"Valid: {id}." in refused("profiles", "cancel", "--job", "7")
    assert cli("profiles", "cancel", "--job", id).stdout.startswith(f"{id} sleep-")
    for command in ("status", "attach", "cancel"):
        nothing = cli("profiles", command)
        assert (nothing.exit_code, nothing.stdout) == (0, "")
        assert nothing.stderr.startswith(f"Nothing is submitted in {Path.cwd()} ")
    (state,) = Path().glob(".sleep-*.local")
    while json.loads(state.read_text())["state"] is None:
        assert not Process(*json.loads(state.read_text())["process"]).is_gone
    assert json.loads(state.read_text())["state"] == "cancelled"


def test_check(cli):
    checked = cli("profiles", "check", "laptop")
    assert checked.exit_code == 1
    assert [line.split(maxsplit=3) for line in checked.stdout.splitlines()[1:]] == [
        ["ok", "executable", "python"], ["wrong", "executable", "gone", "/no/such/program is not found here"],
    ]  # fmt: skip
    assert json.loads(cli("profiles", "check", "laptop", "--json").stdout)[0]["ok"] is True


def test_check_of_a_scheduler_that_is_not_here(cli, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    Path("adatom.toml").write_text('[machines.x]\nscheduler = "slurm"\nqueues.cpu = "main"\n')
    checked = cli("profiles", "check", "x")
    assert checked.exit_code == 1
    assert "wrong  command sbatch    not on PATH" in checked.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["render", "shw", "show-small", "laptop"], "Unknown command 'shw'. Did you mean 'show'?"),
        (["render", "show", "show-big", "laptop"], "Unknown execution profile 'show-big'."),
        (["submit", "show", "show-small", "fugaku"], "Unknown machine 'fugaku'. Valid: laptop."),
        (["render", "show", "fail-small", "laptop"], "made for the command 'fail', and is used with 'show'"),
        (["render", "show", "show-small", "laptop", "--set", "x"], "'x' is no KEY=VALUE"),
        (
            ["render", "show", "show-small", "laptop", "--set", "node=1"],
            "Unknown override of an execution profile 'node'",
        ),
    ],
)
def test_bad_input_is_one_line(refused, args, said):
    assert said in refused("profiles", *args)
