"""A store of a test's own."""

from pathlib import Path

import pytest

from adatom.cache.key import make_key
from adatom.cache.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "cache")


def key_of(value, **options):
    """The key of a call with one argument."""
    return make_key(_job, (value,), {}, **options)


def _job(value):
    """Whatever has a value."""
    return value
