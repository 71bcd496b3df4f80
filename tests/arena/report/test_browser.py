"""The page in a browser, used by mouse and by keyboard."""

import math

import numpy as np
import pytest

from adatom.arena.report.page import write_page
from tests.arena.report.browser import Browser
from tests.arena.report.runs import HOSTILE, MODELS, curve, records
from tests.codes import provide_code
from tests.infra.machine import wait_for

pytestmark = pytest.mark.xdist_group("chromium")

MODELS_SHOWN = "#board tbody th"
CU = "#benchmarks details:first-of-type tbody th button"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

#: Texts with less contrast to what is behind them than WCAG wants at AA.
FAINT = """(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colors) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (color) => color.map((value) => value / 255)
    .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const faint = [];
  const skipped = "button:disabled, svg";
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.checkVisibility() || element.closest(skipped)) continue;
    const grounds = [];
    for (let each = element; each; each = each.parentElement) grounds.unshift(getComputedStyle(each).backgroundColor);
    const ground = over(grounds);
    const text = over([...grounds, getComputedStyle(element).color]);
    const [dark, light] = [luminance(ground), luminance(text)].sort((a, b) => a - b);
    if ((light + 0.05) / (dark + 0.05) < 4.5) faint.push([walk.currentNode.data, ground, text]);
  }
  return faint;
})()"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    provide_code("chromium")
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_page(records(), path)
    return path


@pytest.fixture
def page(browser, path):
    """The page, newly opened, which no test may leave with a complaint of the browser's."""
    browser.size(1280, 900)
    browser.prefer("light")
    browser.open(path)
    yield browser
    assert browser.complaints() == []
    browser.run("localStorage.clear()")


def opened(page, system="Cu"):
    page.run("document.querySelector('#benchmarks details').open = true")
    wait_for(lambda: page.texts(CU), "the systems")
    page.click(CU, system)
    wait_for(lambda: page.run("document.querySelector('dialog').open"), "the plot")


def cells(page, rows):
    """The texts of the cells of rows."""
    return page.run(f"[...document.querySelectorAll('{rows}')].map((row) => [...row.cells].map((c) => c.textContent))")


def numbers(texts):
    return [None if text == "–" else float(text) for text in texts]


def test_a_hostile_name_is_a_name(page):
    assert HOSTILE in page.texts(MODELS_SHOWN)
    assert page.run("document.images.length") == 0
    opened(page)
    assert HOSTILE in page.texts("dialog label")
    assert page.run("document.images.length + document.scripts.length") == 1


def test_hostile_texts_everywhere_are_texts(page, tmp_path):
    def hostile(value):
        if isinstance(value, dict):
            return {
                HOSTILE + str(key) if key in ("Al", "Cu", "python") else key: hostile(each)
                for key, each in value.items()
            }
        if isinstance(value, list) and value and isinstance(value[0], dict):
            return [hostile(each) for each in value]
        return HOSTILE + value if isinstance(value, str) else value

    bad = [{**hostile(one), "metrics": one["metrics"], "curves": one["curves"]} for one in records()]
    for one in bad:
        one["metrics"] = [{**row, "about": HOSTILE, "unit": HOSTILE, "formula": HOSTILE} for row in one["metrics"]]
        one["curves"] = [{**row, "x_unit": HOSTILE, "y_unit": HOSTILE} for row in one["curves"]]
        one["citation"] = f"javascript:alert(1) https://example.org/{HOSTILE}"
    write_page(bad, tmp_path / "bad.html")
    page.open(tmp_path / "bad.html")
    opened(page, f"{HOSTILE}Cu")
    assert page.run("document.images.length + document.scripts.length") == 1
    assert page.run("[...document.links].every((link) => /^(file|https):/.test(link.protocol))")
    assert f"{HOSTILE}Homonuclear diatomics: {HOSTILE}Cu" in page.texts("dialog h2")


