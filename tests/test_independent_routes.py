"""Numbers of adatom are those of independent routes, and the page that says so has all of them.

`benchmarks/routes.py` makes the page.
"""

import ast
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks.independent.fields import FIELDS
from benchmarks.independent.page import title
from benchmarks.independent.row import Row
from benchmarks.independent.run import run
from tests.codes import provide_code

ROOT = Path(__file__).parents[1]
ROWS = [row for field in FIELDS.values() for row in field.ROWS]
DEEP = pytest.mark.deep(reason="every row of the page; the quick ones of each field are enough for a change")


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name, marks=[] if row.quick else [DEEP]) for row in ROWS])
def test_number(row):
    if row.needs:
        provide_code(row.needs)
    found = row.compare()
    assert found.agrees, str(found)


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_some_rows_of_each_field_are_quick(field):
    assert 0 < sum(row.quick for row in field.ROWS) < len(field.ROWS)


def test_page_has_the_rows():
    """The title, recipe and route of each: after a change of one, `python benchmarks/routes.py` makes the page anew."""
    lines = (ROOT / "docs" / "independent-routes.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    shown = [(first, route) for first, *_, route in cells if first != "quantity"]
    assert shown == [(f"{title(row.name, row.unit)}<br>`{row.recipe}`", row.route) for row in ROWS]


def test_names_are_different():
    assert Counter(row.name for row in ROWS).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    "path", sorted((ROOT / "benchmarks/independent/theirs").glob("*.py")), ids=lambda path: path.stem
)
def test_independent_routes_import_nothing_of_adatom(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level < 2, "A relative import leads out of `theirs`."
            names = [] if node.level else [node.module]
        assert not [name for name in names if name.partition(".")[0] == "adatom"]


ONE = Row("one", "", "", "", lambda: 1.0, lambda: 1.01)


@pytest.mark.parametrize(
    ("row", "agrees"),
    [
        (ONE, False),
        (replace(ONE, relative=0.02), True),
        (replace(ONE, relative=0.005), False),
        (replace(ONE, absolute=0.02), True),
        (replace(ONE, ours=lambda: float("nan"), relative=1.0), False),
    ],
)
def test_a_difference_that_is_too_large_is_found(row, agrees):
    assert row.compare().agrees is agrees


@pytest.mark.parametrize(("difference", "status"), [(0.02, 0), (0.005, 1)])
def test_page_is_written_and_the_status_says_whether_numbers_agree(difference, status, tmp_path, capsys):
    field = SimpleNamespace(TITLE="Ones", ROWS=(replace(ONE, relative=difference),))
    page = tmp_path / "page.md"
    assert run([], {"ones": field, "again": field}, page) == status
    assert page.read_text().count("## Ones\n\n| quantity") == 2
    assert capsys.readouterr().err.count("one: 1 by adatom, 1.01 by the other route") == 2 * status


def test_one_field_is_printed_and_an_unknown_one_refused(tmp_path, capsys):
    field, page = SimpleNamespace(TITLE="Ones", ROWS=(replace(ONE, absolute=1),)), tmp_path / "page.md"
    assert run(["ones"], {"ones": field}, page) == 0
    assert "| one<br>`` | 1 | 1.01 | 1e-02 (1e+00) |  |" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        run(["twos"], {"ones": field}, page)
    assert "'twos'. Valid: ones." in capsys.readouterr().err
    assert not page.exists()
