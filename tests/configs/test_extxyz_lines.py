"""Files that are damaged or hostile cost little, and give one error with file, line and number of the structure."""

import gzip
import tracemalloc

import pytest
from ase.build import bulk
from ase.io import read, write

from adatom.configs import ConfigSet
from adatom.errors import InputError

ROW = "H 0 0 0\n"
DEEP = "[" * 10**5 + "]" * 10**5
LARGE = "species:S:1:pos:R:3:x:R:2000000000"


def every_way(path):
    """Functions that read the last structure: in order, and by number."""
    yield lambda: list(ConfigSet(path))[-1]
    yield lambda: ConfigSet(path)[-1]


@pytest.mark.parametrize(
    ("text", "number", "line", "said"),
    [
        (f"999999999999\n\n{ROW}", 0, 3, "the file ends after 1 of 999999999999 atoms"),
        (f"1\n\n{ROW}2\na=1\n{ROW}", 1, 6, "the file ends after 1 of 2 atoms"),
        (f"{'9' * 5000}\n\n{ROW}", 0, 1, "no number of atoms"),
        (f"1\n\n{ROW}-2\n\n{ROW}", 1, 4, "'-2' is no number of atoms"),
        (f"1\n\n{ROW}{'x' * 10**6}\n", 1, 4, "no number of atoms"),
        (f"1\n\n{ROW}\n1\nProperties={LARGE}\n{ROW}", 1, 6, "2000000004 columns, and the first atom 4"),
        (f"1\n'Properties'='{LARGE}:y:R:-2000000000' x\n{ROW}", 0, 2, "2000000004 columns"),
        (f"0\nProperties={LARGE}\n", 0, 2, "2000000004 columns"),
        (f'1\nx="_JSON {DEEP}"\n{ROW}', 0, 2, "RecursionError"),
        (f'1\nx="_JSON {"[" * 500}{"]" * 500}"\n{ROW}', 0, 2, "dimension"),
        (f"1\n{'=' * 10**6}\n{ROW}", 0, 2, "IndexError"),
        (f"1\n\n{ROW}2\n\n{ROW}H 0 x 0\n", 1, 7, "could not convert string to float: 'x'"),
        (f"1\n\n{ROW}2\n\nH 0 0\n{ROW}", 1, 6, ""),
        (f"1\n\n{ROW}2\n\n{ROW}Qq 0 0 0\n", 1, 7, "Qq"),
        (f"1\n\n{ROW}1\n\nH 0 0\0 0\n", 1, 6, "NUL byte"),
        (f"1\n\n{ROW}" + "\0" * 5000, 1, 4, "no number of atoms"),
        (f"1\r\r{ROW[:-1]}\r", 0, 1, "carriage returns alone"),
        (f"1\n\n{ROW}1\na=1\rb=2\n{ROW}", 1, 5, "carriage returns alone"),
    ],
)
def test_the_error_names_file_line_and_structure(text, number, line, said, tmp_path):
    path = tmp_path / "a.xyz"
    path.write_bytes(text.encode())
    for last in every_way(path):
        with pytest.raises(
            InputError, match=rf"Structure {number} of .*a\.xyz cannot be read, line {line}: .*"
        ) as caught:
            last()
        assert said in str(caught.value)
        assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    "comment",
    ["{a}", '{"}', "{[}", "{\\}", "x={1}", 'x="{1 }x"', "{a=1 }", 'x="{ }" y=', 'x="{1.5e5 }x" y=1', 'x="{é}'],
)
@pytest.mark.timeout(120)  # with the square of the time it would be hours
def test_a_long_comment_is_read_in_bounded_time_and_memory(comment, tmp_path):
    sign = comment[comment.index("{") + 1 : comment.index("}")]
    path = tmp_path / "a.xyz"
    path.write_text(f"1\n{comment.replace('{' + sign + '}', sign * (10**6 // len(sign)))}\n{ROW}")
    tracemalloc.start()
    try:
        assert len(list(ConfigSet(path))) == 1
        assert tracemalloc.get_traced_memory()[1] < 500e6
    finally:
        tracemalloc.stop()


def test_blank_lines_are_skipped_wherever_they_are(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_text(f"\n1\nn=0\n{ROW}\n \t\n1\nn=1\n{ROW}1\nn=2\n{ROW}\n\n")
    configs = ConfigSet(path)
    assert [atoms.info["n"] for atoms in configs] == [configs[number].info["n"] for number in range(3)] == [0, 1, 2]
    assert len(configs) == 3


@pytest.mark.parametrize("index", ["::2", "1:", ":3", "-2:", "2", "-1", ":", 1, slice(None, None, -1)])
def test_an_index_selects_what_it_selects_in_ase(index, tmp_path):
    path = tmp_path / "a.xyz"
    write(path, [bulk("Cu", a=3 + number / 10) for number in range(5)])
    found = read(path, index)
    assert list(ConfigSet(path, read_kwargs={"index": index})) == (found if isinstance(found, list) else [found])


def test_lines_of_windows_are_read(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_bytes(f"1\r\nn=0 t=a\r\n{ROW[:-1]}\r\n\r\n1\r\nn=1 t=b\r\n{ROW[:-1]}\r\n".encode())
    assert [atoms.info for atoms in ConfigSet(path)] == [{"n": 0, "t": "a"}, {"n": 1, "t": "b"}]
    assert ConfigSet(path)[1].info == {"n": 1, "t": "b"}


@pytest.mark.parametrize("part", [0.01, 0.5, 0.999])
def test_a_compressed_file_that_was_cut(part, tmp_path):
    path = tmp_path / "a.xyz.gz"
    data = gzip.compress("".join(f"1\nn={number}\nH 0 0 {number**3}\n" for number in range(20_000)).encode())
    path.write_bytes(data[: int(len(data) * part)])
    for last in every_way(path):
        with pytest.raises(InputError, match=r"a\.xyz\.gz cannot be read.*EOFError"):
            last()
