"""A scheduler on a machine that one logs in to: real ssh, a real Slurm behind it, and files of its own."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from adatom.errors import BatchJobError, SchedulerError
from adatom.machines import State, run_command, run_command_async
from adatom.machines.archive import _check
from adatom.machines.host import Host
from adatom.machines.preflight import preflight
from adatom.machines.schedulers.base import scheduler
from tests.infra import machine as infra
from tests.infra import slurm, sshd
from tests.infra.machine import wait_for
from tests.machines.profiles import how, machine, python

pytestmark = pytest.mark.xdist_group("slurm")

SAY = python("import json, sys; print(json.dumps(sys.argv[1:]))")
SLOW = python("import time; print('begun', flush=True); time.sleep(float(__import__('sys').argv[1]))")
QUEUES = {"cpu": "main"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """That of a user there, whose login shell greets and knows more programs than others do."""
    home = tmp_path_factory.mktemp("it's home")
    (home / "bin").mkdir()
    (home / "bin/only-there").write_text("#!/bin/sh\n")
    (home / "bin/only-there").chmod(0o755)
    (home / ".bash_profile").write_text("echo Welcome; echo Beware >&2; PATH=$HOME/bin:$PATH\n")
    return home


@pytest.fixture(scope="module")
def cluster(home):
    infra.skip_or_install("slurm", slurm.COMMANDS, slurm.PACKAGES)
    infra.skip_or_install("sshd", sshd.COMMANDS, sshd.PACKAGES)
    with slurm.slurm() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def login(cluster, home):
    with sshd.sshd(HOME=str(home), **cluster.environment) as login:
        yield login


@pytest.fixture(autouse=True)
def _no_cluster_here(login, monkeypatch):
    monkeypatch.delenv("SLURM_CONF")


def there(host="login", **more):
    return machine("slurm", host=host, queues=QUEUES, **more)


def left(home):
    return list(home.glob("adatom-jobs/*"))


# --- A job ------------------------------------------------------------------------------------------------------------


def test_arguments_arrive_as_they_are(tmp_path, home):
    arguments = ["a b", "$HOME", "`id`", "a\nb", 'it\'s "so"', "\\", "*", "!", ""]
    result = run_command(SAY, how(), there(), tmp_path / "it's a directory", arguments)
    assert json.loads(result.stdout.read_text()) == arguments
    assert (result.outcome.state, result.outcome.exit_code, result.stderr.read_text()) == (State.SUCCEEDED, 0, "")
    assert result.script.parent == result.stdout.parent == tmp_path / "it's a directory"
    assert left(home) == []


def test_files_go_there_and_come_back(tmp_path, home):
    code = """
