import pytest

from tests.standins.vasp import provide


@pytest.fixture(autouse=True)
def programs(tmp_path, monkeypatch):
    """Where the program that stands in for VASP notes its runs."""
    for name, value in provide(tmp_path / "vasp", "Al", "Cu", "Cu_pv", "Ni", "Ni_pv").items():
        monkeypatch.setenv(name, value)
    return tmp_path / "vasp" / "bin"
