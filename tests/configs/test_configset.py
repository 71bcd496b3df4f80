"""Structures as the input of an operation, wherever they are."""

import gzip
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adatom.configs import ConfigSet, Source, frames
from adatom.configs.frames import Frames
from adatom.errors import InputError


def structure(number):
    """One that can be told from all others, also once it was in a file."""
    atoms = bulk("Cu", cubic=True) * (1 + number % 3, 1, 1)
    atoms.rattle(0.01, seed=number)
    atoms.info["number"] = number
    return atoms


def structures(count, start=0):
    return [structure(number) for number in range(start, start + count)]


def numbers(configs):
    return [atoms.info["number"] for atoms in configs]


def written(path, *args):
    write(path, structures(*args))
    return path


@pytest.fixture
def files(tmp_path):
    """Three of two structures each: 0 to 5."""
    return [written(tmp_path / f"run{i}.xyz", 2, 2 * i) for i in range(3)]


class TestItems:
    def test_nothing(self):
        for empty in (ConfigSet(), ConfigSet([])):
            assert (len(empty), list(empty), bool(empty)) == (0, [], False)

    def test_one_structure(self):
        atoms = structure(1)
        configs = ConfigSet(atoms)
        assert list(configs) == list(configs.groups()) == [atoms]
        assert configs[0] is atoms

    def test_a_file_and_a_list_of_one_file(self, files):
        flat, grouped = ConfigSet(files[0]), ConfigSet([files[0]])
        assert numbers(flat) == numbers(grouped) == [0, 1]
        assert all(isinstance(atoms, Atoms) for atoms in flat.groups())
        [group] = grouped.groups()
        assert numbers(group) == [0, 1]

    def test_a_pattern_is_the_sorted_list_of_its_files(self, files, tmp_path):
        configs = ConfigSet("run*.xyz", file_root=tmp_path)
        assert numbers(configs) == [0, 1, 2, 3, 4, 5]
        assert [numbers(group) for group in configs.groups()] == [[0, 1], [2, 3], [4, 5]]

    def test_a_name_that_looks_like_a_pattern(self, files, tmp_path):
        shutil.copy(files[0], tmp_path / "run[1].xyz")
        assert numbers(ConfigSet(tmp_path / "run[1].xyz")) == [0, 1]

    def test_memory_and_files_mix(self, files):
        configs = ConfigSet([structure(9), files[0], [structure(8), [structure(7)]], ConfigSet(files[1])])
        assert numbers(configs) == [9, 0, 1, 8, 7, 2, 3]
        kinds = [type(group) for group in configs.groups()]
        assert kinds == [Atoms, ConfigSet, ConfigSet, ConfigSet]

    def test_an_iterator_is_read_once_and_a_function_each_time(self):
        once = ConfigSet(structure(i) for i in range(3))
        calls = []
        again = ConfigSet(lambda: (calls.append(1), map(structure, range(3)))[1])
        assert not calls
        for configs in (once, again):
            assert numbers(configs) == numbers(configs) == [0, 1, 2]
            assert numbers(configs[1:]) == [1, 2]
            assert numbers(configs.take([2, 0])) == [2, 0]

    def test_other_formats(self, tmp_path):
        path = tmp_path / "x.traj"
        write(path, structures(4))
        configs = ConfigSet(path)
        assert len(configs) == 4
        assert configs[2] == structure(2)
        assert [len(atoms) for atoms in configs.take([3, 0])] == [4, 4]

    def test_packed_files(self, files, tmp_path):
        path = tmp_path / "packed.xyz.gz"
        path.write_bytes(gzip.compress(files[1].read_bytes()))
        assert numbers(ConfigSet(path)) == [2, 3]
        assert ConfigSet(path)[-1].info["number"] == 3

    def test_arguments_of_ase(self, tmp_path):
        path = written(tmp_path / "x.xyz", 6)
        assert numbers(ConfigSet(path, read_kwargs={"index": "::2"})) == [0, 2, 4]
        assert numbers(ConfigSet([path], read_kwargs={"index": 3})) == [3]
        path.rename(tmp_path / "x.dat")
        assert len(ConfigSet(tmp_path / "x.dat", read_kwargs={"format": "extxyz"})) == 6

    def test_results_in_a_file(self, tmp_path):
        atoms = structure(0)
        atoms.calc = EMT()
        energy = atoms.get_potential_energy()
        write(tmp_path / "x.xyz", [atoms, atoms])
        for found in (next(iter(ConfigSet(tmp_path / "x.xyz"))), ConfigSet(tmp_path / "x.xyz")[1]):
            assert found.get_potential_energy() == pytest.approx(energy)
            assert found.info == {"number": 0}

    @pytest.mark.parametrize(
        ("items", "message"),
        [
            ("missing.xyz", "There is no file '.*missing.xyz' with structures"),
            (["missing.xyz"], "There is no file '.*missing.xyz'"),
            (".", r"is a directory\. Name the files in it: '.*/\*\.xyz'"),
            ("missing*.xyz", "No file fits '.*missing.*xyz'"),
            (7, "7 is no structure. Give an ase.Atoms, a file, or a list"),
            ([structure(0), 7], "7 is no structure"),
            ({"a": 1}, "A dictionary is no set of structures"),
        ],
    )
    def test_bad_items_are_refused_at_once(self, items, message, tmp_path):
        with pytest.raises(InputError, match=message):
            ConfigSet(items, file_root=tmp_path)

    def test_a_file_that_is_none_of_structures(self, tmp_path):
        (tmp_path / "notes").write_text("nothing\n")
        with pytest.raises(InputError, match="no format that ASE reads.*Name it: read_kwargs"):
            ConfigSet(tmp_path / "notes")


