import json
import os
import time

import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.cache.store import open_store
from tests.cli import own_recipes as own


@pytest.fixture(autouse=True)
def _cached(tmp_path):
    with change_settings(cache="on", cache_dir=tmp_path / "cache"):
        yield


@pytest.fixture
def stored():
    """Three results of one recipe, used three, two and no days ago, and one of another; gives their sizes."""
    for days, repeated in ((3, 3), (2, 2), (0, 1)):
        own.document(bulk("Cu") * (repeated, 1, 1))
        if days:
            _age(days)
    own.energy(bulk("Cu"))
    return sorted(path.stat().st_size for path in _files())


def _files():
    return [path for path in (open_store().directory / "entries").rglob("*") if path.is_file()]


def _age(days):
    for path in _files():
        if time.time() - path.stat().st_mtime < 1000:
            os.utime(path, (time.time() - days * 86400 - 60,) * 2)


def test_an_empty_cache(cli, tmp_path):
    result = cli("cache")
    assert (result.exit_code, result.stdout) == (
        0, f"0 results, 0 B, in {tmp_path / 'cache'}, without a limit: set ADATOM_CACHE_SIZE\n",
    )  # fmt: skip
    assert cli("cache", "prune", "--older-than", "1d").stdout.splitlines()[-1] == "There is nothing to remove."
    assert not (tmp_path / "cache").exists()


def test_the_cache_by_recipe(cli, stored, tmp_path):
    heading, *lines, last = cli("cache").stdout.splitlines()
    assert heading.split() == ["recipe", "results", "size"]
    assert [line.split()[:2] for line in lines] == [[f"{own.__name__}:document", "3"], [f"{own.__name__}:energy", "1"]]
    assert last.startswith("4 results, ")
    with change_settings(cache_size=5):
        assert cli("cache").stdout.splitlines()[-1].endswith("of 5.0 MB at most")
        shown = json.loads(cli("cache", "--json").stdout)
    assert (shown["directory"], shown["count"], shown["limit"]) == (str(tmp_path / "cache"), 4, 5_000_000)
    assert shown["size"] == sum(stored) == sum(recipe["size"] for recipe in shown["recipes"].values())
    assert shown["recipes"][f"{own.__name__}:document"]["count"] == 3


def test_prune_by_age(cli, stored):
    assert json.loads(cli("cache", "prune", "--older-than", "60h", "--json").stdout)["count"] == 1
    assert len(_files()) == 4  # shown, not removed
    assert cli("cache", "prune", "--older-than", "60h", "--yes").stdout.splitlines()[-1] == "Removed 1 result."
    assert json.loads(cli("cache", "prune", "--older-than", "1d", "--json", "--yes").stdout)["removed"] is True
    assert len(_files()) == 2


def test_prune_by_size(cli, stored):
    left = max(path.stat().st_size for path in _files())
    assert cli("cache", "prune", "--larger-than", f"{left}B", "--yes").exit_code == 0
    assert sum(path.stat().st_size for path in _files()) <= left
    with change_settings(cache_size=1):  # MB, which they are far from
        assert cli("cache", "prune", "--yes").exit_code == 0
        assert _files() != []
        (_files()[0]).write_bytes(bytes(2_000_000))
        assert cli("cache", "prune", "--yes").exit_code == 0
    assert sum(path.stat().st_size for path in _files()) < 1_000_000


def test_prune_asks(stored):
    from typer.testing import CliRunner

    from adatom.cli import app

    for answer, status, left in (("n\n", 1, 4), ("", 1, 4), ("y\n", 0, 2)):
        result = CliRunner().invoke(app, ["cache", "prune", "--older-than", "1d"], input=answer)
        assert (result.exit_code, len(_files())) == (status, left)
        assert result.stdout.startswith("2 results, ")
        assert ("Nothing is removed." in result.stderr) == bool(status)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["prune"], "Say what to remove: --older-than 30d, --larger-than 5GB, or both."),
        (["prune", "--older-than", "3x"], "Invalid value for '--older-than': '3x' is no age"),
        (["prune", "--larger-than", "5"], "Invalid value for '--larger-than': '5' is no size"),
        (["prun"], "No such command 'prun'"),
    ],
)
def test_bad_input_is_one_line(refused, args, said):
    assert said in refused("cache", *args)


def test_a_cache_that_cannot_be_trusted_is_one_line(refused, tmp_path):
    (tmp_path / "open").mkdir(mode=0o700)
    (tmp_path / "open").chmod(0o777)
    with change_settings(cache_dir=tmp_path / "open"):
        assert "Others can write to" in refused("cache")
