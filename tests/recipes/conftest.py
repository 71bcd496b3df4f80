import sys

import pytest

from adatom import change_settings


@pytest.fixture(autouse=True)
def results_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))  # a recipe of MODULE:FUNCTION adds its folder
    with change_settings(results_dir=tmp_path / "results") as settings:
        yield settings.results_dir
