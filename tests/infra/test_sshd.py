"""The sshd that other tests use is a real one, and leaves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import machine, sshd
from tests.infra.machine import wait_for

pytestmark = pytest.mark.xdist_group("sshd")
PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def login():
    machine.skip_or_install("sshd", sshd.COMMANDS, sshd.PACKAGES)
    with sshd.sshd(OF_SSHD="a b") as login:
        yield login


def ssh(*command):
    return subprocess.run(["ssh", "-oBatchMode=yes", *command], capture_output=True, text=True, timeout=60)


def test_a_session_has_what_was_given(login):
    done = ssh("login", 'echo "$OF_SSHD"; exit 3')
    assert (done.stdout, done.returncode) == ("a b\n", 3)


@pytest.mark.parametrize(
    ("name", "said"), [("stranger", "Host key verification failed"), ("closed", "Connection refused")]
)
def test_those_that_cannot_be_reached(login, name, said):
    done = ssh(name, "true")
    assert (done.returncode, said in done.stderr) == (255, True)


def test_started_twice_is_one_and_stopped_leaves_nothing(login):
    command = (sys.executable, "-m", "tests.infra.sshd")

    def daemons():
        return machine.processes("sshd", opened=sshd.ROOT)

    (daemon,) = wait_for(lambda: len(daemons()) == 1 and daemons(), "the end of all sessions")
    started = subprocess.run([*command, "start", "OF_SSHD=a b"], cwd=PROJECT, capture_output=True, text=True)
    assert str(login.port) in started.stdout
    assert daemon in daemons()
    with subprocess.Popen(["ssh", "login", "echo; sleep 300"], stdout=subprocess.PIPE) as session:
        session.stdout.readline()
        subprocess.run([*command, "stop"], cwd=PROJECT, check=True)
        session.wait(timeout=60)
    assert not machine.listening(login.port)
    assert not sshd.ROOT.exists()
    assert subprocess.run([*command, "status"], cwd=PROJECT, capture_output=True).returncode == 1
