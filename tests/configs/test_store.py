"""A store gives back the structures that it was given, and is whole whatever became of those that wrote it."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixBondLength
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

from adatom.configs import ConfigSet, StoreWriter, store
from adatom.configs.blocks import Block, encode
from adatom.errors import InputError, StorageError
from tests.configs.test_extxyz import KEYS, NUMBERS, STRUCTURES, TEXTS, same

pytest.importorskip("lmdb")


def written(path, structures):
    with StoreWriter(path) as target:
        target.append(structures)
    return path


def numbered(count, start=0):
    structures = []
    for number in range(start, start + count):
        atoms = bulk("Cu", cubic=True) * (1 + number % 3, 1, 1)
        atoms.info["number"] = number
        structures.append(atoms)
    return structures


def numbers(configs):
    return [atoms.info["number"] for atoms in configs]


def through(*structures):
    return list(Block(encode(structures)))


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_are_what_they_were(name):
    atoms = STRUCTURES[name]
    [found] = through(atoms)
    same(found, atoms)


def test_those_from_extended_xyz_are_stored_without_a_loss(tmp_path):
    every = list(STRUCTURES.values())
    write(tmp_path / "a.xyz", every)
    first = read(tmp_path / "a.xyz", ":")
    found = list(ConfigSet(written(tmp_path / "a.lmdb", first)))
    same([vars(atoms)["arrays"] for atoms in found], [vars(atoms)["arrays"] for atoms in first])
    for name, structures in (("b.xyz", found), ("c.xyz", first)):
        write(tmp_path / name, structures)
    assert (tmp_path / "b.xyz").read_bytes() == (tmp_path / "c.xyz").read_bytes()


def test_what_extended_xyz_cannot_hold():
    atoms = molecule("H2O")
    atoms.info = {
        "nested": {"a": (1, [2.5, None]), "b": {3: np.arange(2)}},
        "number": 10**40,
        "z": 1 + 2j,
        "": b"x"[:0],
    }
    del atoms.info[""]
    atoms.info["ragged"] = np.array(["a", None, {"b": 1}], object)
    atoms.info["text"] = np.str_("x")
    atoms.info["kinds"] = [{1, 2}, frozenset("a"), b"x", Path("a/b")]
    atoms.arrays["tensor"] = np.arange(27, dtype=np.float32).reshape(3, 3, 3)
    atoms.arrays["names"] = np.array(["a", "bcd", ""])
    atoms.arrays["phase"] = np.array([1j, 2, 3])
    atoms.set_celldisp([1, 2, 3])
    atoms.set_constraint(FixBondLength(0, 1))
    [found] = through(atoms)
    same(found, atoms)


def test_structures_that_have_little_in_common(tmp_path):
    every = [*STRUCTURES.values(), *numbered(3), *reversed(STRUCTURES.values())]
    same(through(*every), every)
    block = Block(encode(every))
    same([block[number] for number in (5, 0, len(every) - 1)], [every[number] for number in (5, 0, -1)])
    same(list(ConfigSet(written(tmp_path / "a.lmdb", every))[::-1]), every[::-1])


VALUES = st.recursive(
    NUMBERS | TEXTS | st.none() | st.complex_numbers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.integers(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), st.dictionaries(st.text(max_size=3), VALUES, max_size=4)), min_size=1))
def test_anything_in_info(drawn):
    structures = [Atoms(f"H{count}" if count else "", info=info) for count, info in drawn]
    found = through(*structures)
    assert [repr(sorted(atoms.info.items())) for atoms in found] == [
        repr(sorted(atoms.info.items())) for atoms in structures
    ]
    assert [len(atoms) for atoms in found] == [count for count, _ in drawn]


def test_results_of_any_calculator_are_kept_as_far_as_they_are_of_the_structure():
    atoms = bulk("Cu")
    atoms.calc = EMT()
    energy = atoms.get_potential_energy()
    moved = atoms.copy()
    moved.calc = SinglePointCalculator(moved, energy=1.0)
    moved.positions += 0.1
    plain = bulk("Cu")
    plain.calc = EMT()  # which has computed nothing
    kept, *others = through(atoms, moved, plain)
    assert kept.get_potential_energy() == energy
    assert type(kept.calc) is SinglePointCalculator
    assert [other.calc for other in others] == [None, None]


def test_what_cannot_be_stored_is_named():
    for value, shown in ((object(), r"info\['bad'\]: <object"), ({"a": [slice(1)]}, r"info\['bad'\]: slice\(None, 1")):
        with pytest.raises(InputError, match=shown):
            encode([Atoms("H", info={"bad": value})])
    with pytest.raises(InputError, match="the key 3 cannot"):
        encode([Atoms("H", info={3: 1})])


def test_the_others_are_stored_if_some_cannot_be(tmp_path):
    given = numbered(50)
    for number in (40, 45):
        given[number].info["bad"] = object()
    store = StoreWriter(tmp_path / "a.lmdb")
    with pytest.raises(InputError, match=r"Structure 40 of those given: info\['bad'\].*The others are stored.*1 more"):
        store.append(given)
    store.close()
    assert numbers(ConfigSet(tmp_path / "a.lmdb")) == [number for number in range(50) if number not in (40, 45)]


def test_a_store_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "a.lmdb"
    for number in range(5):
        written(path, numbered(20, 20 * number))
    data = path.read_bytes()
    for size in (100, 4096, 5000, len(data) // 2, len(data) - 1):
        (tmp_path / "b.lmdb").write_bytes(data[:size])
        for use in (ConfigSet, StoreWriter):
            with pytest.raises(StorageError, match=rf"b\.lmdb was cut: it has {size}"):
                use(tmp_path / "b.lmdb")


def test_structures_share_nothing():
    atoms = STRUCTURES["many properties"]
    first, second = through(atoms, atoms)
    for name, array in first.arrays.items():
        if array.dtype.kind in "fi":
            array[:] = 0
        assert not np.shares_memory(array, second.arrays[name])
        assert not np.shares_memory(array, first.calc.atoms.arrays[name])
    first.cell[:] = first.pbc[:] = first.info["ints"][:] = 0
    first.info["nested"]["a"].append(1)
    first.calc.results["forces"][:] = 0
    same(second, atoms)
    assert first.calc.check_state(first)


class TestResults:
    """What was computed is remembered as it was, though nothing is made of it before it is looked at."""

    @pytest.fixture
    def structures(self):
        many = []
        for number in range(200):
            atoms = bulk("Cu", cubic=True) * (1 + number % 2, 1, 1)
            atoms.rattle(0.1, seed=number)
            atoms.info["labels"] = [number]
            atoms.calc = SinglePointCalculator(atoms, energy=float(number))
            many.append(atoms)
        return many

    def test_not_as_it_is_now(self, structures):
        for atoms, stored in zip(through(*structures), structures, strict=True):
            atoms.positions += 0.1
            atoms.info["labels"].append(1)
            assert atoms.calc.check_state(atoms) == ["positions"]
            same(atoms.calc.atoms, stored.calc.atoms)

    @pytest.mark.parametrize("copied", [deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
    def test_in_a_copy(self, structures, copied):
        found = through(*structures)
        for kept in (found, copied(found[7:9])):
            assert {type(atoms.calc) for atoms in kept} == {SinglePointCalculator}
        same(copied(found[7]), structures[7])
        assert type(copied(found[8].calc.atoms)) is type(found[9].calc.atoms.copy()) is Atoms
        assert type(found[10].calc.atoms[[0]]) is Atoms
        assert copied(found[9]).get_potential_energy() == 9

    def test_names_that_no_structure_has(self, structures):
        computed = through(structures[0])[0].calc.atoms
        assert not hasattr(computed, "nonsense")
        assert computed == structures[0]
        assert type(computed) is Atoms

    def test_by_threads_side_by_side(self, structures):
        found = through(*structures)
        start = threading.Barrier(4)

        def look(_):
            start.wait()
            return [atoms.calc.atoms.positions.sum() for atoms in found]

        with ThreadPoolExecutor(4) as threads:
            sums = list(threads.map(look, range(4)))
        assert sums == [[atoms.positions.sum() for atoms in structures]] * 4


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path):
        return written(tmp_path / "a.lmdb", numbered(2500))

    def test_is_a_set_like_any_other(self, path):
        configs = ConfigSet(path)
        assert (len(configs), configs[-1].info["number"]) == (2500, 2499)
        assert numbers(configs) == list(range(2500))
        assert numbers(configs[990:1010]) == list(range(990, 1010))
        assert numbers(configs.take([2400, 3, 1500, 2, 2400])) == [2400, 3, 1500, 2, 2400]
        assert [source.number for source in configs[7:9].sources()] == [7, 8]
        assert numbers(pickle.loads(pickle.dumps(configs[:3]))) == [0, 1, 2]
        assert sorted(os.listdir(path.parent)) == ["a.lmdb"]

    def test_is_added_to(self, path):
        configs, size = ConfigSet(path), path.stat().st_size
        with StoreWriter(path) as target:
            target.append(numbered(10, 2500))
            assert len(configs) == 2500  # in one thousand, or when asked to
            target.flush()
            assert numbers(configs[2495:]) == list(range(2495, 2510))
            target.append(numbered(1, 2510))
        assert numbers(configs) == list(range(2511))
        assert path.stat().st_size < 1.5 * size

    def test_what_was_added_before_an_error_is_kept(self, tmp_path):
        with pytest.raises(ZeroDivisionError), StoreWriter(tmp_path / "a.lmdb") as target:
            target.append(numbered(3))
            raise ZeroDivisionError
        assert numbers(ConfigSet(tmp_path / "a.lmdb")) == [0, 1, 2]

    def test_is_replaced_while_it_is_known(self, path, tmp_path):
        configs = ConfigSet(path)
        os.replace(written(tmp_path / "b.lmdb", numbered(5, 10)), path)
        assert numbers(configs) == [10, 11, 12, 13, 14]

    def test_empty(self, tmp_path):
        configs = ConfigSet(written(tmp_path / "a.lmdb", []))
        assert (len(configs), list(configs)) == (0, [])

    def test_several_readers_and_threads(self, path):
        both = list(zip(ConfigSet(path), ConfigSet(path), strict=True))
        assert all(one == other for one, other in both)
        found = {}
        threads = [
            threading.Thread(target=lambda place=place: found.update({place: numbers(ConfigSet(path)[place::3])}))
            for place in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == {place: list(range(2500))[place::3] for place in range(3)}

    def test_files_that_are_none(self, tmp_path):
        (tmp_path / "a.lmdb").write_bytes(b"no" * 9000)
        for action in (ConfigSet, StoreWriter):
            with pytest.raises((InputError, StorageError), match=r"a\.lmdb"):
                action(tmp_path / "a.lmdb")
        with pytest.raises(InputError, match="a name that ends with .lmdb"):
            StoreWriter(tmp_path / "a.xyz")
        with pytest.raises(InputError, match="There is no file"):
            ConfigSet(tmp_path / "b.lmdb")
        with pytest.raises(InputError, match="Take a slice"):
            ConfigSet(written(tmp_path / "c.lmdb", []), read_kwargs={"index": 0})

    def test_other_data_of_lmdb(self, tmp_path):
        import lmdb

        with lmdb.open(str(tmp_path / "a.lmdb"), subdir=False) as other, other.begin(write=True) as transaction:
            transaction.put(b"x", b"y")
        for action in (ConfigSet, StoreWriter):
            with pytest.raises(InputError, match="is no store of structures"):
                action(tmp_path / "a.lmdb")

    def test_damage_is_noticed(self, path):
        data = bytearray(path.read_bytes())
        place = data.rindex(np.full(50, 29).tobytes())  # atomic numbers
        data[place] = 30
        path.write_bytes(data)
        with pytest.raises(StorageError, match=r"a\.lmdb, structures from \d+ on: .*damaged"):
            list(ConfigSet(path))


WRITER = """
import sys
from ase.build import bulk
from adatom.configs import StoreWriter
with StoreWriter(sys.argv[1]) as target:
    number = int(sys.argv[2])
    while True:
        structures = [bulk("Cu") for _ in range(100)]
        for atoms in structures:
            atoms.info["number"] = number
            number += 1
        target.append(structures)
        target.flush()
        print(number, flush=True)
