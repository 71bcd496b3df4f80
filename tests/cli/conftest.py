"""The command line, in this process and in one of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import adatom
from adatom import change_settings
from adatom.cli import app

ROOT = Path(__file__).parents[2]
OWN = "tests.cli.own_recipes"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(sys, "path", list(sys.path))  # own recipes add their folders
    with change_settings(results_dir=tmp_path / "runs", workflow_engine="local", local_workers=1, log_level="WARNING"):
        yield


@pytest.fixture
def cli() -> Callable[..., Any]:
    """Run a command here; gives status, standard output and standard error."""
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture
def refused(cli: Callable[..., Any]) -> Callable[..., str]:
    """Run a command that is to be refused; gives the one line that says why."""

    def run(*args: Any) -> str:
        result = cli(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        line = result.stderr
        assert line.startswith("adatom: ")
        assert line.endswith("\n")
        assert line.count("\n") == 1
        return line.removeprefix("adatom: ").rstrip()

    return run


def environment(**more: str) -> dict[str, str]:
    """For a process that has this one's packages, the tests and no settings but these."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ADATOM_", "PYTHONUNBUFFERED"))}
    path = os.pathsep.join([str(Path(adatom.__file__).parents[1]), str(ROOT), os.environ.get("PYTHONPATH", "")])
    return {**kept, "PYTHONPATH": path.rstrip(os.pathsep), "HOME": os.getcwd(), **more}


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "adatom", *map(str, args)]


def process(*args: object, **env: str) -> "subprocess.CompletedProcess[str]":
    """Run a command in a process of its own."""
    return subprocess.run(command(*args), capture_output=True, text=True, env=environment(**env), timeout=120)
