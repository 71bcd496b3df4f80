"""Directories on a host that are made, and that are removed: real ssh, without a scheduler."""

from pathlib import Path

import pytest

from adatom.errors import SchedulerError
from adatom.machines.host import Host
from tests.infra import machine as infra
from tests.infra import sshd

pytestmark = pytest.mark.xdist_group("slurm")


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    infra.skip_or_install("sshd", sshd.COMMANDS, sshd.PACKAGES)
    with sshd.sshd(HOME=str(tmp_path_factory.mktemp("it's home"))):
        yield Host("login")


@pytest.fixture
def sent(host, tmp_path):
    """Directory there with the files of one here."""
    here = tmp_path / "here"
    here.mkdir()
    (here / "in put").write_text("1")
    there = tmp_path / "jobs/it's relax-1"
    host.send(here, there)
    return there


def test_what_was_sent_is_removed(host, sent):
    assert (sent / "in put").read_text() == "1"
    host.remove(sent)
    assert not sent.exists()
    assert sent.parent.exists()


def test_what_was_not_sent_stays(host, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter").write_text("1")
    host.remove(tmp_path / "thesis")
    assert (tmp_path / "thesis/chapter").exists()


def test_a_link_is_not_followed(host, sent, tmp_path):
    (tmp_path / "link").symlink_to(sent)
    host.remove(tmp_path / "link")
    assert (sent / "in put").exists()
    (tmp_path / "kept").write_text("1")
    (sent / "out").symlink_to(tmp_path)
    host.remove(sent)
    assert not sent.exists()
    assert (tmp_path / "kept").exists()


def test_what_could_not_be_sent_is_removed(host, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    (here / "x").write_text("1")
    (there / "x").mkdir()
    (there / "x/y").write_text("in the way")
    with pytest.raises(SchedulerError, match="Cannot copy"):
        host.send(here, there)
    host.remove(there)
    assert not there.exists()


def test_the_home_there(host, tmp_path):
    host.send(tmp_path, Path("~/jobs/x"))
    assert host.run(["bash", "-c", "ls ~/jobs"]).stdout == "x\n"
    host.remove(Path("~/jobs/x"))
    assert host.run(["bash", "-c", "ls ~/jobs"]).stdout == ""
