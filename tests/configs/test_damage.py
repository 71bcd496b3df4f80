"""A flipped bit in a file of ours: the same outcome, work that is done again, or a clear error."""

import os
import random
from pathlib import Path

import pytest
from ase.build import bulk

import adatom
from adatom.configs import AutoparaInfo, OutputSpec, map
from adatom.errors import AdatomError, ItemError
from tests.deep import deep_but

NOW = AutoparaInfo(workers=1, batch=4)


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path / "results"):
        yield


def numbered():
    structures = [bulk("Cu", a=3.5 + number / 1000) for number in range(20)]
    for number, atoms in enumerate(structures):
        atoms.info["number"] = number
    return structures


def squared(atoms, folder):
    number = atoms.info["number"]
    if number == 15 and not os.path.exists(f"{folder}-allowed"):
        raise ValueError("not yet")
    Path(folder, str(number)).touch()
    atoms.info["square"] = number**2
    return atoms


def flipped(data, seed):
    place = random.Random(seed).randrange(8 * len(data))
    return data[: place // 8] + bytes([data[place // 8] ^ 1 << place % 8]) + data[place // 8 + 1 :]


EXPECTED = [(number, number**2) for number in range(20)]


@pytest.fixture
def folder(tmp_path):
    """Where there is a file for each structure that was computed."""
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


def run(path, folder, overwrite=False):
    found = map(squared, numbered(), OutputSpec(path, overwrite=overwrite), autopara_info=NOW, folder=str(folder))
    return [(atoms.info["number"], atoms.info["square"]) for atoms in found]


def cut(path, folder):
    """Run until the structure that fails, and count from there on what is computed."""
    with pytest.raises(ItemError, match="not yet"):
        run(path, folder)
    folder.with_name("folder-allowed").touch()
    for file in folder.iterdir():
        file.unlink()


@pytest.mark.parametrize("name", ["out.xyz", "out.traj"])
def test_without_damage_it_goes_on(name, folder, tmp_path):
    cut(tmp_path / name, folder)
    assert run(tmp_path / name, folder) == EXPECTED
    assert {int(file.name) for file in folder.iterdir()} == set(range(15, 20))


@pytest.mark.parametrize("seed", deep_but(range(10), range(60), "each is the same with another bit"))
@pytest.mark.parametrize("file", ["out.xyz.partial", "out.xyz.journal", "out.traj.partial", "out.traj.journal"])
def test_what_was_cut_is_done_again_from_the_damage_on(file, seed, folder, tmp_path):
    path = tmp_path / file.rpartition(".")[0]
    cut(path, folder)
    damaged = tmp_path / file
    damaged.write_bytes(flipped(damaged.read_bytes(), seed))
    try:
        found, said = run(path, folder), ""
    except AdatomError as error:
        found, said = None, str(error)
    if found is None:
        assert path.name in said
    else:
        assert found == EXPECTED
        assert {int(file.name) for file in folder.iterdir()} > set(range(15, 20))


@pytest.mark.parametrize("seed", deep_but(range(10), range(60), "each is the same with another bit"))
@pytest.mark.parametrize("file", ["out.xyz", "out.xyz.journal", "out.traj", "out.traj.journal"])
def test_a_finished_file_that_was_damaged_is_not_taken_as_done(file, seed, folder, tmp_path):
    path = tmp_path / file.removesuffix(".journal")
    folder.with_name("folder-allowed").touch()
    assert run(path, folder) == EXPECTED
    damaged = tmp_path / file
    damaged.write_bytes(flipped(damaged.read_bytes(), seed))
    with pytest.raises(AdatomError, match=path.name):
        run(path, folder)
    assert run(path, folder, overwrite=True) == EXPECTED
