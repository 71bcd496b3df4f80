"""Files with pickles are opened only if nobody else could have written them, and by one function."""

import ast
import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import adatom
from adatom import change_settings
from adatom.cache.key import Key
from adatom.cache.store import CacheWarning, Store
from adatom.configs.columns import pack
from adatom.configs.handle import Handle
from adatom.configs.partial_file import packed, unpacked
from adatom.errors import InputError, StorageError
from adatom.journal.calls import Calls, read_call
from adatom.utils import keyed
from adatom.utils.keyed import pickle_key
from adatom.utils.trust import group_id, open_trusted

# Loads of bytes, by file and function, and where the bytes come from. What a file holds comes through `open_trusted`.
PIPE, TRUSTED = "our own worker or driver sent them", "open_trusted read them"
KNOWN = {
    ("cache/entry.py", "read_value"): TRUSTED,
    ("configs/columns.py", "unpack"): f"{PIPE}, or {TRUSTED}",
    ("configs/handle.py", "read"): f"{PIPE}, or {TRUSTED}",
    ("engines/covalent/electrons.py", "_expand"): PIPE,
    ("engines/covalent/workers.py", "run_in_worker"): PIPE,
    ("engines/parsl.py", "__call__"): PIPE,
    ("engines/queue/needs.py", ""): "this process made them",
    ("engines/queue/worker.py", "_task"): "`verify` found our signature",
    ("execution/arguments.py", "live"): PIPE,
    ("execution/arguments.py", "read_arguments"): f"{PIPE}, or {TRUSTED}",
    ("execution/call.py", ""): f"{PIPE}, or {TRUSTED}",
    ("execution/call.py", "read_header"): f"{PIPE}, or {TRUSTED}",
    ("execution/failure.py", "_travels"): "this function made them",
    ("execution/moved.py", "_header"): "the task came through `verify`",
    ("execution/process.py", "_unpickle"): PIPE,
    ("execution/process.py", "main"): PIPE,
    ("execution/worker.py", ""): PIPE,
    ("workflow/retry.py", "load_call"): TRUSTED,
}
MODULES = {"pickle", "cloudpickle", "dill", "joblib", "torch", "shelve", "marshal", "numpy", "np", "pd", "pandas"}
LOADERS = {"load", "loads", "Unpickler", "read_pickle", "open"}


def loaders(tree):
    """Yield the function and the text of each use of something that unpickles."""

    def visit(node, function):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            function = node.name
        for child in ast.iter_child_nodes(node):
            yield from visit(child, function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id in MODULES and node.attr in LOADERS:
                yield function, ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module in MODULES - {"numpy"}:
            if LOADERS & {name.name for name in node.names}:
                yield function, ast.unparse(node)
        if isinstance(node, ast.keyword) and node.arg in ("allow_pickle", "weights_only"):
            yield function, ast.unparse(node)

    return visit(tree, "")


def test_there_is_no_other_loader_of_pickles():
    source = Path(adatom.__file__).parent
    found = set()
    for file in source.rglob("*.py"):
        uses = list(loaders(ast.parse(file.read_text())))
        safe = {function for function, text in uses if text in ("allow_pickle=False", "weights_only=True")}
        for function, _ in uses:
            if function not in safe:
                found.add((file.relative_to(source).as_posix(), function))
    assert found == KNOWN.keys()


@pytest.mark.parametrize(
    "code",
    [
        "import pickle\ndef f(p): return pickle.load(open(p, 'rb'))",
        "from pickle import loads",
        "from cloudpickle import load as l",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import torch\ntorch.load('x')",
        "import joblib\njoblib.load('x')",
        "import pandas as pd\npd.read_pickle('x')",
        "import pickle\nload = pickle.Unpickler",
    ],
)
def test_a_loader_is_seen(code):
    assert list(loaders(ast.parse(code)))


# --- Each reader of pickles in files ---


def of_a_journal(directory):
    calls = Calls(str(directory), "run")
    place = calls.keep(b"header", b"function", b"x" * 1000)
    calls.close(remove=False)
    return directory / "calls/run", lambda: read_call(directory, place)


def of_a_partial_file(directory):
    path = directory / "out.traj.partial"
    path.write_bytes(packed(["a"]))
    return path, lambda: list(unpacked(path))


def of_a_handle(directory):
    path = directory / "handle"
    sent = Handle.packed([1], "the list")
    path.write_bytes(sent.data)

    def read():
        handle = Handle(sent.key, path=str(path))
        handle.forget()
        return handle.load()

    return path, read


@pytest.fixture(params=[of_a_journal, of_a_partial_file, of_a_handle], ids=lambda make: make.__name__)
def reader(request, tmp_path):
    directory = tmp_path / "directory"
    directory.mkdir(mode=0o700)
    path, read = request.param(directory)
    path.chmod(0o600)
    return path, read


def test_what_the_owner_wrote_is_read(reader):
    _, read = reader
    assert read()


def of_a_store(directory):
    class Own:
        pass

    store, key = Store(directory / "cache"), Key("a" * 32, "recipe", {}, {})
    store.put(key, Own())

    def read():
        with warnings.catch_warnings(action="error"):
            return store.get(key.digest)

    return store.path(key.digest), read


@pytest.mark.parametrize("make", [of_a_journal, of_a_partial_file, of_a_store])
def test_a_pickle_under_another_key_is_refused(make, tmp_path):
    """As in a directory that was copied from somebody else."""
    _, read = make(tmp_path)
    assert read()
    with change_settings(key_file=tmp_path / "other.key"):
        with pytest.raises((StorageError, CacheWarning), match="another key.*ADATOM_KEY_FILE"):
            read()
        assert (tmp_path / "other.key").stat().st_mode & 0o777 == 0o600
    assert read()


@pytest.mark.parametrize("place", range(0, 64, 7))
@pytest.mark.parametrize("make", [of_a_journal, of_a_partial_file, of_a_handle])
def test_a_pickle_that_was_changed_is_refused(make, place, tmp_path):
    tmp_path.chmod(0o700)
    path, read = make(tmp_path)
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)
    with pytest.raises(StorageError, match=f"{path}"):
        read()


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_a_file_that_others_can_write_is_refused(reader, mode):
    path, read = reader
    path.chmod(mode)
    with pytest.raises(StorageError, match=f"Others can write to {path}"):
        read()


