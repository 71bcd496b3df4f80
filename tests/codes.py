"""Codes that tests need.

``TEST_CODES`` names codes, by comma: one of them that is missing is a failure. Without any other, what needs it is
skipped, with the line that installs it.
"""

import os
from importlib.util import find_spec

import pytest

WANTED = [name for name in os.environ.get("TEST_CODES", "").split(",") if name]

# Whether it is there, and what installs it.
CODES = {
    "tblite": (lambda: find_spec("tblite"), "pip install 'adatom[tblite]'"),
    "dispersion": (lambda: find_spec("dftd3") and find_spec("dftd4"), "pip install 'adatom[dispersion]'"),
}
assert set(WANTED) <= set(CODES), f"TEST_CODES is {','.join(WANTED)}. Valid: {', '.join(CODES)}."


def reason_to_skip(name: str) -> str | None:
    """What installs a code, where a test that needs it is to be skipped."""
    is_there, install = CODES[name]
    return None if name in WANTED or is_there() else install


def needs_code(name: str) -> pytest.MarkDecorator:
    """A mark for tests that cannot run without a code."""
    return pytest.mark.skipif(reason_to_skip(name) is not None, reason=CODES[name][1])
