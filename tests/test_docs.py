"""What README and documentation show is so: their code runs, and prints what they say.

The blocks of a page are one script, run in order; a block ``text`` after one of Python or commands is what that prints.
A comment on the line above a block says what else there is to know:

``<!-- needs: dask -->``   a script of its own, or commands, for which an engine or code has to be there
``<!-- engine: dask -->``  the same, and it runs on that engine
``<!-- file: x.py -->``    a file that other blocks of the page use; if it is Python it is not run by itself
``<!-- not run: why -->``  cannot be run here
"""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from adatom.calculators.models import model, model_names
from adatom.execution.registry import engine_class, engine_names, is_installed
from tests.codes import CODES, interpreters, provide_code, reason_to_skip

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WANTED = [name for name in os.environ.get("TEST_ENGINES", "").split(",") if name]
ON_LOCAL = pytest.mark.skipif(bool(WANTED) and "local" not in WANTED, reason="TEST_ENGINES")

_FENCE = re.compile(
    r"(?:^<!-- (?P<about>[^\n]*?) -->\n)?^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
_SNIPPET = re.compile(r'^--8<-- "(.*)"$', re.MULTILINE)

# Blocks that say of engines what other tests have: the commands are README.md's, and a client or a configuration of
# one's own is what `tests/engines` runs all its tests on.
DEEP = {
    "engines.md": pytest.mark.deep(reason="slabs on engines, as README.md's commands and tests/engines"),
    "index.md": pytest.mark.deep(reason="the commands of README.md"),
}

# Commands that the tests of documentation do not run, and who does.
NOT_RUN = {
    "python -m venv": "before anything else",
    "source ": "before anything else",
    "python -m pip install": "nox -s install_and_run",
    "python -m nox": ".ci/run",
    "nox ": "nox itself runs these tests",
    "covalent ": "tests/engines/covalent_server.py",
    "apt-get install": "tests/codes.py",
    "prefect ": "it serves until it is stopped",
    "mkdocs ": "nox -s docs",
    "python benchmarks/": "they take minutes",
    "TEST_ENGINES=": "test_the_example_of_an_engine_passes_the_suite",
}


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    ``about`` is what the comment above says, by key; ``shown`` what it is said to print, or None.
    """

    page: str
    line: int
    info: str
    text: str
    about: tuple[tuple[str, str], ...]
    shown: str | None

    def get(self, key: str) -> str | None:
        return dict(self.about).get(key)

    @property
    def needs(self) -> str | None:
        return self.get("engine") or self.get("needs")

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def blocks(path: Path) -> list[Block]:
    """The blocks of a page, snippets included."""
    text = path.read_text()
    found, end = [], -1
    for match in _FENCE.finditer(text):
        shows = found and match["info"] == "text" and not match["about"] and not text[end : match.start()].strip()
        if shows:
            last = found.pop()
            found.append(Block(last.page, last.line, last.info, last.text, last.about, match["text"]))
        about = tuple(tuple(item.strip() for item in match["about"].split(":", 1)) for _ in "x" if match["about"])
        code = _SNIPPET.sub(lambda snippet: (ROOT / snippet[1]).read_text(), match["text"])
        if not shows:
            line = text.count("\n", 0, match.start("info")) + 1
            found.append(Block(path.name, line, match["info"], code, about, None))
        end = match.end()
    return found


def python_of(path: Path) -> list[Block]:
    """What a page's script is made of."""
    return [
        block
        for block in blocks(path)
        if block.info == "python" and not block.needs and not block.get("not run") and not block.get("file")
    ]


def pages_with(of_page, deep=()) -> list:
    return [
        pytest.param(path, id=path.name, marks=[DEEP[path.name]] if path.name in deep else [])
        for path in PAGES
        if of_page(path)
    ]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ADATOM_")}
    return {**kept, "ADATOM_CONFIG_FILE": os.devnull, "COLUMNS": "100", **interpreters(), **more}


def run(command: list[str], directory: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    variables["ADATOM_CACHE_DIR"] = f"{directory}/.cache/adatom"  # where it is without the variable, for /home/me
    done = subprocess.run(
        command, cwd=directory, env=environment(**variables), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def same(text: str, directory: Path | None = None) -> list[str]:
    """Lines to compare: what differs from run to run, from machine to machine or with Python is made the same."""
    if directory is not None:
        text = text.replace(str(directory), "/home/me")
    for pattern, replacement in (
        (r"\b\d{8}-\d{6}\b", "STAMP"),
        (r"(?<=-)[0-9a-f]{8,16}\b", "RANDOM"),
        (r"\b[0-9a-f]{32}\b", "DIGEST"),
        (r"on \S+, process \d+", "on HOST, process PID"),
        (r'File "[^"]*(?:/|\b)(\w+\.py)", line \d+', r'File "\1", line N'),
        (r"(?m)^[ |]*[~^]+\n", ""),
        (r"0x[0-9a-f]+", "0xADDRESS"),
    ):
        text = re.sub(pattern, replacement, text)
    return [line.rstrip() for line in text.strip().splitlines()]


def write_files(path: Path, directory: Path) -> None:
    """What the page's blocks find in the directory that they run in: its files, and the examples of a checkout."""
    (directory / "recipes_examples").symlink_to(ROOT / "recipes_examples")
    for block in blocks(path):
        if name := block.get("file"):
            (directory / name).write_text(block.text)


def skip_without(needed: str) -> None:
    if needed in CODES:
        if WANTED and "local" not in WANTED:
            pytest.skip("TEST_ENGINES")
        provide_code(needed)
    elif WANTED and needed not in WANTED:
        pytest.skip("TEST_ENGINES")
    elif not WANTED and needed not in installed():
        pytest.skip(f"pip install 'adatom[{needed}]'")


@ON_LOCAL
@pytest.mark.parametrize("path", pages_with(python_of))
def test_python(path, tmp_path):
    write_files(path, tmp_path)
    script = tmp_path / "page.py"
    mark = "=== the next block ==="
    script.write_text(f"print({mark!r})\n".join(block.text for block in python_of(path)))
    printed = run([sys.executable, "page.py"], tmp_path).stdout.split(mark)
    for block, text in zip(python_of(path), printed, strict=True):
        if block.shown is not None:
            assert same(text, tmp_path) == same(block.shown), str(block)


ALONE = [block for path in PAGES for block in blocks(path) if block.info == "python" and block.needs]


def marks_of(block: Block) -> list[pytest.MarkDecorator]:
    group = [pytest.mark.xdist_group(block.needs)] if block.needs == "prefect" else []  # one process has the server
    return [*group, *([DEEP[block.page]] if block.page in DEEP else [])]


@pytest.mark.parametrize("block", [pytest.param(block, id=str(block), marks=marks_of(block)) for block in ALONE])
def test_python_that_needs_something(block, tmp_path, request):
    skip_without(block.needs)
    if block.needs == "covalent":
        request.getfixturevalue("covalent")
    server = request.getfixturevalue("prefect_server") if block.needs == "prefect" else {}
    write_files(next(path for path in PAGES if path.name == block.page), tmp_path)
    (tmp_path / "script.py").write_text(block.text)
    engine = {"ADATOM_WORKFLOW_ENGINE": block.get("engine")} if block.get("engine") else {}
    done = run([sys.executable, "script.py"], tmp_path, ADATOM_LOCAL_WORKERS="2", **engine, **server)
    if block.shown is not None:
        assert same(done.stdout, tmp_path) == same(block.shown)
    for stored in STORED:
        if (made := tmp_path / stored.name).exists():
            assert leaves(made) == pytest.approx(leaves(stored), abs=1e-3)
            # A third derivative of energies in single precision, which differ between processors.
            derivatives = [json.loads(file.read_text()).get(DERIVATIVE, 0.0) for file in (made, stored)]
            assert derivatives[0] == pytest.approx(derivatives[1], abs=5e-3)


def leaves(file: Path) -> list:
    """All values in a JSON file, in order, but for that of `DERIVATIVE`."""

    def of(value):
        parts = [part for key, part in value.items() if key != DERIVATIVE] if isinstance(value, dict) else value
        return [leaf for part in parts for leaf in of(part)] if isinstance(value, dict | list) else [value]

    return of(json.loads(file.read_text()))


DERIVATIVE = "bulk_modulus_derivative"
# What pictures are drawn of where the documentation is made, since there the codes are not.
STORED = sorted((ROOT / "docs" / "codes").glob("*.json"))


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.name)
def test_what_is_stored_is_made_on_a_page_and_drawn_there(stored):
    [page] = {block.page for block in ALONE if f'"{stored.name}"' in block.text}
    assert [page] == [block.page for block in DRAWN if f'"docs/codes/{stored.name}"' in block.text]


@pytest.fixture
def covalent(tmp_path_factory):
    from tests.engines.covalent_server import covalent_server

    with covalent_server(tmp_path_factory.mktemp("covalent")):
        yield


def commands_of(path: Path) -> list[Block]:
    return [block for block in blocks(path) if block.info == "bash" and not block.get("not run")]


def lines_of(block: Block) -> list[str]:
    """The commands to run: what installs and what serves is left out."""
    lines = [re.sub(r"\s+#.*", "", line) for line in block.text.splitlines()]
    lines = [part.strip() for line in lines for part in line.split("&&")]
    return [line for line in lines if line and not line.startswith(tuple(NOT_RUN))]


def installed() -> list[str]:
    return [name for name in engine_names() if is_installed(engine_class(name))]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """`adatom` and `python` are those of this environment."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, command in {"adatom": [sys.executable, "-m", "adatom"], "python": [sys.executable]}.items():
        (programs / name).write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


@ON_LOCAL
@pytest.mark.parametrize("path", pages_with(commands_of, DEEP))
def test_commands(path, tmp_path, shell):
    directory = tmp_path / "work"
    directory.mkdir()
    write_files(path, directory)
    for block in commands_of(path):
        if block.needs in CODES and reason_to_skip(block.needs):
            continue
        printed = ""
        for line in lines_of(block):
            engine = re.search(r"(?:WORKFLOW_ENGINE=|--engine )(\w+)", line)
            if engine and engine[1] not in (WANTED or installed()):
                continue
            done = run(["bash", "-c", f"{line} 2>&1" if block.shown else line], directory)
            printed += done.stdout
        if block.shown is not None:
            assert same(printed, directory) == same(block.shown), str(block)


GENERATED = [block for path in PAGES for block in blocks(path) if block.info == 'python exec="on"']


DRAWN = [block for path in PAGES for block in blocks(path) if block.info == 'python exec="on" html="on"']


@ON_LOCAL
@pytest.mark.parametrize("block", DRAWN, ids=str)
def test_pictures(block):
    picture = run([sys.executable, "-c", block.text], ROOT).stdout
    assert picture.startswith("<svg")
    assert picture.count("<path") > 10


@ON_LOCAL
@pytest.mark.parametrize("block", GENERATED, ids=str)
def test_generated_tables(block, tmp_path):
    """They are made without any engine's package."""
    table = run([sys.executable, "-c", block.text], tmp_path).stdout.strip().splitlines()
    rows = [line for line in table if line.startswith("|")]
    assert len(rows) >= 4
    assert len({re.sub(r"`[^`]*`", "", row).count("|") for row in rows}) == 1


def test_the_table_of_models_has_all_of_them_and_all_their_names(tmp_path):
    [block] = [block for block in GENERATED if block.page == "mlip.md" and "model_names" in block.text]
    table = run([sys.executable, "-c", block.text], tmp_path).stdout
    shown = {match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)` \|.*$", table, re.MULTILINE)}
    assert set(shown) == set(model_names())
    for name, line in shown.items():
        row = model(name)
        assert all(f"`{alias}`" in line for alias in row.aliases), name
        assert row.licence in line, name
        assert row.doi in line, name
        assert line.endswith("| yes |" if row.tried else "|  |"), name


def test_every_block_is_looked_at():
    known = {"python", "bash", "toml", "text", "yaml"}
    for path in PAGES:
        text = path.read_text()
        assert text.count("\n```") == 2 * len(_FENCE.findall(text)), f"{path.name}: a block that is not closed"
        for block in blocks(path):
            assert block.info.split()[0] in known, str(block)
            if block.info.startswith("python "):
                shown = text.splitlines()[block.line]  # made when the page is, or a file that tests run
                made = block.info.removesuffix(' html="on"') == 'python exec="on"'
                assert made or _SNIPPET.match(shown), str(block)
            assert {key for key, _ in block.about} <= {"needs", "engine", "file", "not run"}, str(block)


def test_toml():
    import tomllib

    from adatom.settings import Settings

    for path in PAGES:
        for block in blocks(path):
            if block.info.startswith("toml") and not block.get("file") and not block.get("not run"):
                assert set(tomllib.loads(block.text)) <= set(Settings.model_fields) | {"project"}, str(block)


class TestReadme:
    text = (ROOT / "README.md").read_text()

    def test_its_commands_are_the_tested_ones(self):
        [command] = re.findall(r'^python -m pip install "nox.*', self.text, re.MULTILINE)
        assert command in (ROOT / ".ci" / "run").read_text().splitlines()
        noxfile = (ROOT / "noxfile.py").read_text()
        assert 'session.run("adatom", "run", "emt.bulk_to_slabs_flow", "bulk:Cu")' in noxfile
        assert "python -m pip install . && adatom run emt.bulk_to_slabs_flow bulk:Cu\n" in self.text

    def test_its_table_has_all_engines(self):
        names = {point.name for point in entry_points(group="adatom.engines") if point.value.startswith("adatom.")}
        table = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*?) \|$", self.text, re.MULTILINE))
        assert set(table) == names
        for name, install in table.items():
            assert install == "nothing to install" or f'python -m pip install ".[{name}]"' in install


@pytest.mark.deep(reason="it runs a suite of its own; the fake engine shows by default that the suite can fail")
def test_the_example_of_an_engine_passes_the_suite(tmp_path):
    if WANTED and "local" not in WANTED:
        pytest.skip("TEST_ENGINES")
    package = ROOT / "docs" / "examples"
    metadata = tmp_path / "adatom_process-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: adatom-process\nVersion: 0\n")
    (metadata / "entry_points.txt").write_text("[adatom.engines]\nprocess = adatom_process:ProcessEngine\n")
    path = os.pathsep.join([str(tmp_path), str(package), os.environ.get("PYTHONPATH", "")])
    variables = environment(TEST_ENGINES="process", PYTHONPATH=path.rstrip(os.pathsep))
    variables.pop("PYTEST_XDIST_WORKER", None)
    choice = "compose or subflows or retries or killed_worker or failing_job or settings"
    suite = str(ROOT / "tests" / "engines" / "test_conformance.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite, "-k", choice]
    done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 8


def test_the_extractor(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        textwrap.dedent(
            """
            <!-- needs: dask -->
            ```python
            print(1)
            ```

            ```text
            1
            ```

            ```bash
            adatom run x && python -m pip install .  # why
            ```
            """
        )
    )
    first, second = blocks(page)
    assert (first.needs, first.text, first.shown, first.line) == ("dask", "print(1)\n", "1\n", 3)
    assert lines_of(second) == ["adatom run x"]