def test_headers_sort(page):
    assert page.texts(MODELS_SHOWN) == ["Morse", "EMT", "LJ", HOSTILE, "broken"]
    sort = "document.querySelectorAll('#board thead th')[{}].getAttribute('aria-sort')"
    assert page.run(sort.format(1)) == "ascending"
    page.click("#board thead button", "Homonuclear diatomics")
    assert page.texts(MODELS_SHOWN)[:3] == ["Morse", "LJ", "EMT"]
    assert (page.run(sort.format(3)), page.run(sort.format(1))) == ("descending", "none")
    page.click("#board thead button", "Homonuclear diatomics")
    assert page.texts(MODELS_SHOWN)[0] == "broken"
    page.click("#board thead button", "Copper again")
    page.click("#board thead button", "Copper again")
    assert page.texts(MODELS_SHOWN)[:2] == ["EMT", "Morse"]  # those without a record are last, whichever way
    assert page.texts("#said") == ["Sorted by Copper again, ascending"]


def test_models_and_benchmarks_are_chosen(page):
    page.run("document.getElementById('models').focus()")
    page.type("emt, LJ")
    assert page.texts(MODELS_SHOWN) == ["EMT", "LJ"]
    assert page.texts("#said") == ["2 models of 5 shown"]
    page.click("#chosen label", "Copper again")
    assert page.texts(MODELS_SHOWN) == ["LJ", "EMT"]
    assert page.texts("#board tbody tr:first-child td")[:2] == ["2", "0.989"]  # the rank among all models
    assert page.texts("#missing tbody th") == ["LJ"]
    assert len(page.texts("#board thead th")) == 6


def test_a_benchmark_says_what_it_measures(page):
    page.run("document.querySelector('#benchmarks details').open = true")
    metrics = wait_for(lambda: page.texts("#benchmarks table:first-of-type tbody tr"), "the tables")
    assert "(conservation_deviation - 1) / (0 - 1), from 0 to 1" in metrics[0]
    assert page.run("document.querySelector('#benchmarks a').href").startswith("https://openreview.net/")
    assert page.texts(CU) == ["Al", "Cu"]
    assert "failed" in page.texts("#benchmarks details:first-of-type .scroll:last-child td")


def test_a_system_opens_its_curves(page):
    opened(page)
    assert page.texts("#said") == ["Plot of Cu opened"]
    assert page.texts("dialog h2") == ["Homonuclear diatomics: Cu"]
    paths = "document.querySelectorAll('figure svg .line').length"
    assert page.run(paths) == 2 * len(MODELS)
    page.click("dialog tbody label", "LJ")
    assert page.run(paths) == 2 * len(MODELS) - 2
    page.click("dialog tbody label", "LJ")
    assert page.run(paths) == 2 * len(MODELS)
    page.click("dialog button", "Draw none")
    assert page.run(paths) == 0
    page.click("dialog button", "Draw all")
    assert page.run(paths) == 2 * len(MODELS)
    box = page.run("(({ x, y, width, height }) => ({ x, y, width, height }))"
                   "(document.querySelector('figure svg').getBoundingClientRect())")  # fmt: skip
    lowest = curve("Morse", "Cu")["equilibrium_distance"]
    assert float(page.texts("dialog output")[0].removesuffix(" Å")) == pytest.approx(lowest, abs=0.02)
    assert numbers(page.texts("dialog .drawn td"))[0] == pytest.approx(-1, abs=0.01)
    for part in (0.3, 0.5, 0.8):
        page.point(box["x"] + part * box["width"], box["y"] + box["height"] / 2)
        at = float(page.texts("dialog output")[0].removesuffix(" Å"))
        rows = page.texts("dialog .drawn td")
        for number, model in enumerate(("Morse", "EMT", "LJ")):
            document = curve(model, "Cu")
            for column, name in enumerate(("energies", "forces")):
                exact = np.interp(at, document["distances"], document[name])
                assert numbers(rows)[2 * number + column] == pytest.approx(exact, abs=0.03, rel=0.03)
    assert numbers(rows)[6:] == [None] * 4