import os, pathlib
print(os.getcwd())
print(pathlib.Path("in put").read_text(), pathlib.Path("sub/linked").read_text(), os.access("sub/run", os.X_OK))
pathlib.Path("changed").write_text("new")
pathlib.Path("made/new\\nline").mkdir(parents=True)
pathlib.Path("made/new\\nline/*").write_bytes(bytes(3_000_000))
"""
    place = tmp_path / "place"
    (place / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere").write_text("2")
    for name, text in {"in put": "1", "changed": "old", "kept": "old", "sub/run": ""}.items():
        (place / name).write_text(text)
    (place / "sub/run").chmod(0o755)
    (place / "sub/linked").symlink_to(tmp_path / "elsewhere")
    (place / "sub/nowhere").symlink_to("nothing")
    (place / "sub/above").symlink_to("..")
    result = run_command(SLOW, how(), there(), place, [0], name="first")
    assert result.ok
    before = os.stat(place / "in put")
    result = run_command(python(code), how(), there(), place)
    ran_in, said = result.stdout.read_text().splitlines()
    assert Path(ran_in) == home / "adatom-jobs" / result.name
    assert said == "1 2 True"
    assert (place / "changed").read_text() == "new"
    assert (place / "made/new\nline/*").read_bytes() == bytes(3_000_000)
    assert (place / "sub/linked").is_symlink()  # what the job has not changed is not touched
    assert os.stat(place / "in put") == before
    assert not list(place.glob(".adatom-sent"))


def test_shared_files_are_not_copied(tmp_path, home):
    (tmp_path / "input").write_text("1")
    code = "import os; print(os.getcwd(), os.listdir())"
    result = run_command(python(code), how(), there(shared_files=True), tmp_path)
    assert result.stdout.read_text().startswith(f"{tmp_path} ['")
    assert left(home) == []


def test_another_directory_there(tmp_path, tmp_path_factory):
    other = tmp_path_factory.mktemp("scratch")
    result = run_command(python("import os; print(os.getcwd())"), how(), there(remote_dir=f"{other}/a b"), tmp_path)
    assert result.stdout.read_text() == f"{other}/a b/{result.name}\n"


def test_a_command_that_fails(tmp_path, home):
    fails = python("import sys; print('no such luck', file=sys.stderr); open('core', 'w').close(); sys.exit(3)")
    with pytest.raises(BatchJobError, match=r"failed \(.*exit_code 3.*\nIts files: .*\nno such luck"):
        run_command(fails, how(), there(), tmp_path)
    assert (tmp_path / "core").exists()
    assert left(home) == []


def test_what_the_scheduler_refuses_is_said_in_its_words(tmp_path, home):
    with pytest.raises(SchedulerError, match="sbatch of slurm ended with 1: .*invalid partition"):
        run_command(SAY, how(), machine("slurm", host="login", queues={"cpu": "absent"}), tmp_path)
    assert not list(tmp_path.glob(".adatom-jobs/*.json"))
    assert left(home) == []


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "much").write_bytes(bytes(5_000_000))
    with pytest.raises(SchedulerError, match="Cannot copy .* to /proc/x/python-.* on login: mkdir: cannot create"):
        run_command(SAY, how(), there(remote_dir="/proc/x"), tmp_path)
    assert not list(tmp_path.glob(".adatom-jobs/*.json"))


def test_many_at_once(tmp_path):
    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda n: run_command(SAY, how(), there(), tmp_path, [n]), range(8)))
    assert [json.loads(result.stdout.read_text()) for result in results] == [[str(n)] for n in range(8)]


def test_a_connection_that_breaks_is_made_again(login, tmp_path):
    with ThreadPoolExecutor(1) as thread:
        waits = thread.submit(run_command, SLOW, how(), there(), tmp_path, [3])
        wait_for(lambda: list(tmp_path.glob(".adatom-jobs/*.json")), "the record")
        login.disconnect()
        assert waits.result().ok


# --- Killed, cancelled ------------------------------------------------------------------------------------------------

DRIVER = """
import sys
from adatom.machines import run_command
from tests.machines.profiles import how, machine
from tests.machines.test_host import SLOW, there
print(run_command(SLOW, how(), there(), sys.argv[1], [float(sys.argv[2])]).outcome.state)
"""


def driver(directory, seconds):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OF_DRIVER": str(directory)}
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(directory), str(seconds)],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def begun(home):
    return [path for path in home.glob("adatom-jobs/*/*.out") if path.read_text() == "begun\n"]


@pytest.mark.parametrize("ends_first", [False, True])
def test_a_job_whose_driver_was_killed_is_waited_for_again(tmp_path, home, ends_first):
    first = driver(tmp_path, 3)
    wait_for(lambda: begun(home), "the job", 60)
    wait_for(lambda: list(tmp_path.glob(".adatom-jobs/*.json")), "its record")
    first.kill()
    first.communicate()
    if ends_first:
        wait_for(lambda: list(home.glob("adatom-jobs/*/*.end")), "its end")
    assert run_command(SLOW, how(), there(), tmp_path, [3.0]).ok
    assert len(list(tmp_path.glob("*.slurm"))) == 1  # nothing was submitted
    assert [path.read_text() for path in tmp_path.glob("*.out")] == ["begun\n"]
    assert left(home) == []


def test_a_wait_that_is_given_up_cancels_if_asked(cluster, tmp_path, home):
    async def interrupted():
        task = asyncio.ensure_future(run_command_async(SLOW, how(), there(), tmp_path, [300], cancel=True))
        await asyncio.to_thread(wait_for, lambda: begun(home), "the job", 60)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(interrupted())
    (kept,) = left(home)  # something may still be written there
    job = wait_for(lambda: cluster.run("squeue", "-h", "-tall", f"-n{kept.name}", "-o%A").strip(), "the job")
    wait_for(lambda: cluster.job(job)["JobState"] == "CANCELLED", "its end")
    assert not list(tmp_path.glob(".adatom-jobs/*.json"))
    Host("login").remove(kept)


def test_nothing_is_left_running(tmp_path):
    def sockets():
        return set(Path("/tmp").glob("adatom-*/ssh"))

    before = sockets()
    one = driver(tmp_path, 0.5)
    wait_for(lambda: infra.processes("ssh", [f"OF_DRIVER={tmp_path}"]), "its connection")
    (socket,) = wait_for(lambda: sockets() - before, "its socket")
    assert one.communicate(timeout=60)[0] == "succeeded\n"
    wait_for(lambda: not infra.processes(environ=[f"OF_DRIVER={tmp_path}"]), "the end of all")
    assert not socket.parent.exists()


def adatom(*command):
    words = (sys.executable, "-m", "adatom", "profiles", *map(str, command))
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, "COLUMNS": "200"})


def test_the_command_line(cluster, tmp_path):
    place = tmp_path / "place"
    (tmp_path / "adatom.toml").write_text(f"""