"""


def test_writers_that_are_killed(tmp_path):
    path, said = tmp_path / "a.lmdb", 0
    for turn in range(6):
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", WRITER, str(path), str(said)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        assert process.stdout.readline()
        time.sleep(0.02 * turn)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = numbers(ConfigSet(path))
        assert found == list(range(len(found)))
        assert len(found) > said
        said = len(found)


def test_a_full_disk(tmp_path):
    command = "from adatom.configs import StoreWriter; from ase import Atoms; import sys, resource\n"
    command += "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
    command += "target = StoreWriter(sys.argv[1])\n"
    command += "for _ in range(99): target.append([Atoms('H900')] * 20); target.flush()\n"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    path = tmp_path / "a.lmdb"
    done = subprocess.run([sys.executable, "-c", command, str(path)], capture_output=True, text=True, env=env)
    assert done.returncode == 1
    assert "StorageError" in done.stderr
    assert str(path) in done.stderr
    assert all(len(atoms) == 900 for atoms in ConfigSet(path))


def test_blocks_are_of_a_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_ATOMS", 1000)
    path = Path(written(tmp_path / "a.lmdb", [Atoms("H300")] * 10))
    assert len(ConfigSet(path)) == 10
    assert len(store.StoreReader(path)._read(0)[1]) == 4