def test_a_wall_is_out_of_view_until_all_is_wanted(page):
    opened(page)
    texts = "document.querySelector('figure svg').querySelectorAll('text[text-anchor=end]')"
    ticks = f"[...{texts}].map((text) => Number(text.textContent))"
    near = page.run(ticks)
    assert -5 < min(near) < max(near) < 5
    page.click("dialog .drawn p label")
    assert max(page.run(ticks)) > 1000  # of Lennard-Jones


def test_a_plot_has_a_table(page):
    opened(page)
    page.click("figure summary")
    cells = wait_for(lambda: page.texts("figure tbody th"), "the table")
    assert 40 < len(cells) <= 80
    assert page.texts("figure thead th")[1:] == ["Morse", "EMT", "LJ"]
    values = dict(zip(map(float, cells), zip(*[iter(page.texts("figure tbody td"))] * 3, strict=True), strict=True))
    document = curve("EMT", "Cu")
    for at, row in values.items():
        if at > 2:
            exact = np.interp(at, document["distances"], document["energies"])
            assert float(row[1]) == pytest.approx(exact, abs=0.03)


def test_two_models_side_by_side(page):
    for letter, number in (("A", 1), ("B", 2)):
        page.run(
            f"(() => {{ const it = document.getElementById('model-{letter}');"
            f"it.value = '{number}'; it.dispatchEvent(new Event('change')); }})()"
        )
    rows = cells(page, "#two tr")
    assert page.texts("#two div > p")[0] == "A is EMT, B is LJ."
    first, again = rows[1], rows[2]
    scores = {one["model"]: [each["score"] for each in one["systems"].values()] for one in records()[:3]}
    wins = [a > b for a, b in zip(scores["EMT"], scores["LJ"], strict=True)]
    said = f"A better in {sum(wins)}, B in {2 - sum(wins)}, equal in 0"
    assert first[:1] + first[4:] == ["Homonuclear diatomics", "B", said]
    assert again[2:] == ["–", "–", "–", "no record of both"]
    found = {row[0]: row for row in rows[4:]}
    for name, better in (("force_attraction", "B"), ("conservation_deviation", "A"), ("energy_flips", "equal")):
        (row,) = [row for title, row in found.items() if title.startswith(name.replace("_", " "))]
        means = [np.mean([curve(model, each)[name] for each in ("Al", "Cu")]) for model in ("EMT", "LJ")]
        assert numbers(row[1:3]) == pytest.approx(means, rel=1e-3)
        assert numbers(row[3:4]) == pytest.approx([means[1] - means[0]], rel=1e-2, abs=1e-4)
        assert row[4] == better


def test_what_is_missing_is_said(page):
    rows = cells(page, "#missing tbody tr")
    why = "No answer within 60 s.\nRaise the limit."
    assert ["broken", "Homonuclear diatomics", "failed: JobTimeoutError", why, "2", "all"] in rows
    assert ["LJ", "Homonuclear diatomics", "missing points", "the energy is NaN", "2", "Al (3 to 5, 9); Cu (2)"] in rows
    assert [HOSTILE, "Homonuclear diatomics", f"failed: {HOSTILE}", HOSTILE, "1", "Cu"] in rows
    assert [row[:3] for row in rows if row[0] == "LJ"][1] == ["LJ", "Copper again", "no record"]
    assert "packages.ase: 3.29.0" in page.texts("#made")[0]
    assert "0f3b" * 8 in page.texts("#made")[0]
    opened(page)
    assert f"{HOSTILE}failed: {HOSTILE}{HOSTILE}" in page.texts("dialog tr")
    assert "LJmissing points 2the energy is NaN" in page.texts("dialog tr")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(page, path, scheme):
    page.prefer(scheme)
    ground = "getComputedStyle(document.body).backgroundColor"
    grounds = {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 27)"}
    other = "dark" if scheme == "light" else "light"
    assert page.run(ground) == grounds[scheme]
    wait_for(lambda: page.texts("#theme") == [other.capitalize()], "the browser to tell the page")
    page.run("document.querySelector('#benchmarks details').open = true")
    wait_for(lambda: page.texts(CU), "the systems")
    assert page.run(FAINT) == []
    opened(page)
    assert page.run(FAINT) == []
    page.press("Escape")
    page.click("#theme")
    assert page.run(ground) == grounds[other]
    assert page.run(FAINT) == []
    page.open(path)
    assert page.run(ground) == grounds[other]  # it is kept


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_narrow_window_has_no_overflow(page, width):
    page.size(width, 740)
    page.run("document.querySelectorAll('#benchmarks details').forEach((each) => { each.open = true; })")
    wait_for(lambda: page.texts(CU), "the systems")
    assert page.run(OVERFLOW) <= 0
    assert page.run("document.querySelector('#board .scroll').scrollWidth") > 320  # within its own box
    board = "document.querySelector('#board .scroll')"
    page.run(f"{board}.scrollLeft = 150")
    left = f"{board}.querySelector('tbody th').getBoundingClientRect().x - {board}.getBoundingClientRect().x"
    assert page.run(left) <= 1.5  # the names stay
    opened(page)
    assert page.run("document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth") <= 0
    assert page.run("document.querySelector('figure svg').getBoundingClientRect().right") <= width


