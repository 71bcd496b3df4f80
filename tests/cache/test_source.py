"""Which edits of a recipe, or of what it calls, are other code: told by processes that import the edited files."""

import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import ase.build
import ase.units
import pytest

import adatom
from adatom.cache.source import Source, describe_code, source_of
from adatom.recipes.emt import relax_job, static_job

RECIPE = '''
"""A recipe."""
import math
from {package}.helpers import half, Scale
from {package} import tables

LIMIT = 10.0
OPTIONS = {{"a": [1, 2]}}

def decorate(fn):
    def inner(*args):
        return fn(*args)
    return inner

@decorate
def recipe(x: float) -> float:
    """What it does."""
    # a comment
    from {package}.late import shift
    scale = Scale(2.0)
    return half(x) * scale.apply(LIMIT) + tables.TABLE["k"](x) + shift(x) + math.sqrt(len(OPTIONS))
'''
HELPERS = '''
def half(x):
    return x / quarter(4.0) * 2

def quarter(x):
    """A quarter."""
    return x / 4

def not_called(x):
    return x

class Scale:
    """Scales."""
    factor = 3.0

    def __init__(self, by):
        self.by = by

    def apply(self, x):
        return self.by * x * self.factor
'''
TABLES = """
TABLE = {"k": lambda x: x + 1, "l": lambda x: x - 1}
"""
LATE = """
def shift(x):
    return x + 0.5
"""
SHOW = "from {package}.recipe import recipe; from adatom.cache.source import Source; print(Source(recipe).digest)"


