"""The store keeps what it is given, and gives nothing that it was not given."""

import os
import shlex
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import cloudpickle
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from adatom.cache import MISS
from adatom.cache.entry import FORMAT
from adatom.cache.index import Index, prune
from adatom.cache.store import CacheWarning, Store
from adatom.errors import InputError, StorageError
from tests.cache.conftest import key_of

KEY = key_of("x")


class Own:
    """A class that plain data cannot hold."""

    def __init__(self, atoms):
        self.atoms = atoms


def only_file(store: Store) -> Path:
    [path] = [path for path in (store.directory / "entries").rglob("*") if path.is_file()]
    return path


@pytest.mark.parametrize("value", [None, 3.5, {"a": (1, [2])}, {"provenance": None}])
def test_what_was_put_is_got(store, value):
    assert store.get(KEY.digest) is MISS
    store.put(KEY, value)
    assert store.get(KEY.digest) == value
    assert Store(store.directory).get(KEY.digest) == value
    assert store.get(key_of("y").digest) is MISS


def test_a_result_says_where_it_comes_from(store):
    store.put(KEY, {"energy": 1.0, "provenance": {"host": "here"}})
    assert store.get(KEY.digest)["provenance"] == {"host": "here", "cached_from": KEY.digest}


def test_a_new_result_replaces_the_old(store):
    store.put(KEY, 1)
    store.put(KEY, 2)
    assert store.get(KEY.digest) == 2
    assert only_file(store) == store.path(KEY.digest)


def test_plain_data_is_no_pickle_and_other_objects_are(store):
    for value, codec in (({"atoms": bulk("Cu"), "forces": np.ones((3, 3))}, "data"), (Own(1), "pickle")):
        store.put(KEY, value)
        entry = store.entry(KEY.digest)
        assert entry is not None
        assert entry.codec == codec
        assert (entry.recipe, entry.parts) == (KEY.recipe, dict(KEY.parts))


def test_pickled_structures_lose_their_calculators(store):
    atoms = bulk("Cu")
    atoms.calc = EMT()
    store.put(KEY, Own(atoms))
    assert store.get(KEY.digest).atoms == atoms
    assert store.get(KEY.digest).atoms.calc is None
    assert atoms.calc is not None


def test_what_cannot_be_pickled_is_an_error_and_leaves_nothing(store):
    with pytest.raises(StorageError, match="Cannot store a generator"):
        store.put(KEY, (i for i in range(3)))
    assert store.get(KEY.digest) is MISS


# --- Damage -----------------------------------------------------------------------------------------------------------