[commands.slow]
executable = "python"
arguments = {json.dumps(SLOW.arguments)}
[executions.slow-small]
command = "slow"
[machines.there]
scheduler = "slurm"
host = "login"
queues = {{ cpu = "main" }}
executables = {{ python = {json.dumps(sys.executable)} }}
""")
    assert "slurm on login" in adatom("list").stdout
    assert adatom("check", "there").returncode == 0
    ids = [adatom("submit", "slow", "slow-small", "there", "--work-dir", place, "--", n).stdout for n in (0, 300)]
    one, other = map(str.strip, ids)
    attached = adatom("attach", place, "--job", one)
    assert (attached.returncode, attached.stdout.split()[::2]) == (0, [one, "succeeded"]), attached.stderr
    assert [path.read_text() for path in place.glob("*.out")] == ["begun\n"]
    (row,) = json.loads(adatom("status", place, "--json").stdout)
    assert (row["id"], row["state"] in ("queued", "running")) == (other, True)
    assert adatom("cancel", place).returncode == 0
    wait_for(lambda: cluster.job(other)["JobState"] == "CANCELLED", "its end")


# --- The host ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "said"), [("closed", "Connection refused"), ("stranger", r"Host key verification failed\.")]
)
def test_a_host_that_does_not_answer(tmp_path, host, said):
    expected = rf"host='{host}' of the machine's profile does not answer: .*{said}.*\nSee that `ssh {host} true` works"
    with pytest.raises(SchedulerError, match=expected):
        run_command(SAY, how(), there(host), tmp_path / "new")
    assert not (tmp_path / "new").exists()
    (finding,) = preflight(there(host))
    assert (finding.ok, finding.what) == (False, f"host {host}")


def test_a_connection_that_the_user_has_opened_is_used(login, tmp_path):
    with pytest.raises(SchedulerError, match="host='shared' .* Permission denied"):
        run_command(SAY, how(), there("shared"), tmp_path)
    login.log_in()
    assert run_command(SAY, how(), there("shared"), tmp_path).ok


def test_what_is_checked_before(home):
    programs = {"known": "only-there", "unknown": "/no/such program"}
    where = machine("slurm", host="login", queues={"cpu": "main", "gpu": "absent"}, executables=programs)
    assert [tuple(finding) for finding in preflight(where)] == [
        (True, "host login", ""),
        *((True, f"command {command}", "") for command in ("sbatch", "squeue", "scontrol", "scancel")),
        (True, "queue main", ""),
        (False, "queue absent", "there is none. Valid: main, short"),
        (True, "executable known", ""),
        (False, "executable unknown", "/no/such program is not found on login"),
    ]


def test_a_scheduler_that_is_not_there():
    with pytest.raises(SchedulerError, match="There is no command 'bkill' on login, which lsf is asked by"):
        scheduler("lsf", "login").run("bkill", "1")


def test_links_and_odd_names(home, tmp_path):
    host, place, far = Host("login"), Path("~/links"), tmp_path / "far"
    here, there = tmp_path / "here", home / "links"
    here.mkdir()
    far.write_text("old")
    (here / "linked").symlink_to(far)
    odd = os.fsdecode(b"./-\xff " + b"long" * 30)
    (here / odd).write_text("old")
    os.mkfifo(here / "pipe")  # is left out, and nobody waits for it
    host.send(here, place)
    assert sorted(os.listdir(there)) == sorted([".adatom-sent", "linked", odd[2:]])
    for name in ("linked", odd):
        (there / name).write_text("new")
    (there / "made").symlink_to(far)
    for _ in range(2):  # as when the first one was cut
        host.fetch(place, here)
        assert (far.read_text(), (here / odd).read_text(), (here / "made").readlink()) == ("new", "new", far)
    assert (here / "linked").is_symlink()  # written through, as the job itself would here
    host.remove(place)
    assert not there.exists()


def archive_with(*members):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, link in members:
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = link
            archive.addfile(member)
    file.seek(0)
    return tarfile.open(fileobj=file)


@pytest.mark.parametrize(
    "members",
    [
        [("/x", None)],
        [("a/../../x", None)],
        [("./a", (tarfile.SYMTYPE, "/")), ("a/x", None)],
        [("a", (tarfile.LNKTYPE, "../x"))],
    ],
)
def test_a_host_that_lies_writes_nothing_elsewhere(members):
    links = set()
    with archive_with(*members) as archive, pytest.raises(tarfile.ExtractError, match="is not in the directory"):
        for member in archive:
            _check(member, links)


def test_a_connection_that_breaks_while_files_are_copied(login, home, tmp_path):
    (tmp_path / "much").write_bytes(os.urandom(100_000_000))
    with ThreadPoolExecutor(1) as thread:
        sent = thread.submit(Host("login").send, tmp_path, Path("~/much"))
        wait_for(lambda: list(home.glob("much/*")), "the beginning", pause=0.001)
        login.disconnect()
        with pytest.raises(SchedulerError, match="Cannot copy .* to ~/much on login: "):
            sent.result()
    Host("login").remove(Path("~/much"))


def test_what_a_command_is_given_and_says(home):
    (home / "sub dir").mkdir()
    (home / "sub dir/$in").write_text("a  b\n")
    host, place = Host("login"), Path("~/sub dir")
    done = host.run(["cat", "-", "/no/such"], cwd=place, stdin="$in", environment={"LC_ALL": "C"})
    assert (done.returncode, done.stdout, done.stderr) == (1, "a  b\n", "cat: /no/such: No such file or directory\n")
    assert host.run(["printenv", "MINE"], environment={"MINE": "a 'b'"}).stdout == "a 'b'\n"
    assert host.run(["cat"]).stdout == ""
    assert (host.tail(place / "$in", 3), host.tail(place / "absent", 3)) == (" b\n", "")