def test_all_by_keyboard(page):
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the leaderboard"
    assert page.run("document.activeElement.getBoundingClientRect().x") >= 0

    def until(condition, most=60):
        for _ in range(most):
            page.press("Tab")
            if page.run(f"(() => {{ const it = document.activeElement; return {condition}; }})()"):
                return
        raise AssertionError(f"no {condition}")

    until("it.closest('#board th') && it.textContent === 'Homonuclear diatomics'")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter")
    assert page.texts(MODELS_SHOWN)[:3] == ["Morse", "LJ", "EMT"]
    until("it.matches('summary')")
    page.press("Enter")
    wait_for(lambda: page.texts(CU), "the systems")
    until("it.textContent === 'Cu'")
    page.press("Enter")
    wait_for(lambda: page.run("document.querySelector('dialog').open"), "the plot")
    until("it.type === 'range'")
    before = float(page.texts("dialog output")[0].removesuffix(" Å"))
    page.press("ArrowRight", 40)
    at = float(page.texts("dialog output")[0].removesuffix(" Å"))
    assert at == pytest.approx(before + 40 / 200 * 6.2, abs=0.01)
    assert math.isfinite(numbers(page.texts("dialog .drawn td"))[0])
    until("it.matches('.drawn th input')")
    page.press(" ")
    assert page.run("document.querySelectorAll('figure svg .line').length") == 2 * len(MODELS) - 2
    page.press("Escape")
    assert not page.run("document.querySelector('dialog').open")
    assert page.run("document.activeElement.textContent") == "Cu"


def test_a_screen_reader_is_told_all(page):
    opened(page)
    page.ask("Accessibility.enable")
    tree = page.ask("Accessibility.getFullAXTree")["nodes"]
    page.press("Escape")
    tree += page.ask("Accessibility.getFullAXTree")["nodes"]
    page.ask("Accessibility.disable")
    shown = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    for role in ("button", "checkbox", "combobox", "searchbox", "slider", "region", "table", "image", "dialog", "link"):
        names = [name for found, name in shown if found == role]
        assert names, role
        assert all(names), role
    assert {"banner", "navigation", "main", "contentinfo", "status"} <= {role for role, _ in shown}
    assert ("dialog", "Homonuclear diatomics: Cu") in shown


def test_without_scripts_the_leaderboard_is_there(browser, path):
    browser.open(path, scripts=False)
    try:
        found = browser.texts("#board tbody th")
        assert found == ["Morse", "EMT", "LJ", HOSTILE, "broken"]
        assert browser.run("document.querySelector('noscript p').checkVisibility()")
        assert not browser.run("document.querySelector('#choice').checkVisibility()")
    finally:
        browser.ask("Emulation.setScriptExecutionDisabled", value=False)
