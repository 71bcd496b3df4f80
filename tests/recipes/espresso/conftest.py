import pytest
from ase.build import bulk

from adatom import change_settings
from adatom.recipes.espresso import static_job
from tests.codes import provide_code


@pytest.fixture(autouse=True, scope="session")
def espresso():
    provide_code("espresso")


@pytest.fixture(autouse=True)
def _few_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def silicon(espresso, tmp_path_factory):
    """The SCF that other programs start from."""
    with change_settings(results_dir=tmp_path_factory.mktemp("silicon")):
        return static_job.fn(bulk("Si"), **FAST)


# Rough, and done in half a second.
FAST = {
    "preset": ["semiconductor", "lda"],
    "calc_kwargs": {"input_data": {"ecutwfc": 12, "ecutrho": 48}, "kpts": (2, 2, 2)},
}
