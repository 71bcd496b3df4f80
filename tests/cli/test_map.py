import pytest
from ase.build import bulk
from ase.io import read, write

OWN = """
from adatom import job

@job
def shaken(atoms, rng, width=0.1):
    atoms.positions += rng.normal(scale=width, size=atoms.positions.shape)
    return atoms
"""


@pytest.fixture
def cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("in.xyz", [bulk(symbol, cubic=True) for symbol in ("Cu", "Ag", "Fe", "Au")])


def test_a_recipe_on_a_file(cli, cells):
    result = cli("map", "emt.static_job", "in.xyz", "-o", "out.xyz", "--prefix", "REF_", "--workers", "2")
    assert result.exit_code == 1
    assert result.stdout == "4 structures in out.xyz; 1 failed, of which REF_failed says why\n"
    found = read("out.xyz", ":")
    assert [number for number, atoms in enumerate(found) if "REF_failed" in atoms.info] == [2]
    assert found[2].info["REF_failed"].startswith("InputError: EMT has no parameters for Fe")
    assert found[0].info["REF_energy"] == pytest.approx(4 * -0.0056815, abs=1e-5)
    assert found[0].arrays["REF_forces"].shape == (4, 3)
    again = cli("map", "emt.static_job", "in.xyz", "-o", "out.xyz", "--prefix", "REF_")
    assert (again.exit_code, again.stdout) == (1, result.stdout)


def test_without_a_prefix_results_have_their_own_names(cli, cells):
    result = cli("map", "emt.relax_job", "in.xyz", "-o", "out.xyz", "--set", "relax_cell=true", "--on-error", "skip")
    assert result.exit_code == 1
    found = read("out.xyz", ":")
    assert [str(atoms.symbols) for atoms in found] == ["Cu4", "Ag4", "Au4"]
    assert found[0].get_potential_energy() == pytest.approx(-0.028, abs=1e-3)


def test_an_own_function_with_random_numbers(cli, cells, tmp_path):
    (tmp_path / "own_map.py").write_text(OWN)
    command = ("map", "own_map.py:shaken", "in.xyz", "--set", "width=0.2", "--seed", "1", "-o")
    assert cli(*command, "a.xyz").exit_code == 0
    assert cli(*command, "b.xyz").exit_code == 0
    assert (tmp_path / "a.xyz").read_bytes() == (tmp_path / "b.xyz").read_bytes()
    refused = cli("map", "own_map.py:shaken", "in.xyz", "-o", "c.xyz")
    assert refused.exit_code == 2
    assert "shaken needs rng" in refused.stderr


def test_a_budget_leaves_some_for_another_time(cli, cells, tmp_path):
    result = cli("map", "emt.static_job", "in.xyz", "-o", "out.xyz", "--time-budget", "0")
    assert result.exit_code == 1
    assert "its time budget is over" in result.stderr
    assert not (tmp_path / "out.xyz").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("emt.eos_flow", "in.xyz"), "emt.eos_flow is a flow, and this takes jobs"),
        (("emt.static_job", "on.xyz"), "There is no file 'on.xyz'"),
        (("emt.statik_job", "in.xyz"), "Did you mean 'emt.static_job'"),
        (("emt.static_job", "in.xyz", "--set", "fmax=1"), "fmax"),
    ],
)
def test_bad_input(cli, cells, words, message):
    result = cli("map", *words, "-o", "out.xyz")
    assert result.exit_code == 2
    assert message in result.stderr


def test_what_is_there_is_not_replaced(cli, cells, tmp_path):
    write("out.xyz", bulk("Ni"))
    result = cli("map", "emt.static_job", "in.xyz", "-o", "out.xyz")
    assert result.exit_code == 2
    assert "There is a file 'out.xyz' already" in result.stderr
    assert cli("map", "emt.static_job", "in.xyz", "-o", "out.xyz", "--overwrite").exit_code == 1
    assert len(read("out.xyz", ":")) == 4
