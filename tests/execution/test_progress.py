import re
import subprocess
import sys

import pytest

from tests.interpreter import bare_environment
from tests.terminal import run_on_terminal

SCRIPT = """
import time
from concurrent.futures import ThreadPoolExecutor
from ase.build import bulk
from adatom import configs, flow, job

@job
def slow(number):
    time.sleep(0.4)
    if number == 3:
        raise ValueError("three")
    return number

@flow(on_failure="return")
def several(count):
    return [slow(number) for number in range(count)]

def slow_atoms(atoms):
    time.sleep(0.4)
    return atoms

if __name__ == "__main__":
    WHAT
    print("the result")
"""
LAST = {
    "several(5)": "several: 0 running, 4 done, 1 failed, 0:00:0",
    "slow.map([0, 1, 2, 4])": "slow.map: 0 running, 4 done, 0 failed, 0:00:0",
    "configs.map(slow_atoms, [bulk('Cu')] * 4)": "slow_atoms: 0 running, 4 done, 0 failed, 0:00:0",
}


def script(what, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace("WHAT", what))
    return [sys.executable, str(path)]


@pytest.mark.parametrize("what", LAST)
def test_a_script_shows_its_progress_on_a_terminal(what, tmp_path):
    shown, out = run_on_terminal(script(what, tmp_path), bare_environment(tmp_path))
    assert out == "the result\n"
    lines = re.split(r"[\r\n]+|\x1b\[K", shown)
    assert any("1 running" in line for line in lines)
    assert [line for line in lines if line][-1].startswith(LAST[what])


def test_the_line_fits_a_narrow_terminal(tmp_path):
    shown, _ = run_on_terminal(script("several(5)", tmp_path), bare_environment(tmp_path), columns=30)
    lines = [line for line in re.split(r"[\r\n]+|\x1b\[K", shown) if line]
    assert lines
    assert max(map(len, lines)) < 30


@pytest.mark.parametrize(("what", "env"), [("several(2)", {}), ("several(5)", {"ADATOM_PROGRESS": "false"})])
def test_a_short_flow_and_one_that_is_not_to_show_it(what, env, tmp_path):
    shown, out = run_on_terminal(script(what, tmp_path), bare_environment(tmp_path, **env))
    assert (shown, out) == ("", "the result\n")


def test_elsewhere_lines_are_printed_on_request(tmp_path):
    command = script("several(5)", tmp_path)
    quiet = subprocess.run(command, env=bare_environment(tmp_path), capture_output=True, text=True)
    assert (quiet.stdout, quiet.stderr) == ("the result\n", "")
    told = subprocess.run(
        command, env=bare_environment(tmp_path, ADATOM_PROGRESS="true"), capture_output=True, text=True
    )
    assert told.stdout == "the result\n"
    first, last = told.stderr.splitlines()
    assert re.match(r"several: 1 running, \d done, 0 failed, 2 waiting|several: 1 running", first)
    assert last.startswith("several: 0 running, 4 done, 1 failed")


def test_of_flows_side_by_side_one_has_the_line(tmp_path):
    both = "list(ThreadPoolExecutor(2).map(several, [5, 5]))"
    shown, _ = run_on_terminal(script(both, tmp_path), bare_environment(tmp_path))
    assert shown.count("\n") == 1


@pytest.mark.parametrize("before", ["sys.stderr.close()", "sys.stderr = None"])
def test_a_script_without_a_standard_error_runs(before, tmp_path):
    command = script(f"import sys; {before}; several(1)", tmp_path)
    done = subprocess.run(command, env=bare_environment(tmp_path), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "the result\n")
