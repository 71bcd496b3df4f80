"""Outputs in files: complete or not there, gone on with, and true to what made them."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read, write

import adatom
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, map
from adatom.errors import InputError, ItemError, StorageError
from tests.configs import operations

ENDINGS = ("xyz", "extxyz", "traj", "xyz.gz", "json", "lmdb")
ONE, TWO = AutoparaInfo(workers=1), AutoparaInfo(workers=2)


@pytest.fixture(autouse=True)
def results(tmp_path):
    with adatom.change_settings(results_dir=tmp_path / "results"):
        yield


@pytest.fixture
def calls(tmp_path):
    """How often `counted` was called for each structure."""
    folder = tmp_path / "calls"
    folder.mkdir()

    def read_off() -> dict[int, int]:
        found: dict[int, int] = {}
        for path in folder.iterdir():
            number = int(path.name.partition("-")[0])
            found[number] = found.get(number, 0) + 1
            path.unlink()
        return found

    read_off.folder = str(folder)
    return read_off


def numbered(count: int, start: int = 0) -> list[Atoms]:
    structures = [bulk("Cu", a=3.5 + number / 1000) for number in range(start, start + count)]
    for number, atoms in enumerate(structures, start):
        atoms.info["number"] = number
    return structures


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize(
    "name", ["out.xyz", "deep/er/out.xyz", "out.traj", "out.xyz.gz", "out.json", "out.extxyz", "out.lmdb"]
)
def test_a_file_is_complete_or_not_there(name, tmp_path, calls):
    file = tmp_path / "files" / name
    found = map(operations.counted, numbered(5), file, folder=calls.folder, autopara_info=ONE)
    assert names(file.parent) == {file.name, f"{file.name}.journal"}
    assert [atoms.info.get("number") for atoms in found] == ([0, 1, 2, 3, 4] if "json" not in name else [None] * 5)
    assert len(ConfigSet(file)) == 5
    assert calls() == dict.fromkeys(range(5), 1)
    again = map(operations.counted, numbered(5), file, folder=calls.folder, autopara_info=ONE)
    assert calls() == {}
    assert len(again) == 5


def test_a_file_for_each_group(tmp_path, calls):
    for name, structures in {"a": numbered(3), "b": numbered(2, 3)}.items():
        write(tmp_path / f"{name}.xyz", structures)
    inputs = ConfigSet([tmp_path / "a.xyz", tmp_path / "b.xyz"])
    spec = OutputSpec(["A.xyz", "B.xyz"], file_root=tmp_path / "out")
    found = map(operations.counted, inputs, spec, folder=calls.folder, autopara_info=ONE)
    assert [[atoms.info["number"] for atoms in group] for group in found.groups()] == [[0, 1, 2], [3, 4]]
    assert calls() == dict.fromkeys(range(5), 1)
    (tmp_path / "out" / "A.xyz").unlink()
    found = map(operations.counted, inputs, spec, folder=calls.folder, autopara_info=ONE)
    assert calls() == dict.fromkeys(range(3), 1)
    assert [atoms.info["number"] for atoms in found] == [0, 1, 2, 3, 4]


def test_a_shifted_failure_does_not_shift_what_is_in_other_files(tmp_path):
    inputs = ConfigSet([[bulk("Cu"), bulk("Ag")], [bulk("Au")], [bulk("Ag"), bulk("Ni")]])
    spec = OutputSpec(["a.xyz", "b.xyz", "c.xyz"], file_root=tmp_path)
    map(operations.refusing, inputs, spec, on_error="skip", autopara_info=AutoparaInfo(workers=2, batch=2))
    found = {name: [str(atoms.symbols) for atoms in read(tmp_path / f"{name}.xyz", ":")] for name in "abc"}
    assert found == {"a": ["Cu"], "b": ["Au"], "c": ["Ni"]}


def test_it_goes_on_at_the_structure_that_failed(tmp_path, calls):
    given = numbered(6)
    given[4].symbols = "Ag"

    def some(atoms, folder):
        # Not a path that the function holds: the content of its file counts as the source does.
        if str(atoms.symbols) == "Ag" and not os.path.exists(folder + "-allowed"):
            raise ValueError("not yet")
        return operations.counted(atoms, folder)

    file = tmp_path / "out.xyz"
    with pytest.raises(ItemError):
        map(some, given, file, folder=calls.folder, autopara_info=ONE)
    assert names(tmp_path) == {"out.xyz.partial", "out.xyz.journal"}
    assert calls().keys() >= {0, 1, 2, 3}
    assert len(read(tmp_path / "out.xyz.partial", ":", format="extxyz")) == 4
    Path(f"{calls.folder}-allowed").touch()
    found = map(some, given, file, folder=calls.folder, autopara_info=ONE)
    assert calls() == {4: 1, 5: 1}
    assert [atoms.info["number"] for atoms in found] == list(range(6))


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("factor", lambda given, file: map(operations.strained, given, file, factor=1.2)),
        ("function, source", lambda given, file: map(operations.refusing, given, file)),
        ("seed", lambda given, file: map(operations.strained, given, file, factor=1.1, seed=1)),
        ("tags", lambda given, file: map(operations.strained, given, OutputSpec(file, tags={"a": 1}), factor=1.1)),
    ],
)
def test_what_was_made_otherwise_is_not_taken_nor_replaced(name, call, tmp_path):
    file, given = tmp_path / "out.xyz", numbered(3)
    map(operations.strained, given, file, factor=1.1, autopara_info=ONE)
    before = file.read_bytes()
    with pytest.raises(InputError, match=rf"made by another operation, which differs in {name}.*overwrite=True"):
        call(given, file)
    assert file.read_bytes() == before


def test_a_file_of_the_users_is_not_replaced(tmp_path):
    file = tmp_path / "out.xyz"
    write(file, bulk("Cu"))
    before = file.read_bytes()
    with pytest.raises(InputError, match=r"There is a file .*out.xyz' already"):
        map(operations.strained, numbered(3), file, autopara_info=ONE)
    assert file.read_bytes() == before
    map(operations.strained, numbered(3), OutputSpec(file, overwrite=True), autopara_info=ONE)
    assert len(read(file, ":")) == 3


def test_a_file_that_was_edited_is_the_users(tmp_path):
    file = tmp_path / "out.xyz"
    map(operations.strained, numbered(3), file, autopara_info=ONE)
    write(file, bulk("Cu"), append=True)
    with pytest.raises(InputError, match="There is a file"):
        map(operations.strained, numbered(3), file, autopara_info=ONE)


@pytest.mark.parametrize("name", ["out.xyz", "out.traj", "out.lmdb"])
def test_other_inputs_are_noticed_and_what_is_the_same_is_not_done_again(name, tmp_path, calls):
    file, given = tmp_path / name, numbered(6)
    map(operations.counted, given, file, folder=calls.folder, autopara_info=AutoparaInfo(workers=1, batch=1))
    calls()
    given[3].positions += 0.01
    with pytest.raises(InputError, match="made of other inputs, which differ from structure 3 on"):
        map(operations.counted, given, file, folder=calls.folder, autopara_info=ONE)
    assert len(ConfigSet(file)) == 6
    found = map(operations.counted, given, OutputSpec(file, overwrite=True), folder=calls.folder, autopara_info=ONE)
    assert calls() == {3: 1, 4: 1, 5: 1}
    assert [atoms.info["number"] for atoms in found] == list(range(6))
    assert found[3].positions == pytest.approx(given[3].positions)
    assert names(tmp_path) == {name, f"{name}.journal"}


def test_more_inputs_are_added_to_what_is_done(tmp_path, calls):
    spec = OutputSpec(tmp_path / "out.xyz", overwrite=True)
    map(operations.counted, numbered(3), spec, folder=calls.folder, autopara_info=ONE)
    calls()
    found = map(operations.counted, numbered(5), spec, folder=calls.folder, autopara_info=ONE)
    assert calls() == {3: 1, 4: 1}
    assert len(found) == 5


def test_fewer_inputs_are_other_inputs(tmp_path):
    file = tmp_path / "out.xyz"
    map(operations.strained, numbered(3), file, autopara_info=ONE)
    with pytest.raises(InputError, match="other inputs"):
        map(operations.strained, numbered(2), file, autopara_info=ONE)
    assert len(map(operations.strained, numbered(2), OutputSpec(file, overwrite=True), autopara_info=ONE)) == 2


def test_an_input_file_that_changed_is_noticed(tmp_path):
    write(tmp_path / "in.xyz", numbered(3))
    map(operations.strained, ConfigSet(tmp_path / "in.xyz"), tmp_path / "out.xyz", autopara_info=ONE)
    os.utime(tmp_path / "in.xyz", (1, 1))
    map(operations.strained, ConfigSet(tmp_path / "in.xyz"), tmp_path / "out.xyz", autopara_info=ONE)
    write(tmp_path / "in.xyz", numbered(3, 1))
    with pytest.raises(InputError, match="other inputs"):
        map(operations.strained, ConfigSet(tmp_path / "in.xyz"), tmp_path / "out.xyz", autopara_info=ONE)


def test_an_output_is_no_input(tmp_path):
    write(tmp_path / "in.xyz", numbered(3))
    with pytest.raises(InputError, match=r"in\.xyz' is an input, too"):
        map(operations.strained, ConfigSet(tmp_path / "in.xyz"), OutputSpec(tmp_path / "in.xyz", overwrite=True))


@pytest.mark.parametrize(
    ("name", "write_kwargs", "said"),
    [
        ("out.nothing", {}, r"ASE writes no files such as .*out\.nothing"),
        ("out.xyz", {"format": "nothing"}, "ASE writes no format 'nothing'"),
        ("out.cube", {"format": "aims-output"}, "ASE reads aims-output, and does not write it"),
        ("POSCAR", {}, "a file of vasp holds one structure, and here are 3"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_done(name, write_kwargs, said, tmp_path, calls):
    spec = OutputSpec(tmp_path / "out" / name, write_kwargs=write_kwargs)
    with pytest.raises(InputError, match=said):
        map(operations.counted, numbered(3), spec, folder=calls.folder, autopara_info=ONE)
    assert calls() == {}
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["out.xyz", "out.xyz.gz", "out.lmdb"])
@pytest.mark.parametrize(
    ("tags", "said"),
    [({3: 1}, "the key 3"), ({"what": object()}, r"info\['what'\].*object"), ({"some": [slice(1)]}, "slice")],
)
def test_tags_that_a_file_does_not_hold(name, tags, said, tmp_path, calls):
    spec = OutputSpec(tmp_path / name, tags=tags)
    with pytest.raises(InputError, match=rf"{name}' would not hold the outputs: .*{said}"):
        map(operations.counted, numbered(3), spec, folder=calls.folder, autopara_info=ONE)
    assert calls() == {}


@pytest.mark.parametrize(
    ("name", "write_kwargs", "said"),
    [
        ("XDATCAR.xyz", {}, r"ASE takes this file for one of vasp-xdatcar.*structures\.xyz"),
        ("out.xyz", {"colums": ["symbols"]}, "colums.*Did you mean|columns"),
        ("out.xyz.gz", {"columns": "positions"}, "columns='positions'"),
        ("out.dat", {"format": "extxyz", "comment": "two\nlines"}, "comment"),
    ],
)
def test_names_and_arguments_of_the_writer_are_checked_first(name, write_kwargs, said, tmp_path, calls):
    with pytest.raises(InputError, match=said):
        map(
            operations.counted,
            numbered(3),
            OutputSpec(tmp_path / name, write_kwargs=write_kwargs),
            folder=calls.folder,
            autopara_info=ONE,
        )
    assert calls() == {}


@pytest.mark.parametrize("name", ["out.xyz", "out.xyz.gz", "out.lmdb"])
@pytest.mark.parametrize(("on_error", "kept"), [("keep", True), ("skip", False)])
def test_a_structure_that_a_file_does_not_hold_is_one_failure(name, on_error, kept, tmp_path):
    given = numbered(20)
    given[13].info["what"] = {1: object}
    found = map(operations.strained, given, tmp_path / name, factor=1.1, on_error=on_error, autopara_info=ONE)
    assert found.failures.keys() == {13}
    assert "info['what']" in found.failures[13]
    left = [number for number in range(20) if number != 13]
    assert [atoms.info["number"] for atoms in found if "number" in atoms.info] == left
    assert len(found) == 19 + kept
    if kept:
        assert "info['what']" in str(found[13].info)
        assert found[13].positions == pytest.approx(given[13].positions)
    with pytest.raises(ItemError, match=r"failed for structure 13.*info\['what'\]"):
        map(operations.strained, given, tmp_path / f"other-{name}", factor=1.1, autopara_info=ONE)


def test_a_file_that_holds_one_structure_can_have_one(tmp_path):
    [found] = map(operations.strained, numbered(1), tmp_path / "POSCAR", factor=1.1, autopara_info=ONE)
    assert found.get_volume() == pytest.approx(read(tmp_path / "POSCAR").get_volume())


def test_formats_cannot_be_mixed(tmp_path):
    with pytest.raises(InputError, match="one format"):
        map(
            operations.strained,
            ConfigSet([numbered(1), numbered(1)]),
            OutputSpec(["a.xyz", "a.traj"], file_root=tmp_path),
        )


def test_arguments_of_the_writer_are_used(tmp_path):
    spec = OutputSpec(tmp_path / "out.dat", write_kwargs={"format": "extxyz", "columns": ["symbols", "positions"]})
    found = map(operations.strained, numbered(2), spec, autopara_info=ONE)
    assert (tmp_path / "out.dat").read_text().count("Properties=species:S:1:pos:R:3") == 2
    assert [atoms.info["number"] for atoms in found] == [0, 1]


def test_a_truncated_structure_ends_it_in_order_and_is_named(tmp_path):
    write(tmp_path / "in.xyz", numbered(5))
    text = (tmp_path / "in.xyz").read_text()
    (tmp_path / "in.xyz").write_text(text[:-30])
    with pytest.raises(InputError, match=r"Structure 4 of .*in\.xyz cannot be read"):
        map(operations.strained, ConfigSet(tmp_path / "in.xyz"), tmp_path / "out.xyz", autopara_info=ONE)
    (tmp_path / "in.xyz").write_text(text)
    assert len(map(operations.strained, ConfigSet(tmp_path / "in.xyz"), tmp_path / "out.xyz", autopara_info=ONE)) == 5


def test_a_journal_that_was_cut_in_a_line_is_gone_on_with(tmp_path, calls):
    file, given = tmp_path / "out.xyz", numbered(6)
    each = AutoparaInfo(workers=1, batch=1)
    map(operations.counted, given, file, folder=calls.folder, autopara_info=each)
    whole = file.read_bytes()
    journal = tmp_path / "out.xyz.journal"
    lines = journal.read_text().splitlines(keepends=True)
    file.rename(tmp_path / "out.xyz.partial")
    journal.write_text("".join(lines[:4]) + lines[4][:20])  # its first says what is done; then three structures
    calls()
    map(operations.counted, given, file, folder=calls.folder, autopara_info=each)
    assert calls() == {3: 1, 4: 1, 5: 1}
    assert file.read_bytes() == whole


def test_a_run_that_was_cut_between_its_last_two_steps_is_complete(tmp_path, calls):
    file = tmp_path / "out.xyz"
    map(operations.counted, numbered(3), file, folder=calls.folder, autopara_info=ONE)
    calls()
    file.rename(tmp_path / "out.xyz.partial")
    assert len(map(operations.counted, numbered(3), file, folder=calls.folder, autopara_info=ONE)) == 3
    assert calls() == {}
    assert names(tmp_path) == {"out.xyz", "out.xyz.journal"}


def test_two_processes_do_not_write_one_file(tmp_path):
    def meddling(atoms):
        with pytest.raises(StorageError, match="Another process is writing"):
            map(operations.strained, numbered(3), OutputSpec(tmp_path / "out.xyz", overwrite=True), autopara_info=ONE)
        return atoms

    assert len(map(meddling, numbered(1), tmp_path / "out.xyz", autopara_info=ONE)) == 1


def test_the_journal_lists_what_failed(tmp_path):
    file = tmp_path / "out.xyz"
    map(operations.refusing, [bulk("Cu"), bulk("Ag"), bulk("Au")], file, on_error="keep", autopara_info=ONE)
    lines = [json.loads(line) for line in (tmp_path / "out.xyz.journal").read_text().splitlines()]
    done, failed = 0, {}
    for line in lines:
        failed |= {done + int(place): why for place, why in line.get("failed", {}).items()}
        done += line.get("count", 0)
    assert failed == {1: "ValueError: no Ag"}


SCRIPT = """
import sys, time
from pathlib import Path
import numpy as np
from ase.io import read
from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, map

