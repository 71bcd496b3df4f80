import re

import pytest

from adatom.utils.counts import JobCounts


@pytest.mark.parametrize("width", [200, 80, 60, 40, 20])
def test_the_time_that_is_left_is_seen_on_a_narrow_terminal(width):
    counts = JobCounts("bulk_to_slabs_flow")
    for event, count in {"added": 1000, "started": 30, "done": 20, "failed": 2, "skipped": 4}.items():
        counts.note("relax_job", event, count)
    counts._start -= 4000
    line = counts.within(width)
    assert len(line) <= width
    assert re.search(r"49:1\d:\d\d left", line)
    assert ("2 failed" in line) == (width >= 60)
    assert (line == str(counts)) == (width == 200)
