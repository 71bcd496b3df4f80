import pytest

from adatom import change_settings


@pytest.fixture(autouse=True)
def results_dir(tmp_path):
    with change_settings(results_dir=tmp_path / "results") as settings:
        yield settings.results_dir
