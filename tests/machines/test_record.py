"""Records of batch jobs, which somebody else may have written."""

import json
import math
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.errors import AdatomError, InputError, StorageError
from adatom.machines.host import Host, checked_place
from adatom.machines.record import Record, read_record, read_records, record_path
from adatom.machines.ssh import checked_host, connection
from adatom.utils.sealed import sealed

GOOD = {
    "id": "12345.pbs-01",
    "name": "relax-0123abcd",
    "machine": "cluster",
    "scheduler_name": "slurm",
    "submitted": 1.0,
    "walltime": 60,
    "host": "me@login",
    "place": "~/adatom-jobs/relax-0123abcd",
}
BAD_HOSTS = [
    "-oProxyCommand=touch stolen",
    "-oProxyCommand=touch${IFS}stolen",
    "me@-oProxyCommand=x",
    "-me@login",
    "@login",
    "me@",
    "",
    "log in",
    "login\n",
    "login\x1b[2J",
    "`id`",
    "$(id)",
    "a;id",
    "a|id",
    "me;id@login",
]


def written(tmp_path, **changes):
    path = record_path(tmp_path, "key")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(sealed(json.dumps({**GOOD, **changes})))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"host": None, "place": None},
        {"place": None, "walltime": None},
        {"id": "1234[].host.example.org", "place": "/scratch/my jobs/relax-0123abcd"},
        {"host": "[::1]"},
    ],
)
def test_what_is_written_is_read(tmp_path, changes):
    path = record_path(tmp_path, "key")
    record = Record(path, **{**GOOD, **changes})
    record.write()
    assert path.stat().st_mode & 0o077 == path.parent.stat().st_mode & 0o077 == 0
    assert read_record(path) == record
    assert list(read_records(tmp_path)) == [record]


def test_no_record_is_none(tmp_path):
    assert read_record(record_path(tmp_path, "key")) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("host", host) for host in BAD_HOSTS),
        ("host", ["login"]),
        ("id", "--all"),
        ("id", "1;id"),
        ("id", ""),
        ("id", 12),
        ("name", "../../x"),
        ("name", "a\n#SBATCH --uid=0"),
        ("name", "-rf"),
        ("machine", "\x1b]0;title\x07"),
        ("scheduler_name", "bash"),
        ("submitted", "now"),
        ("submitted", True),
        ("submitted", math.nan),
        ("walltime", math.inf),
        ("walltime", -1),
        ("place", ""),
        ("place", "/"),
        ("place", "~"),
        ("place", "~/"),
        ("place", "relax-0123abcd"),
        ("place", "~/adatom-jobs"),
        ("place", "~/adatom-jobs/../relax-0123abcd"),
        ("place", "~root/relax-0123abcd"),
        ("place", "/a\nb/relax-0123abcd"),
        ("place", 1),
    ],
)
def test_a_foreign_value_is_refused_by_name(tmp_path, key, value):
    path = written(tmp_path, **{key: value})
    with pytest.raises(StorageError) as error:
        read_record(path)
    assert f"{key} is {value!r}" in str(error.value)
    assert str(path) in str(error.value)
    with pytest.raises(StorageError):
        list(read_records(tmp_path))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", "{}", pytest.param("[" * 100_000, id="deep"), '{"id": "1"}', "\0"]
)
def test_a_file_of_another_kind_is_refused(tmp_path, text):
    path = written(tmp_path)
    path.write_text(text)
    with pytest.raises(StorageError, match="is damaged, or is no record of a job"):
        read_record(path)


@pytest.mark.parametrize("seed", range(60))
def test_a_flipped_bit_is_refused(tmp_path, seed):
    path = written(tmp_path)
    data = bytearray(path.read_bytes())
    place = random.Random(seed).randrange(8 * len(data) - 8)  # but for the end of the line
    data[place // 8] ^= 1 << place % 8
    path.write_bytes(data)
    with pytest.raises(StorageError, match="is damaged"):
        read_record(path)


def test_further_keys_are_refused(tmp_path):
    with pytest.raises(StorageError, match="is damaged, or is no record of a job"):
        read_record(written(tmp_path, path="/etc"))


def test_a_place_here_is_refused(tmp_path):
    with pytest.raises(StorageError, match="place is"):
        read_record(written(tmp_path, host=None))


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.none() | st.booleans() | st.floats() | st.text(), min_size=1))
def test_any_value_is_as_written_or_an_error(tmp_path_factory, changes):
    path = written(tmp_path_factory.getbasetemp(), **changes)
    try:
        record = read_record(path)
    except StorageError:
        return
    assert record is not None
    assert not (record.host or "").startswith("-")
    assert not record.id.startswith("-")
    assert record.script.parent == path.parents[1]


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_no_command_gets_a_host_that_is_none(host):
    for use in (checked_host, Host, lambda name: connection(name, 0)):
        with pytest.raises(InputError, match="nothing that ssh takes"):
            use(host)


@pytest.mark.parametrize(
    "host", ["login", "me@login.example.org", "10.0.0.1", "[::1]", "fe80::1%eth0", "a_b-c", "ümlaut"]
)
def test_other_hosts_are_kept(host):
    assert checked_host(host) == host


@pytest.mark.parametrize(
    "place", ["", ".", "..", "a/b", "/a/../b", "~/..", "~you/a", "~", "/a\n", "/a\x1b[2J", "$HOME/a"]
)
def test_a_place_that_is_none(place):
    with pytest.raises(InputError):
        checked_place(place)


@pytest.mark.parametrize("place", ["/", "~/", "/.", "~/.", "~/a/..", "", "a"])
def test_nothing_is_removed_that_is_no_directory_of_a_job(place):
    with pytest.raises(AdatomError):
        Host("nowhere.invalid").remove(Path(place))