class TestFilesThatAreBroken:
    @pytest.fixture
    def cut(self, tmp_path):
        path = written(tmp_path / "x.xyz", 4)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))
        return path

    def test_a_cut_structure_is_named(self, cut):
        configs, found = ConfigSet(cut), []
        with pytest.raises(InputError, match=r"Structure 3 of .*x\.xyz cannot be read"):
            found.extend(configs)
        assert numbers(found) == [0, 1, 2] == numbers(configs[:3])
        with pytest.raises(InputError, match=r"Structure 3 of .*x\.xyz cannot be read"):
            configs[3]

    def test_what_is_no_number_of_atoms_is_named(self, cut):
        lines = cut.read_text().splitlines(keepends=True)
        cut.write_text("".join([*lines[:6], "four\n", *lines[7:]]))
        with pytest.raises(InputError, match=r"Structure 1 of .*x\.xyz cannot be read.*four"):
            len(ConfigSet(cut))


class TestParts:
    @pytest.fixture(params=["memory", "file", "files"])
    def configs(self, request, files, tmp_path):
        if request.param == "memory":
            return ConfigSet(structures(6))
        return ConfigSet(written(tmp_path / "all.xyz", 6)) if request.param == "file" else ConfigSet(files)

    def test_by_number(self, configs):
        assert (len(configs), numbers([configs[0], configs[5], configs[-1]])) == (6, [0, 5, 5])
        for outside in (6, -7):
            with pytest.raises(IndexError, match="out of range: there are 6 structures"):
                configs[outside]

    def test_slices(self, configs):
        for part in (slice(2), slice(1, 5, 2), slice(None, None, -1), slice(4, 2)):
            assert numbers(configs[part]) == list(range(6))[part]
        assert numbers(configs[1:][1:][::2]) == [2, 4]

    def test_filter_and_map(self, configs):
        odd = configs.filter(lambda atoms: atoms.info["number"] % 2)
        assert numbers(odd) == [1, 3, 5]

        def double(atoms):
            return atoms * (2, 1, 1)

        doubled = configs.map(double)
        assert [len(atoms) for atoms in doubled] == [2 * len(atoms) for atoms in configs]
        assert len(list(doubled.groups())) == len(list(configs.groups()))
        assert len(doubled[4]) == 2 * len(configs[4])

    def test_map_does_not_change_what_it_is_given(self):
        atoms = structure(0)
        atoms.calc = EMT()
        energy = atoms.get_potential_energy()

        def change(given):
            given.info["energy"] = given.get_potential_energy()
            given.positions += 1.0
            return given

        [found] = ConfigSet(atoms).map(change)
        assert found.info["energy"] == energy
        assert atoms == structure(0)
        assert "energy" not in atoms.info

    def test_a_split_gives_each_structure_to_one_part(self, configs):
        train, test = configs.split(2, 1, seed=1)
        assert (len(train), len(test)) == (4, 2)
        assert sorted(numbers(train) + numbers(test)) == [0, 1, 2, 3, 4, 5]
        assert numbers(train) == sorted(numbers(train))
        assert [numbers(part) for part in configs.split(2, 1, seed=1)] == [numbers(train), numbers(test)]
        assert any(numbers(configs.split(2, 1, seed=seed)[1]) != numbers(test) for seed in range(2, 9))
        with pytest.raises(InputError, match="numbers above 0"):
            configs.split(1, 0, seed=1)

    def test_sources(self, configs, files, tmp_path):
        found = list(configs.sources())
        one_file = [Source(tmp_path / "all.xyz", i) for i in range(6)]
        in_files = [Source(files[i // 2], i % 2) for i in range(6)]
        assert found in ([Source(None, i) for i in range(6)], one_file, in_files)
        assert list(configs[4:].sources()) in ([Source(None, 0), Source(None, 1)], one_file[4:], in_files[4:])
        for source, atoms in zip(found, configs, strict=True):
            assert source.file is None or read(source.file, source.number) == atoms

    def test_sums(self, configs):
        other = ConfigSet(structures(2, 6))
        assert numbers(configs + other) == numbers(sum([configs, other])) == list(range(8))
        assert len(list((configs + other).groups())) == len(list(configs.groups())) + 2
        with pytest.raises(TypeError):
            configs + 0

    def test_groups_are_read_in_any_order(self, configs):
        groups = [group if isinstance(group, ConfigSet) else [group] for group in configs.groups()]
        iterators = [iter(group) for group in groups]
        found = [next(each).info["number"] for each in reversed(iterators)]
        assert found == [numbers(group)[0] for group in reversed(groups)]

    def test_nothing_is_added_to_a_structure(self, configs):
        for number, atoms in enumerate(configs):
            assert atoms.info == {"number": number}
            assert set(atoms.arrays) == {"numbers", "positions"}


def test_a_repr_says_where_structures_are_and_reads_none(files):
    files[1].write_text("broken")
    assert repr(ConfigSet(files)) == "<ConfigSet: 3 groups, 3 files>"
    assert repr(ConfigSet(files[0])) == f"<ConfigSet: from {files[0]}>"
    assert repr(ConfigSet(structure(0))) == "<ConfigSet: 1 structure>"
    assert repr(ConfigSet([[structure(0)], [structure(1), structure(2)]])) == "<ConfigSet: 2 groups, 3 structures>"


def test_a_file_is_read_as_it_is_at_the_time(tmp_path):
    path = written(tmp_path / "x.xyz", 3)
    configs = ConfigSet(path)
    assert numbers([configs[-1]]) == [2]
    written(path, 5, 10)
    assert len(configs) == 5
    assert numbers([configs[-1]]) == [14]


TREES = st.recursive(st.integers(0, 30), lambda children: st.lists(children, max_size=4), max_leaves=12)


def flat(tree):
    return [leaf for branch in tree for leaf in flat(branch)] if isinstance(tree, list) else [tree]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=st.lists(TREES, max_size=4), where=st.sampled_from(["memory", "files", "both"]), data=st.data())
def test_whatever_the_nesting_order_and_groups_are_kept(tree, where, data, tmp_path):
    known = {}

    def stored(number):
        if where == "memory" or (where == "both" and number % 2):
            return structure(number)
        if number not in known:
            known[number] = tmp_path / f"{number}.xyz"
            if not known[number].exists():
                write(known[number], structure(number))
        return known[number]

    def made(branch):
        return [made(each) for each in branch] if isinstance(branch, list) else stored(branch)

    configs, expected = ConfigSet(made(tree)), flat(tree)
    assert numbers(configs) == expected
    assert len(configs) == len(expected)
    assert [numbers([group]) if isinstance(group, Atoms) else numbers(group) for group in configs.groups()] == [
        flat(branch) for branch in tree
    ]
    chosen = data.draw(st.lists(st.integers(0, len(expected) - 1), max_size=6)) if expected else []
    assert numbers(configs.take(chosen)) == [expected[number] for number in chosen]
    again = ConfigSet(configs)
    assert np.array_equal(numbers(again[::-1]), expected[::-1])
    assert all(isinstance(source.file, Path | None) for source in configs.sources())


@pytest.mark.parametrize("name", ["a.xyz", "a.xyz.gz", "a.traj"])
def test_a_list_reads_each_file_once(name, tmp_path, monkeypatch):
    write(tmp_path / name, [bulk("Cu", a=3 + number / 10) for number in range(5)])
    configs = ConfigSet([tmp_path / name, bulk("Ag")])
    begun = []
    original = Frames.__iter__
    monkeypatch.setattr(Frames, "__iter__", lambda each: begun.append(each.path) or original(each))
    monkeypatch.setattr(frames, "_starts", None)  # which would read it, too
    found = list(configs)
    assert (len(found), begun) == (6, [tmp_path / name])
    assert [*configs] == found
    assert tuple(configs) == tuple(found)
    assert len(begun) == 3


def test_the_length_is_right_at_any_time(tmp_path):
    write(tmp_path / "a.xyz", [bulk("Cu")] * 3)
    configs = ConfigSet(tmp_path / "a.xyz")
    first, second = iter(configs), iter(configs)
    assert len(configs) == 3
    assert len([next(first), *second, *first]) == 6
    write(tmp_path / "a.xyz", [bulk("Cu")] * 4)
    assert len(configs) == len(list(configs)) == 4
    assert len(pickle.loads(pickle.dumps(configs))) == 4
    assert list(ConfigSet()) == []
