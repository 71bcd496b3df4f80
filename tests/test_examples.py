"""Each example runs by itself, in seconds, and prints the same numbers on `local` and on another engine."""

import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from adatom.execution.registry import engine_class, is_installed
from tests.codes import provide_code
from tests.standins.vasp import provide

EXAMPLES = Path(__file__).parents[1] / "recipes_examples"
MODULES = {"morse.py"}  # used by add_a_code.py
SCRIPTS = sorted(path.name for path in EXAMPLES.glob("*.py") if path.name not in MODULES)
NEEDS = {
    "defects.py": "defects",
    "espresso_bands.py": "espresso",
    "espresso_cutoff.py": "espresso",
    "espresso_dos.py": "espresso",
    "espresso_phonons.py": "espresso",
    "tight_binding.py": "tblite",
    "transition_state.py": "sella",
}

WANTED = [name for name in os.environ.get("TEST_ENGINES", "").split(",") if name]
# Covalent is not among them: a script cannot start its server.
CHOICE = [name for name in ("dask", "parsl", "prefect") if name in WANTED or not WANTED]


def other_engine() -> str | None:
    """Of the engines named in ``TEST_ENGINES``, be they installed or not, else of those installed."""
    return next((name for name in CHOICE if WANTED or is_installed(engine_class(name))), None)


@cache
def output(script: str, engine: str, directory: Path) -> str:
    """What a script prints, with another word for the engines that it names: the one given, and its own choice."""
    directory.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ADATOM_")}
    if script.startswith("vasp_"):  # by the program that stands in for it
        kept |= provide(directory / "vasp", "Al")
    environment = {**kept, "ADATOM_CONFIG_FILE": os.devnull, "ADATOM_WORKFLOW_ENGINE": engine}
    command = [sys.executable, str(EXAMPLES / script)]
    run = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240)
    assert run.returncode == 0, run.stderr
    assert not list(directory.rglob("running-*"))
    return re.sub(rf"^({engine}|local): ", "ENGINE: ", run.stdout, flags=re.MULTILINE)


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("examples")


# Flows and failures; the others are the same on an engine as these.
ELSEWHERE = {"own_flow.py", "failures.py"}


def scripts(*shallow: str) -> pytest.MarkDecorator:
    """A test for each example; one process has all those of an example, which runs once on `local` there."""
    deep = pytest.mark.deep(reason=f"on engines, {', '.join(sorted(ELSEWHERE))} stand for all examples")
    marks = {name: [pytest.mark.xdist_group(name), *([] if name in shallow else [deep])] for name in SCRIPTS}
    return pytest.mark.parametrize("script", [pytest.param(name, marks=marks[name]) for name in SCRIPTS])


@pytest.mark.skipif(bool(WANTED) and "local" not in WANTED, reason="TEST_ENGINES")
class TestExample:
    @pytest.fixture(autouse=True)
    def code(self, script):
        if script in NEEDS:
            provide_code(NEEDS[script])

    @scripts(*SCRIPTS)
    def test_on_local(self, script, directory):
        printed = output(script, "local", directory / f"{script}-local")
        assert 2 <= printed.count("\n") <= 12

    @scripts(*ELSEWHERE)
    def test_the_same_on_another_engine(self, script, directory):
        engine = other_engine()
        if engine is None:
            pytest.skip("pip install 'adatom[dask]'")
        elsewhere = output(script, engine, directory / f"{script}-{engine}")
        assert elsewhere == output(script, "local", directory / f"{script}-local")


def test_each_example_says_what_it_shows():
    for script in [*SCRIPTS, *MODULES]:
        first = (EXAMPLES / script).read_text().splitlines()[0]
        assert first.startswith('"""'), script
    assert len(SCRIPTS) >= 8