class Package:
    """A package of a user's, on disk."""

    def __init__(self, folder: Path, name: str = "mine") -> None:
        self.name, self.folder = name, folder
        (folder / name).mkdir()
        for file, text in {"__init__": "", "helpers": HELPERS, "tables": TABLES, "late": LATE}.items():
            (folder / name / f"{file}.py").write_text(text)
        (folder / name / "recipe.py").write_text(RECIPE.format(package=name))

    def edit(self, file, before, after):
        path = self.folder / self.name / f"{file}.py"
        text = path.read_text()
        assert before in text
        path.write_text(text.replace(before, after))

    def digest(self) -> str:
        path = os.pathsep.join([str(self.folder), str(Path(adatom.__file__).parents[1])])
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "random"}
        done = subprocess.run(
            [sys.executable, "-c", SHOW.format(package=self.name)], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def package(tmp_path):
    return Package(tmp_path)


@pytest.mark.parametrize(
    "edit",
    [
        ("recipe", "# a comment", "# another\n    # and another"),
        ("recipe", '"""What it does."""', ""),
        ("recipe", '"""What it does."""', '"""Something else."""'),
        ("recipe", "x: float) -> float", "x) -> int"),
        ("recipe", "half(x) * scale", "half( x )*scale"),
        ("recipe", '"""A recipe."""', "\n\n\n"),
        ("helpers", '"""A quarter."""', "# nothing"),
        ("helpers", '"""Scales."""', ""),
        ("helpers", "def not_called(x):\n    return x", "def not_called(x):\n    return -x"),
    ],
)
def test_what_does_not_change_the_code(package, edit):
    before = package.digest()
    package.edit(*edit)
    assert package.digest() == before


@pytest.mark.parametrize(
    "edit",
    [
        ("recipe", "return half(x)", "return 2 * half(x)"),
        ("recipe", "LIMIT = 10.0", "LIMIT = 11.0"),
        ("recipe", '"a": [1, 2]', '"a": [1, 3]'),
        ("recipe", "return fn(*args)", "return -fn(*args)"),
        ("helpers", "* 2", "* 3"),
        ("helpers", "x / 4", "x / 5"),
        ("helpers", "factor = 3.0", "factor = 4.0"),
        ("helpers", "self.by * x", "self.by + x"),
        ("tables", "x + 1", "x + 2"),
        ("late", "x + 0.5", "x + 0.6"),
    ],
)
def test_what_changes_the_code(package, edit):
    before = package.digest()
    package.edit(*edit)
    assert package.digest() != before


def test_a_file_that_was_edited_after_its_import_does_not_count(package, monkeypatch):
    monkeypatch.syspath_prepend(package.folder)
    before = package.digest()
    from mine.recipe import recipe  # type: ignore[import-not-found]

    package.edit("helpers", "x / 4", "x / 5")
    assert Source(recipe).digest == before
    for name in [name for name in sys.modules if name.partition(".")[0] == "mine"]:
        del sys.modules[name]


def test_recipes_of_adatom_count_with_their_runners_and_the_versions_of_what_they_use():
    pieces = Source(relax_job).pieces
    assert {"adatom.recipes.common.jobs.relax_job", "adatom.calculations.optimize.run_optimize", "ase"} <= set(pieces)
    assert "adatom.recipes.common.code.Code.calculator" in pieces
    assert not any(name.startswith(("adatom.workflow", "adatom.settings")) for name in pieces)
    assert Source(static_job).digest != Source(relax_job).digest


def test_a_function_that_calls_itself():
    def down(n):
        return down(n - 1) if n else 0

    assert Source(down).digest == Source(down).digest


def test_a_name_that_stands_for_something_else_now_counts():
    """As when a cell of a notebook is run again, and the job that calls its function is not."""
    cells = {"__name__": "notebook"}
    exec("def helper(x): return x + 1", cells)
    exec("OPTIONS = {'k': 1}", cells)
    exec("def recipe(x): return helper(x) * OPTIONS['k']", cells)
    first = source_of(cells["recipe"])
    assert source_of(cells["recipe"]) is first
    exec("def helper(x): return x + 1  # the same", cells)
    assert source_of(cells["recipe"]).digest == first.digest
    exec("def helper(x): return x + 2", cells)
    second = source_of(cells["recipe"]).digest
    assert second != first.digest
    cells["OPTIONS"]["k"] = 2
    assert source_of(cells["recipe"]).digest not in (first.digest, second)


@pytest.mark.parametrize(
    ("code", "place", "name", "values"),
    [
        ("sum(x)", "builtins", "sum", [sum, lambda x: 0]),
        ("LIMIT * x", "builtins", "LIMIT", [3, 4]),
        ("ase.units.kB * x", "ase.units", "kB", [ase.units.kB, 1.0]),
        ("ase.build.bulk(x)", "ase.build", "bulk", [ase.build.bulk, lambda x: x]),
        ("ase.build.bulk.limit", "ase.build:bulk", "limit", [1, 2]),
        ("ase.limits.low", "ase", "limits", [SimpleNamespace(low=1), SimpleNamespace(low=2)]),
    ],
)
def test_what_is_put_into_a_library_counts(code, place, name, values, monkeypatch):
    home = pkgutil.resolve_name(place)
    monkeypatch.setattr(home, name, values[0], raising=False)
    space = {"__name__": "program", "ase": ase}
    exec(f"def job(x): return {code}", space)
    first = source_of(space["job"]).digest
    monkeypatch.setattr(home, name, values[1])
    assert source_of(space["job"]).digest != first
    monkeypatch.setattr(home, name, values[0])
    assert source_of(space["job"]).digest == first


def test_a_global_that_takes_the_place_of_a_builtin_counts():
    space = {"__name__": "program"}
    exec("def job(x): return sum(x)", space)
    first = source_of(space["job"]).digest
    exec("def sum(x): return 0", space)
    assert source_of(space["job"]).digest != first


def test_a_class_that_is_defined_again_is_the_same():
    def define():
        cells = {"__name__": "__main__"}
        exec("class Own:\n    def f(self):\n        '''Doc.'''\n        return LIMIT\nLIMIT = 3", cells)
        return cells["Own"]

    assert define() is not define()
    assert describe_code(define()) == describe_code(define())


def test_the_code_of_each_recipe_is_the_same_in_every_process():
    show = """
from adatom.recipes.registry import codes, recipes_of
from adatom.cache.source import Source
print([(recipe.name, Source(recipe.step._fn).digest) for code in codes() for recipe in recipes_of(code)])
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(adatom.__file__).parents[1])}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", show], env={**environment, "PYTHONHASHSEED": seed}, stdout=subprocess.PIPE
        )
        for seed in "12"
    ]
    seen = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(seen) == 1
    assert b"md_job" in seen.pop()