def worked(atoms, rng):
    if (wait := rng.random() / 100) > 0.009:
        time.sleep(wait)
    atoms.positions += rng.normal(size=atoms.positions.shape)
    atoms.info["energy_of"] = float(np.sum(atoms.positions))
    return [atoms, atoms.copy()] if atoms.info["number"] % 7 == 0 else atoms

info = AutoparaInfo(workers=int(sys.argv[1]), batch=int(sys.argv[3]))
found = map(worked, ConfigSet("in.xyz"), OutputSpec(sys.argv[2]), seed=5, autopara_info=info)
print(len(found))
"""


def run_script(folder: Path, *arguments: str) -> subprocess.Popen:
    (folder / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "ADATOM_RESULTS_DIR": str(folder / "results")}
    return subprocess.Popen(
        [sys.executable, "script.py", *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("workers", "kills"),
    [("1", 1), pytest.param("2", 10, marks=pytest.mark.deep(reason="more of the same chances as with one kill"))],
)
def test_killed_at_random_it_gives_the_same_bytes(workers, kills, tmp_path):
    write(tmp_path / "in.xyz", numbered(3000))
    assert run_script(tmp_path, "1", "whole.xyz", "50").communicate()[0].strip() == str(3000 + 429)
    rng = random.Random(int(workers))
    partial = tmp_path / "cut.xyz.partial"
    for kill in range(kills):
        running = run_script(tmp_path, workers, "cut.xyz", str(rng.randint(1, 80)))
        size = partial.stat().st_size if partial.exists() else 0
        while running.poll() is None and (not partial.exists() or partial.stat().st_size == size):
            time.sleep(0.01)  # it writes: killed before, it would begin where it began
        time.sleep(rng.uniform(0, 0.05))
        running.send_signal(signal.SIGKILL)
        running.communicate()
        assert running.returncode == -signal.SIGKILL, f"done before kill {kill}"
    assert not (tmp_path / "cut.xyz").exists()
    assert run_script(tmp_path, workers, "cut.xyz", "10").communicate()[0].strip() == str(3000 + 429)
    assert (tmp_path / "cut.xyz").read_bytes() == (tmp_path / "whole.xyz").read_bytes()


def test_ctrl_c_keeps_what_is_done(tmp_path):
    write(tmp_path / "in.xyz", numbered(3000))
    running = run_script(tmp_path, "2", "cut.xyz", "10")
    partial = tmp_path / "cut.xyz.partial"
    while running.poll() is None and not (partial.exists() and partial.stat().st_size):
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    running.communicate()
    assert running.returncode not in (0, -signal.SIGKILL)
    done = len(read(partial, ":", format="extxyz"))
    assert 0 < done < 3000
    assert run_script(tmp_path, "2", "cut.xyz", "10").communicate()[0].strip() == str(3000 + 429)
    run_script(tmp_path, "1", "whole.xyz", "50").communicate()
    assert (tmp_path / "cut.xyz").read_bytes() == (tmp_path / "whole.xyz").read_bytes()


@pytest.mark.parametrize(
    ("seconds", "kills"),
    [(4, 1), pytest.param(60, 5, marks=pytest.mark.deep(reason="a minute finds what happens rarely"))],
)
def test_workers_that_are_killed_at_random_change_nothing(seconds, kills, tmp_path):
    given, at_work = numbered(500), tmp_path / "at work"
    at_work.mkdir()
    map(operations.slow, given, tmp_path / "alone.xyz", seconds=0, autopara_info=ONE)
    ended, killed, info = threading.Event(), set(), AutoparaInfo(workers=2, retries=9)

    def kill() -> None:
        rng = random.Random(1)
        while not ended.wait(rng.uniform(0.5, 3)):
            alive = {int(path.name) for path in at_work.iterdir()} - killed
            if alive:
                killed.add(victim := rng.choice(sorted(alive)))
                os.kill(victim, signal.SIGKILL)

    killer, end, rounds = threading.Thread(target=kill), time.monotonic() + seconds, 0
    killer.start()
    try:
        while time.monotonic() < end or len(killed) < kills:
            out = tmp_path / f"killed{rounds}.xyz"
            found = map(operations.seen_at_work, given, out, folder=str(at_work), on_error="keep", autopara_info=info)
            assert found.failures == {}
            assert out.read_bytes() == (tmp_path / "alone.xyz").read_bytes()
            rounds += 1
    finally:
        ended.set()
        killer.join()


def test_a_full_disk_loses_nothing_that_is_done(small_disk, tmp_path, calls):
    given, file = numbered(4000), small_disk / "out.xyz"
    each = AutoparaInfo(workers=1, batch=50)
    with pytest.raises(StorageError, match="No space left on device.*What is done is kept"):
        map(operations.counted, given, file, folder=calls.folder, autopara_info=each)
    assert not file.exists()
    made = calls().keys()
    assert 500 < len(made) < 4000
    subprocess.run(["mount", "-o", "remount,size=4m", small_disk], check=True)
    assert len(map(operations.counted, given, file, folder=calls.folder, autopara_info=each)) == 4000
    again = made & calls().keys()
    assert len(again) <= 50


MANY = """
import sys
from adatom.configs import AutoparaInfo, ConfigSet, map

