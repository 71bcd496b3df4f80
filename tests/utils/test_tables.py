import resource
import subprocess
import sys
import tomllib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adatom.errors import InputError
from adatom.utils.tables import parse_toml, read_text, read_yaml

LAUGHS = "a0: &a0 ha\n" + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30))
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{<<: [*a{i - 1}, *a{i - 1}]}}\n" for i in range(1, 60))
BOMBS = {
    "laughs": (LAUGHS, r"it has more than 100,000 values"),
    "merge keys": (MERGED, r"it has more than 100,000 values"),
    "itself": ("a: &a [1, *a]", r"\*a stands in what it stands for"),
    "deep": ("[" * 100_000, r"it is nested deeper than 50 levels"),
    "deep, by indents": ("".join(" " * i + "a:\n" for i in range(60)), r"it is nested deeper than 50 levels"),
    "long": ("a: [" + "1, " * 200_000 + "1]", r"it has more than 100,000 values"),
    "large": ("#" * 10_000_001, r"it has more than 10 MB"),
    "no date": ("a: 2026-02-31", r"day is out of range"),
    "no YAML": ("a: [1", r"did not find expected .*, at line 2"),
    "an object": ("!!python/object/apply:os.system ['true']", r"could not determine a constructor"),
    "binary": (b"\xff\xfe\x00", r"codec can't decode"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused(bomb, tmp_path):
    text, reason = BOMBS[bomb]
    file = tmp_path / "mine.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError, match=f"^The preset X cannot be read: .*{reason}"):
        read_yaml(file, "The preset X")


def test_a_file_without_end_is_refused():
    with pytest.raises(InputError, match=r"^It cannot be read: it has more than 10 MB"):
        read_text("/dev/zero", "It")


@pytest.mark.parametrize("text", ["a = " + "[" * 100_000, "a = " + '{b="" ,c=' * 50_000])
def test_toml_that_is_nested_too_deep_is_refused(text):
    with pytest.raises(InputError, match="It cannot be read"):
        parse_toml(text, "It")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("abc: *&-'", max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("xyz", min_size=1), inner, max_size=4),
)


@given(value=VALUES)
def test_tables_are_read_as_the_library_reads_them(value, tmp_path_factory):
    text = yaml.safe_dump([value, value])  # with anchors and aliases
    file = tmp_path_factory.mktemp("yaml") / "table.yaml"
    file.write_text(text)
    assert read_yaml(file, "It") == yaml.safe_load(text) == [value, value]


def test_a_bomb_in_the_settings_of_a_user_costs_nothing(tmp_path):
    (tmp_path / "models.yaml").write_text(MERGED)
    (tmp_path / "adatom.toml").write_text("a = " + "[" * 100_000)
    code = "import adatom.calculators.models as m; m.model_names()"
    for variables in ({"ADATOM_MODELS": "models.yaml"}, {"ADATOM_CONFIG_FILE": "adatom.toml"}):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={"PYTHONPATH": ":".join(sys.path), **variables},
            capture_output=True,
            text=True,
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30)),
        )
        assert "cannot be read" in done.stderr.splitlines()[-1], done.stderr


def test_tomllib_needs_this_care():
    with pytest.raises(RecursionError):
        tomllib.loads("a = " + "[" * 100_000)