def test_a_directory_that_all_can_write_is_refused(reader):
    path, read = reader
    path.parent.chmod(0o777)
    with pytest.raises(StorageError, match=f"{path.parent}"):
        read()


def test_a_link_is_refused(reader, tmp_path):
    path, read = reader
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic link"):
        read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_refused(reader):
    path, read = reader
    os.chown(path, 12345, -1)
    with pytest.raises(StorageError, match="belongs to user 12345"):
        read()


def test_no_code_runs_before_the_check(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    path = tmp_path / "out.traj.partial"
    data = pickle.dumps(Harm())
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    path.chmod(0o666)
    with pytest.raises(StorageError):
        list(unpacked(path))
    assert not (tmp_path / "harm").exists()


# --- The function itself ---


def test_a_directory_with_other_peoples_files_that_they_alone_can_move(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(pack([1]))
    path.chmod(0o644)
    tmp_path.chmod(0o1777)
    assert open_trusted(path, own_directory=False).read() == pack([1])
    with pytest.raises(StorageError, match="Others can write"):
        open_trusted(path)


@pytest.mark.parametrize(("make", "said"), [(os.mkfifo, "no regular file"), (os.mkdir, "Is a directory")])
def test_what_is_no_file_is_refused(tmp_path, make, said):
    make(tmp_path / "x")
    with pytest.raises(OSError, match=said):
        open_trusted(tmp_path / "x")


def test_the_group_may_write_if_it_shares_the_file(tmp_path):
    tmp_path.chmod(0o770)
    path = tmp_path / "x"
    path.write_bytes(b"x")
    path.chmod(0o660)
    with pytest.raises(StorageError, match="ADATOM_CACHE_GROUP"):
        open_trusted(path)
    assert open_trusted(path, path.stat().st_gid).read() == b"x"
    path.chmod(0o666)
    with pytest.raises(StorageError, match="Others"):
        open_trusted(path, path.stat().st_gid)


# --- The key ---


def test_a_key_is_made_once_and_is_its_owners(tmp_path):
    path = tmp_path / "deep" / "pickle.key"
    with ThreadPoolExecutor() as pool:
        keys = list(pool.map(lambda _: keyed._key.__wrapped__(path, None), range(20)))
    assert {len(key) for key in keys} == {32}
    assert len(set(keys)) == 1
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["pickle.key"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.chmod(0o644), "Others can read the key .*chmod go="),
        (lambda path: path.chmod(0o622), "Others can write"),
        (lambda path: path.write_bytes(b"short"), "is no key of adatom. Name another"),
        (lambda path: [path.unlink(), path.mkdir()], "cannot be read: Is a directory. Name another"),
    ],
)
def test_a_bad_key_is_refused(tmp_path, change, said):
    path = tmp_path / "pickle.key"
    keyed._key.__wrapped__(path, None)
    change(path)
    with pytest.raises(StorageError, match=said):
        keyed._key.__wrapped__(path, None)


def test_where_no_key_can_be_kept_a_warning_says_so():
    path = Path("/proc/no/pickle.key")
    with pytest.warns(UserWarning, match="No key can be kept in /proc/no.*ADATOM_KEY_FILE"):
        assert len(keyed._key.__wrapped__(path, None)) == 32


def test_a_group_has_its_key_where_its_files_are(tmp_path):
    key = pickle_key(None, tmp_path, os.getgid())
    assert (tmp_path / ".pickle.key").read_bytes() == key
    assert (tmp_path / ".pickle.key").stat().st_mode & 0o777 == 0o640


def test_an_unknown_group():
    assert group_id(None) is None
    with pytest.raises(InputError, match="no such group"):
        group_id("no-group-of-this-name")