def one_of_a_thousand(atoms):
    return atoms if atoms.info["number"] % 1000 == 999 else None

inputs = ConfigSet("many.xyz")
found = map(one_of_a_thousand, inputs, "found.xyz", autopara_info=AutoparaInfo(workers=2))
status = dict(line.split(":") for line in open("/proc/self/status"))
print(len(inputs), len(found), found[-1].info["number"], inputs[-1].positions[0, 2])
print(int(status["VmHWM"].split()[0]) // 1024)
"""


# With all structures kept it would be 270 MB and more than 1500 MB.
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("count", "most"),
    [
        (100_000, 210),
        pytest.param(1_000_000, 300, marks=pytest.mark.deep(reason="minutes; a tenth is streamed in the same way")),
    ],
)
def test_a_file_of_many_structures_is_streamed(count, most, tmp_path):
    with (tmp_path / "many.xyz").open("w") as file:
        for number in range(count):
            file.write(f"1\nProperties=species:S:1:pos:R:3 number={number}\nCu 0.0 0.0 {number / 1e6:.6f}\n")
    (tmp_path / "script.py").write_text(MANY)
    run = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=840,
        env={**os.environ, "ADATOM_RESULTS_DIR": str(tmp_path / "results")},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    numbers, megabytes = run.stdout.splitlines()
    assert numbers == f"{count} {count // 1000} {count - 1} {(count - 1) / 1e6:.6f}"
    assert int(megabytes) < most
