"""What stands in the page."""

import base64
import json
import zlib
from html.parser import HTMLParser

import pytest

from adatom.arena.report.page import _BACKGROUNDS, _channels, _luminance, _ranges, _visible, write_page
from adatom.arena.score import leaderboard
from adatom.errors import InputError, StorageError
from adatom.plots.style import COLORS
from tests.arena.report.runs import ELEMENTS, HOSTILE, MODELS, failed, record, records

VOID = {"meta", "input", "br", "img", "link"}


class Reader(HTMLParser):
    """Elements of a page with their attributes, and the text in those that have an id or are a cell."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.rows, self.open, self.text = [], [], [], {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append((tag, dict(attributes).get("id")))

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        tag, name = self.open[-1] if self.open else (None, None)
        if tag in ("td", "th"):
            self.rows[-1][-1] += data
        if name or tag:
            self.text[name or tag] = self.text.get(name or tag, "") + data


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "deeper" / "report.html"
    write_page(records(), path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(page):
    return Reader(page)


@pytest.fixture(scope="module")
def data(read):
    return json.loads(zlib.decompress(base64.b64decode(read.text["data"])))


def test_one_file_that_loads_nothing_and_runs_its_own_script_only(read):
    assert read.open == []
    assert [tag for tag, _ in read.elements if tag in ("img", "link", "iframe", "object", "embed")] == []
    assert not any("src" in attributes or "style" in attributes for _, attributes in read.elements)
    assert all(attributes["href"].startswith("#") for tag, attributes in read.elements if tag == "a")
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    (policy,) = [each["content"] for tag, each in read.elements if each.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy


def test_the_leaderboard_can_be_read_without_the_script(read):
    board = leaderboard(records())
    assert read.rows[0][:4] == ["Rank", "Model", "Score", "Homonuclear diatomics"]
    assert [row[1] for row in read.rows[1:]] == [model["model"] for model in board["models"]]
    assert HOSTILE in [row[1] for row in read.rows]
    (broken,) = [row for row in read.rows if row[1] == "broken"]
    assert broken == ["5", "broken", "0.000", "0.000 (0.00 to 0.00)", "no record", "2", "0"]


def test_parts_and_names(read):
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    ids.append("plot-title")  # which comes with a plot
    for _, attributes in read.elements:
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert attributes.get(name) is None or attributes[name] in ids
    tags = [tag for tag, _ in read.elements]
    assert {"header", "nav", "main", "footer", "dialog", "noscript"} <= set(tags)
    assert tags.count("h1") == 1
    assert ("html", {"lang": "en"}) in read.elements


def test_nothing_of_a_record_stands_in_the_page_as_it_is(page):
    assert HOSTILE not in page
    assert "<img" not in page
    assert page.count("</script>") == 2


def test_data_has_what_the_records_have(data):
    assert data["models"][0] == "Morse"
    diatomics, again = data["benchmarks"]
    assert diatomics["systems"] == list(ELEMENTS)
    runs = dict(zip(data["models"], diatomics["runs"], strict=True))
    assert runs["broken"]["failures"] == [["JobTimeoutError", "No answer within 60 s.\nRaise the limit.", [0, 1]]]
    assert runs["LJ"]["missing"] == [["the energy is NaN", [[0, "3 to 5, 9"], [1, "2"]]]]
    assert runs["broken"]["values"][0] == [None, None]
    assert [run is None for run in again["runs"]].count(True) == len(data["models"]) - 2
    for one in records():
        if one["benchmark"] == "diatomics" and one["model"] in MODELS:
            for number, metric in enumerate(one["metrics"]):
                expected = [one["systems"][each]["metrics"][metric["name"]] for each in ELEMENTS]
                assert runs[one["model"]]["values"][number] == pytest.approx(expected, rel=1e-4)
    assert len(data["machines"]) == 2  # equal ones once, and one that is not known
    assert ["packages.ase", "3.29.0"] in data["machines"][0]


def test_the_same_records_give_the_same_page(page, tmp_path):
    write_page(records(), tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == page
    assert [each.name for each in tmp_path.iterdir()] == ["again.html"]


def test_long_messages_are_cut(tmp_path):
    write_page([record("a", {"Cu": failed("no " * 100_000)})], tmp_path / "page.html")
    data = json.loads(zlib.decompress(base64.b64decode(Reader((tmp_path / "page.html").read_text()).text["data"])))
    ((_, message, _),) = data["benchmarks"][0]["runs"][0]["failures"]
    assert len(message) == 1002
    assert message.endswith(" …")


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(InputError, match="no records"):
        write_page([], tmp_path / "page.html")
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"Cannot write .*page\.html"):
        write_page(records(), tmp_path / "file" / "page.html")


def test_numbers_in_a_row_are_ranges():
    assert _ranges(["7", "3", "4", "5", "12"]) == "3 to 5, 7, 12"
    assert _ranges(["far", "2"]) == "far, 2"


@pytest.mark.parametrize("ground", _BACKGROUNDS)
def test_lines_can_be_seen(ground):
    below = _luminance(_channels(ground))
    seen = [_visible(color, ground) for color in COLORS]
    assert len(set(seen)) == len(COLORS)
    for color in seen:
        light, dark = sorted((_luminance(_channels(color)), below), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 3
