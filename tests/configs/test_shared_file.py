"""Files that several processes make with the same content."""

from adatom.configs.shared_file import SharedFile


def test_the_last_one_removes_it(tmp_path):
    one, two = (SharedFile(tmp_path / "a" / "file", b"content") for _ in range(2))
    one.close(remove=True)
    assert two.path.read_bytes() == b"content"
    assert two.path.stat().st_mode & 0o077 == 0
    two.close(remove=True)
    assert not list((tmp_path / "a").iterdir())


def test_what_others_need_may_stay(tmp_path):
    SharedFile(tmp_path / "file", b"content").close(remove=False)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    SharedFile(tmp_path / "file", b"content").close(remove=True)
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"cont")
    file = SharedFile(tmp_path / "file", b"content")
    assert file.path.read_bytes() == b"content"
    file.close(remove=True)
    assert not list(tmp_path.iterdir())
