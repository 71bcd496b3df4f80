"""Choices of structures on the command line."""

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from adatom.atoms.rattle import rattle
from adatom.configs.select import cur, farthest_points, flat_histogram
from tests.codes import needs_code

SOAP = "kind: SOAP\nspecies: [Cu]\nr_cut: 4.0\nn_max: 4\nl_max: 3\nperiodic: true\naverage: inner\n"


@pytest.fixture(autouse=True)
def table(tmp_path, monkeypatch):
    """Files of 30 structures that have a row of numbers, and the rows."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pool = [rattle(bulk("Cu", cubic=True), 0.1, rng) for _ in range(30)]
    rows = rng.normal(size=(30, 5))
    for number, (atoms, row) in enumerate(zip(pool, rows, strict=True)):
        atoms.info.update(number=number, row=row, energy_per_atom=row[0])
    write("a.xyz", pool[:10])
    write("b.xyz", pool[10:])
    return rows


def numbers(file):
    return [atoms.info["number"] for atoms in read(file, ":")]


@pytest.mark.parametrize(
    ("words", "choice"),
    [
        (["farthest", "--key", "row"], lambda rows: farthest_points(rows, 8)),
        (["cur", "--key", "row"], lambda rows: cur(rows, 8)),
        (["cur", "--key", "row", "--rank", "2", "--seed", "3"], lambda rows: cur(rows, 8, rank=2, seed=3)),
        (["flat", "--key", "energy_per_atom"], lambda rows: flat_histogram(rows[:, 0], 8)),
        (
            ["flat", "--key", "energy_per_atom", "--bins", "4", "--seed", "1"],
            lambda rows: flat_histogram(rows[:, 0], 8, bins=4, seed=1),
        ),
    ],
)
def test_the_choice_is_that_of_the_function(cli, table, words, choice):
    method, *options = words
    result = cli("select", method, "a.xyz", "b.xyz", "-n", "8", "-o", "out.xyz", *options)
    assert (result.exit_code, result.stdout) == (0, "8 of 30 structures in out.xyz\n"), result.stderr
    assert numbers("out.xyz") == choice(table).tolist()
    pool = [*read("a.xyz", ":"), *read("b.xyz", ":")]
    assert read("out.xyz", ":") == [pool[number] for number in numbers("out.xyz")]


@needs_code("descriptors")
def test_a_descriptor_of_a_file(cli, tmp_path):
    from dscribe.descriptors import SOAP as Theirs

    (tmp_path / "soap.yaml").write_text(SOAP)
    result = cli("select", "cur", "a.xyz", "b.xyz", "-n", "5", "-o", "out.xyz", "--descriptor", "soap.yaml")
    assert result.exit_code == 0, result.stderr
    theirs = Theirs(species=["Cu"], r_cut=4.0, n_max=4, l_max=3, periodic=True, average="inner")
    rows = np.array([theirs.create(atoms) for file in ("a.xyz", "b.xyz") for atoms in read(file, ":")])
    assert numbers("out.xyz") == cur(rows, 5).tolist()
    assert set(read("out.xyz", 0).info) == {"number", "row", "energy_per_atom"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["farthest"], "farthest needs descriptors: give either --descriptor or --key"),
        (["cur", "--key", "row", "--descriptor", "s.yaml"], "give either --descriptor or --key"),
        (["flat"], "flat needs a quantity: give --key"),
        (["farthest", "--key", "row", "--seed", "1"], "--seed is no option of farthest, which has none of these"),
        (["cur", "--key", "row", "--bins", "3"], "--bins is no option of cur, which has --rank, --seed"),
        (["cur", "--key", "rows"], "Structure 0 has no row of numbers in info['rows']"),
        (["flat", "--key", "row"], "Structure 0 has no number in info['row']"),
        (["cur", "--descriptor", "none.yaml"], "none.yaml"),
        (["cur", "--key", "row", "-n", "31"], "n is 31, of 30 structures"),
        (["cur", "--key", "row", "-o", "a.xyz"], "a.xyz is there already"),
    ],
)
def test_bad_input(refused, tmp_path, words, said):
    method, *options = words
    more = [word for pair in (("-n", "3"), ("-o", "out.xyz")) if pair[0] not in options for word in pair]
    assert said in refused("select", method, "a.xyz", "b.xyz", *more, *options)
    assert not (tmp_path / "out.xyz").exists()