def truncate(path):
    os.truncate(path, path.stat().st_size // 2)


def empty(path):
    os.truncate(path, 0)


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def flip(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


def foreign(path):
    path.write_text("a note of somebody's\n")


def other_format(path):
    path.write_bytes(path.read_bytes().replace(b"adatom result %d" % FORMAT, b"adatom result 9"))


def of_another_key(path):
    other = Store(path.parents[2])
    other.put(key_of("another"), "wrong")
    path.write_bytes(other.path(key_of("another").digest).read_bytes())


def directory(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("value", [{"a": 1.0}, Own(2)])
@pytest.mark.parametrize("damage", [truncate, empty, zero, flip, foreign, other_format, of_another_key, directory])
def test_a_damaged_file_is_a_miss_with_a_warning(store, value, damage):
    store.put(KEY, value)
    damage(store.path(KEY.digest))
    with pytest.warns(CacheWarning, match=KEY.digest):
        assert store.get(KEY.digest) is MISS
    if damage is not directory:
        store.put(KEY, "again")
        assert store.get(KEY.digest) == "again"
    with closing(Index(store)) as index:
        assert len(index.entries(KEY.recipe)) == (damage not in (directory,)) + (damage is of_another_key)


def test_half_written_files_are_nobodys(store):
    store.put(KEY, 1)
    left = store.path(KEY.digest).with_suffix(".123-abc.part")
    left.write_bytes(b"adatom result %d" % FORMAT)
    os.utime(left, (0, 0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.get(KEY.digest) == 1
        with closing(Index(store)) as index:
            assert [entry.key for entry in index.entries(KEY.recipe)] == [KEY.digest]
        prune(store)
    assert not left.exists()
    assert store.get(KEY.digest) == 1


@pytest.mark.parametrize("damage", [truncate, zero, foreign])
def test_a_damaged_index_is_made_anew(store, damage):
    store.put(KEY, 1)
    Index(store).close()
    damage(store.directory / "index.sqlite")
    with closing(Index(store)) as index:
        assert [entry.key for entry in index.entries(KEY.recipe)] == [KEY.digest]


def test_an_index_that_cannot_be_written_is_made_in_memory(store):
    store.put(KEY, 1)
    (store.directory / "index.sqlite").mkdir()
    with closing(Index(store)) as index:
        assert index.usage()[KEY.recipe].count == 1


# --- Whom to trust ----------------------------------------------------------------------------------------------------


def test_files_are_the_users_own(store):
    store.put(KEY, 1)
    for path in (store.directory, store.path(KEY.digest).parent, store.path(KEY.digest)):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_store_that_others_can_write_is_refused_with_the_way_to_mend_it(store, mode):
    store.put(KEY, 1)
    store.directory.chmod(mode)
    with pytest.raises(StorageError) as raised:
        Store(store.directory)
    command = str(raised.value).split("Mend it with: ")[1].split(". ")[0]
    subprocess.run(shlex.split(command), check=True)
    assert Store(store.directory).get(KEY.digest) == 1


def test_a_pickle_that_others_can_write_is_not_read(store, tmp_path):
    class Mark:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    store.put(KEY, Mark())
    store.path(KEY.digest).chmod(0o666)
    with pytest.warns(CacheWarning, match="chmod"):
        assert store.get(KEY.digest) is MISS
    assert not (tmp_path / "ran").exists()
    store.path(KEY.digest).chmod(0o600)
    store.get(KEY.digest)
    assert (tmp_path / "ran").exists()  # so it would have been run


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_a_store_of_another_user_is_refused(store):
    store.put(KEY, Own(1))
    os.chown(store.path(KEY.digest), 12345, -1)
    with pytest.warns(CacheWarning, match="belongs to user 12345"):
        assert store.get(KEY.digest) is MISS
    os.chown(store.directory, 12345, -1)
    with pytest.raises(StorageError, match="belongs to user 12345"):
        Store(store.directory)


def test_a_group_can_share_a_store(tmp_path):
    import grp

    group = grp.getgrgid(os.getgid()).gr_name
    shared = Store(tmp_path / "shared", group)
    shared.put(KEY, Own(1))
    assert shared.directory.stat().st_mode & 0o7777 == 0o2770
    assert shared.path(KEY.digest).stat().st_mode & 0o777 == 0o660
    assert Store(tmp_path / "shared", group).get(KEY.digest).atoms == 1
    with pytest.raises(StorageError, match="ADATOM_CACHE_GROUP"):
        Store(tmp_path / "shared")
    with pytest.raises(InputError, match="no such group"):
        Store(tmp_path / "other", "nobody-has-this-group")


def test_a_store_of_another_format_is_refused(store):
    store.put(KEY, 1)
    (store.directory / "format").write_text("99\n")
    with pytest.raises(StorageError, match="format 99"):
        Store(store.directory)
    (tmp := store.directory / "file").write_text("")
    with pytest.raises(StorageError, match="no directory"):
        Store(tmp)


# --- Many processes ---------------------------------------------------------------------------------------------------


def write_and_read(directory: str, seed: int) -> int:
    """Put and get the same few keys, and look up all; gives how many results were wrong."""
    store, wrong = Store(Path(directory)), 0
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in range(150):
            number = int(rng.integers(6))
            key = key_of(number)
            value = store.get(key.digest)
            wrong += value is not MISS and value["number"] != number
            store.put(key, {"number": number, "array": np.full(3000, number), "by": seed})
            if step % 50 == 0:
                with closing(Index(store)) as index:
                    wrong += len(index.entries(key.recipe)) > 6
            if step % 40 == 39:
                prune(store, larger_than=5000)
    return wrong


def test_many_processes_use_one_store(store):
    # Started anew: what other tests imported has threads, of which a fork knows nothing.
    with ProcessPoolExecutor(6, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(write_and_read, [str(store.directory)] * 6, range(6))) == [0] * 6
    assert not list(store.directory.rglob("*.part"))


def test_many_threads_use_one_store(store):
    wrong = []
    threads = [
        threading.Thread(target=lambda n=n: wrong.append(write_and_read(str(store.directory), n))) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [0] * 4


def test_a_writer_that_is_killed_leaves_no_wrong_result(store):
    code = """
import cloudpickle, sys, numpy as np
from adatom.cache.store import Store
directory, key = cloudpickle.load(sys.stdin.buffer)
store = Store(directory)
print("ready", flush=True)
while True:
    store.put(key, {"value": 7, "array": np.random.rand(200000)})
"""
    for delay in (0.05, 0.1, 0.15):
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
        )
        assert process.stdin
        assert process.stdout
        process.stdin.write(cloudpickle.dumps((store.directory, KEY)))
        process.stdin.close()
        process.stdout.readline()
        threading.Event().wait(delay)
        process.kill()
        process.wait()
        process.stdout.close()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            value = store.get(KEY.digest)
        assert value is MISS or value["value"] == 7


def environment():
    import adatom

    paths = [str(Path(adatom.__file__).parents[1]), str(Path(__file__).parents[2])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


# --- Pruning ----------------------------------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes_first(store):
    keys = [key_of(number) for number in range(4)]
    for age, key in enumerate(reversed(keys)):
        store.put(key, b"x" * 1000)
        os.utime(store.path(key.digest), (0, 1e9 - age))
    sizes = store.path(keys[0].digest).stat().st_size
    store.get(keys[0].digest)  # used now
    assert prune(store, larger_than=int(2.5 * sizes), dry_run=True).count == 2
    assert sum(store.has(key.digest) for key in keys) == 4
    removed = prune(store, larger_than=int(2.5 * sizes))
    assert removed.count == 2
    assert removed.size == pytest.approx(2 * sizes, rel=0.05)
    assert [store.has(key.digest) for key in keys] == [True, False, False, True]
    assert prune(store, older_than=3600).count == 1
    assert [store.has(key.digest) for key in keys] == [True, False, False, False]


def test_pruning_a_store_that_is_not_there(store):
    assert prune(store, older_than=0).count == 0
    assert not store.directory.exists()


def test_a_store_with_a_limit_keeps_to_it(tmp_path):
    limited = Store(tmp_path / "small", limit=100_000)
    for number in range(60):
        limited.put(key_of(number), np.random.default_rng(number).random(500))
        os.utime(limited.path(key_of(number).digest), (0, 1e9 + number))
        files = (tmp_path / "small" / "entries").glob("*/*")
        assert sum(path.stat().st_size for path in files) < 106_000
    assert limited.has(key_of(59).digest)
    assert not limited.has(key_of(0).digest)
