import shutil

import ase.io
import pytest
from ase import Atoms
from ase.build import bulk
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from adatom.configs import AutoparaInfo, ConfigSet, OutputSpec, map
from adatom.errors import InputError, ItemError
from tests.configs import operations

ONE = AutoparaInfo(workers=1)
TREES = st.recursive(
    st.lists(st.sampled_from(["Cu", "Ni3"]), max_size=3),
    lambda trees: st.lists(st.sampled_from(["Cu", "Ni3"]) | trees, max_size=4),
    max_leaves=5,
)


def planted(tree):
    return [Atoms(part, [[0, 0, i] for i in range(3)][: 3 if "3" in part else 1]) if isinstance(part, str) else
            planted(part) for part in tree]  # fmt: skip


def shape(configs):
    return [str(part.symbols) if isinstance(part, Atoms) else shape(part) for part in configs.groups()]


def not_empty(tree):
    """Groups of a tree that have structures; where those that have none stood is not known in a copy."""
    groups = [part if isinstance(part, str) else not_empty(part) for part in tree]
    return [part for part in groups if part]


@pytest.mark.parametrize("name", ["all.xyz", "all.xyz.gz", "all.lmdb", "all.traj"])
@example(["Cu", [], [["Cu", "Cu"], "Cu", ["Ni3"]], "Ni3", [[["Cu"]]]])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_a_copy_of_a_file_has_its_groups(tmp_path_factory, name, tree):
    folder = tmp_path_factory.mktemp("copies")
    found = map(operations.sliced_or_same, ConfigSet(planted(tree)), folder / name, autopara_info=ONE)
    if not len(found):
        return  # no format can be seen in an empty file
    copied = ConfigSet(shutil.copy(folder / name, folder / f"copy-{name}"))
    assert not_empty(shape(copied)) == not_empty(shape(found))
    assert list(copied) == list(found)
    assert all("adatom_group" not in atoms.info for atoms in copied)


def test_empty_groups_are_counted_up_to_the_last_that_has_structures(tmp_path):
    given = [[bulk("Cu")], [], [[], [bulk("Ni")]], []]
    map(operations.strained, ConfigSet(given), tmp_path / "all.xyz", autopara_info=ONE)
    copied = ConfigSet(shutil.copy(tmp_path / "all.xyz", tmp_path / "copy.xyz"))
    assert shape(copied) == [["Cu"], [], [[], ["Ni"]]]


def test_ase_reads_the_name_of_the_group_and_a_file_that_it_writes_keeps_the_groups(tmp_path):
    given = [[bulk("Cu"), bulk("Cu")], bulk("Au"), [bulk("Ni")]]
    map(operations.strained, ConfigSet(given), tmp_path / "all.xyz", autopara_info=ONE)
    read = ase.io.read(tmp_path / "all.xyz", ":")
    assert [atoms.info.get("adatom_group") for atoms in read] == ["/0", "/0", None, "/1"]
    ase.io.write(tmp_path / "again.xyz", read)
    assert shape(ConfigSet(tmp_path / "again.xyz")) == [["Cu", "Cu"], "Au", ["Ni"]]


def test_structures_in_no_group_name_none(tmp_path):
    map(operations.strained, [bulk("Cu"), bulk("Au")], tmp_path / "all.xyz", autopara_info=ONE)
    assert "adatom_group" not in (tmp_path / "all.xyz").read_text()


def test_a_run_that_goes_on_names_the_same_groups(tmp_path):
    groups = ConfigSet([[bulk("Cu"), bulk("Au")], bulk("Ni"), [[bulk("Ag")], bulk("Pd")]])
    info = AutoparaInfo(workers=1, batch=1)
    options = {"folder": str(tmp_path), "symbol": "Ag", "autopara_info": info}
    with pytest.raises(ItemError, match="no Ag"):
        map(operations.failing_once, groups, tmp_path / "stopped.xyz", **options)
    map(operations.failing_once, groups, tmp_path / "stopped.xyz", **options)
    map(operations.failing_once, groups, tmp_path / "through.xyz", **options)
    assert (tmp_path / "stopped.xyz").read_bytes() == (tmp_path / "through.xyz").read_bytes()


def test_a_copy_can_have_a_file_for_each_group(tmp_path):
    map(operations.strained, ConfigSet([[bulk("Cu")], [bulk("Ni")] * 2]), tmp_path / "all.xyz", autopara_info=ONE)
    copied = ConfigSet(shutil.copy(tmp_path / "all.xyz", tmp_path / "copy.xyz"))
    map(operations.strained, copied, OutputSpec(["a.xyz", "b.xyz"], file_root=tmp_path), autopara_info=ONE)
    assert [len(ConfigSet(tmp_path / name)) for name in ("a.xyz", "b.xyz")] == [1, 2]


def test_files_that_were_joined_stay_in_order(tmp_path):
    for name, symbols in (("a", "Cu Ag"), ("b", "Ni Au")):
        groups = ConfigSet([[bulk(symbol)] for symbol in symbols.split()])
        map(operations.strained, groups, tmp_path / f"{name}.xyz", autopara_info=ONE)
    (tmp_path / "c.xyz").write_text((tmp_path / "a.xyz").read_text() + (tmp_path / "b.xyz").read_text())
    joined = ConfigSet(tmp_path / "c.xyz")
    assert shape(joined) == [["Cu"], ["Ag"], ["Ni"], ["Au"]]
    assert [str(atoms.symbols) for atoms in joined] == ["Cu", "Ag", "Ni", "Au"]


@pytest.mark.parametrize("name", ["x", "/x", "0", "/-1", "/0" * 60, "/1000000000000", "/99999" * 20, "/" + "9" * 5000])
def test_a_group_that_cannot_be_is_refused_at_no_cost(tmp_path, name):
    (tmp_path / "a.xyz").write_text(f"1\nProperties=species:S:1:pos:R:3 adatom_group={name}\nCu 0 0 0\n")
    assert len(list(ConfigSet(tmp_path / "a.xyz"))) == 1
    with pytest.raises(InputError, match=r"a\.xyz is in group .*adatom_group"):
        list(ConfigSet(tmp_path / "a.xyz").groups())


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_of_a_file_that_was_cut_the_reader_says_so(tmp_path, ending):
    path = tmp_path / f"a.xyz{ending}"
    map(operations.strained, ConfigSet([[bulk("Cu")] * 20]), path, autopara_info=ONE)
    data = path.read_bytes()
    cut = tmp_path / f"cut.xyz{ending}"
    cut.write_bytes(data[: len(data) - 30])
    with pytest.raises(InputError, match="cannot be read"):
        list(map(operations.strained, ConfigSet(cut), autopara_info=ONE))


def test_a_part_of_a_file_has_no_groups(tmp_path):
    map(operations.strained, ConfigSet([[bulk("Cu")] * 3, [bulk("Ni")]]), tmp_path / "all.xyz", autopara_info=ONE)
    copy = shutil.copy(tmp_path / "all.xyz", tmp_path / "copy.xyz")
    assert shape(ConfigSet(copy, read_kwargs={"index": "1:"})) == ["Cu", "Cu", "Ni"]
    assert shape(ConfigSet(copy)[1:]) == ["Cu", "Cu", "Ni"]
