"""Messages between a spool and its counterpart on a host."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatom.engines.queue.far_end import read_message, write_message

contents = st.dictionaries(st.text(), st.binary(max_size=50), max_size=4)


def written(about, files):
    stream = io.BytesIO()
    write_message(stream, about, files)
    return stream.getvalue()


@given(about=st.dictionaries(st.just("number"), st.integers()), files=contents)
def test_it_arrives_as_it_was_sent(about, files):
    stream = io.BytesIO(written(about, files) + b"received\n")
    assert read_message(stream) == (about, files)
    assert stream.read() == b"received\n"


@given(files=contents, data=st.data())
def test_what_is_damaged_or_cut_short_is_refused(files, data):
    whole = written({"number": 1}, files)
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    for broken in (bytes(flipped), whole[:place]):
        with pytest.raises(EOFError, match="the message is (damaged|cut short)"):
            read_message(io.BytesIO(broken))
