import pytest
from ase.build import bulk

from adatom import change_settings


@pytest.fixture(autouse=True)
def results_dir(tmp_path):
    with change_settings(results_dir=tmp_path / "results") as settings:
        yield settings.results_dir


@pytest.fixture
def distorted():
    """The structure of the reference energies: Cu (2, 2, 2) with atom 0 moved."""
    atoms = bulk("Cu") * (2, 2, 2)
    atoms.positions[0] += 0.1
    return atoms
