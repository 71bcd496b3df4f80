import re
import subprocess
import sys
import time

import pytest
from ase.build import bulk

from adatom import flow
from adatom.cli import progress as module
from adatom.cli.progress import progress
from tests.cli import own_recipes as own
from tests.cli.conftest import OWN, command, environment
from tests.terminal import run_on_terminal


@flow
def some(atoms):
    own.energy(own.document(atoms, fail=True)["atoms"])
    return [own.document(atoms) for _ in range(3)]


def test_the_last_line_counts_everything(capfd):
    with progress("some", True), pytest.raises(Exception, match="no such luck"):
        some(bulk("Cu"))
    assert capfd.readouterr().err.startswith("some: 0 running, 3 done, 1 failed, 1 skipped, 0:00:0")


def test_the_line_comes_again_and_again(capfd, monkeypatch):
    monkeypatch.setattr(module, "_LOG_EVERY", 0.01)
    monkeypatch.setattr(module, "_TICK", 0.02)
    with progress("nothing", True):
        time.sleep(0.3)
    assert capfd.readouterr().err.count("nothing: 0 running, 0 done, 0 failed") > 3


@pytest.mark.parametrize("shown", [None, False])
def test_no_line_where_nobody_looks(shown, capfd):
    with progress("quiet", shown):
        pass
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("shown", [None, True])
def test_what_is_printed_meanwhile_goes_to_standard_error(shown, capfd):
    with progress("loud", shown):
        print("from Python", flush=True)
        subprocess.run([sys.executable, "-c", "print('from a child')"])
    print("after")
    printed = capfd.readouterr()
    assert printed.out == "after\n"
    assert "from Python" in printed.err
    assert "from a child" in printed.err


def on_terminal(*args, **env):
    """What a command shows on a terminal, and what it writes to the standard output that is not one."""
    return run_on_terminal(command(*args), environment(TERM="xterm", COLUMNS="200", **env))


@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_terminal_the_line_stays_below_what_is_printed(workers):
    shown, out = on_terminal("run", f"{OWN}:talk", "bulk:Cu", "bulk:Ag", "--workers", workers, "--json")
    assert out.startswith("{")
    assert "said of" not in out
    lines = [re.split(r"\x1b\[[?0-9]*[A-Za-z]", line)[-1] for line in shown.replace("\r\n", "\n").split("\n")]
    printed = {f"{what} of {metal}" for what in ("said", "warned") for metal in ("Cu", "Ag")}
    assert printed <= set(lines)
    last = next(i for i, line in enumerate(lines) if line.startswith("talk: 0 running, 2 done, 0 failed, 0:00:"))
    assert all(lines.index(line) < last for line in printed)


def test_a_setting_switches_the_line_off():
    shown, _ = on_terminal("run", f"{OWN}:energy", "bulk:Cu", ADATOM_PROGRESS="false")
    assert "running" not in shown
    assert "energy of Cu" in shown
