import pytest

from tests.standins.vasp import provide


@pytest.fixture(scope="package", autouse=True)
def programs(tmp_path_factory):
    """Where the program that stands in for VASP notes its runs."""
    place = tmp_path_factory.mktemp("vasp")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in provide(place, "Al", "Au", "Cu", "Cu_pv", "Ni", "Ni_pv").items():
            patch.setenv(name, value)
        yield place / "bin"


@pytest.fixture
def runs(programs):
    """How many times VASP ran since the test began."""
    noted = programs / "vasp_std.runs"

    def count():
        return noted.read_text().count("run") if noted.exists() else 0

    before = count()
    return lambda: count() - before
